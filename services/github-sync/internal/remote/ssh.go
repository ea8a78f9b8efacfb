package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

// sshWire speaks to a repository over SSH: a connection for each exchange. It is not for concurrent use.
type sshWire struct {
	client   *sshClient
	location Location
	signer   ssh.Signer
}

// login is nothing that the host knows: it sees a signature and never the key.
func (w *sshWire) login() credentials.Basic { return credentials.Basic{} }

func (w *sshWire) refs(ctx context.Context, service string) (*packp.AdvRefs, error) {
	call, advertised, err := w.client.begin(ctx, w, service, "refs "+service)
	if err != nil {
		return nil, err
	}
	_, _ = call.stdin.Write(pktline.FlushPkt) // says that nothing is wanted; what was asked for is here
	call.close()
	return advertised, nil
}

func (w *sshWire) upload(ctx context.Context, request *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if request.IsEmpty() {
		return nil, transport.ErrEmptyUploadPackRequest
	}
	call, _, err := w.client.begin(ctx, w, transport.UploadPackServiceName, transport.UploadPackServiceName)
	if err != nil {
		return nil, err
	}
	response := packp.NewUploadPackResponse(request)
	err = errors.Join(request.UploadRequest.Encode(call.stdin), request.UploadHaves.Encode(call.stdin, false),
		pktline.NewEncoder(call.stdin).EncodeString("done\n"))
	if err == nil {
		err = response.Decode(call)
	}
	if err != nil {
		call.close()
		return nil, fmt.Errorf("ask for objects: %w", err)
	}
	return response, nil
}

// receive pushes if the branch still is where the request expects it: this is another connection than the one that
// asked.
func (w *sshWire) receive(ctx context.Context, request *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	call, advertised, err := w.client.begin(ctx, w, transport.ReceivePackServiceName, transport.ReceivePackServiceName)
	if err != nil {
		return nil, err
	}
	defer call.close()
	for _, command := range request.Commands {
		if advertised.References[command.Name.String()] != command.Old {
			return nil, errs.New(errs.BranchMoved, "The branch moved before it was pushed to.")
		}
	}
	// What the host says counts more than that it took no more: it may have refused at once.
	encodeErr := errors.Join(request.Encode(call.stdin), call.stdin.Close())
	report := packp.NewReportStatus()
	if err := report.Decode(demultiplexed(request.Capabilities, call, request.Progress)); err != nil {
		return nil, errors.Join(err, encodeErr)
	}
	return report, report.Error()
}

// advertisement reads what a service begins with, with the capabilities that the library can deal with.
func advertisement(call *sshCall, service string) (*packp.AdvRefs, error) {
	advertised := packp.NewAdvRefs()
	err := advertised.Decode(call)
	var refused *pktline.ErrorLine
	switch {
	case errors.As(err, &refused):
		return nil, refusal(call.host, refused.Text)
	case err != nil && !errors.Is(err, packp.ErrEmptyAdvRefs):
		return nil, fmt.Errorf("read the refs: %w", err)
	}
	if advertised.IsEmpty() && service == transport.UploadPackServiceName {
		return nil, transport.ErrEmptyRemoteRepository
	}
	transport.FilterUnsupportedCapabilities(advertised.Capabilities)
	return advertised, nil
}
