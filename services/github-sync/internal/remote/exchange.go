package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/pack"
)

// wire carries the exchanges of Git's protocol to a host. Each call is a connection or a request of its own that signs
// in anew and leaves nothing open, so that what happens between two of them may take as long as it takes. What the host
// said beside the protocol goes to the exchange of the context.
type wire interface {
	// refs asks what a service begins with: the refs, and what the host is capable of.
	refs(ctx context.Context, service string) (*packp.AdvRefs, error)
	// upload asks for objects. The response is closed by who reads it.
	upload(ctx context.Context, request *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	// receive pushes. Neither a report nor an error says that the host answered with nothing.
	receive(ctx context.Context, request *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error)
	// login is what the last exchange signed in with and the host could repeat.
	login() credentials.Basic
}

// hostRemote is a repository of a Git host. It is not for concurrent use.
type hostRemote struct {
	wire       wire
	location   Location
	print      credentials.Fingerprint
	bounds     *pack.Bounds
	advertised *packp.AdvRefs
	// What the host can do and the library does not say.
	thin     bool // it can send thin packs
	multiACK capability.Capability
}

// Login returns the fingerprint of the credentials that it is spoken to with.
func (r *hostRemote) Login() credentials.Fingerprint { return r.print }

func (r *hostRemote) Refs(ctx context.Context) (Refs, error) {
	ctx, a, end := withExchange(ctx)
	defer end()
	advertised, err := r.wire.refs(ctx, transport.UploadPackServiceName)
	if err != nil {
		return Refs{}, r.explain(ctx, err, a)
	}
	r.advertised, r.thin, r.multiACK = advertised, a.capable(capability.ThinPack), multiACK(a)
	return Refs{Branches: branches(advertised), Default: defaultBranch(advertised.Capabilities)}, nil
}

// multiACK is how the host tells what both have, if it can. Some refuse clients that do not ask for it. Since all
// that is here is said in the one round that a fetch has, the answer is read like any other.
func multiACK(a *exchange) capability.Capability {
	for _, c := range []capability.Capability{capability.MultiACKDetailed, capability.MultiACK} {
		if a.capable(c) {
			return c
		}
	}
	return ""
}

func branches(ar *packp.AdvRefs) map[string]plumbing.Hash {
	out := map[string]plumbing.Hash{}
	for name, hash := range ar.References {
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			out[branch] = hash
		}
	}
	return out
}

// defaultBranch reads where HEAD points to; empty when the host does not say.
func defaultBranch(capabilities *capability.List) string {
	for _, symref := range capabilities.Get(capability.SymRef) {
		if branch, is := strings.CutPrefix(symref, "HEAD:"+headsPrefix); is {
			return branch
		}
	}
	return ""
}

// Fetch asks for a commit at a depth. What the store has of the branch before is said, so that only the difference
// comes; both ends know that history is cut there.
func (r *hostRemote) Fetch(ctx context.Context, into *filesystem.Storage, commit plumbing.Hash, depth int) error {
	if r.advertised == nil {
		if _, err := r.Refs(ctx); err != nil {
			return err
		}
	}
	err := r.fetch(ctx, into, commit, depth, r.thin)
	if r.thin && errors.Is(err, pack.ErrBaseTooLarge) {
		return r.fetch(ctx, into, commit, depth, false)
	}
	return err
}

// fetch asks for a commit. Only for a thin pack Git's upload-pack leaves out what the store has, when history is cut.
func (r *hostRemote) fetch(ctx context.Context, into *filesystem.Storage, commit plumbing.Hash, depth int,
	thin bool,
) error {
	request := packp.NewUploadPackRequestFromCapabilities(r.advertised.Capabilities)
	request.Wants = []plumbing.Hash{commit}
	request.Depth = packp.DepthCommits(depth)
	err := errors.Join(request.Capabilities.Set(capability.Shallow), addKnown(request, into))
	if thin {
		err = errors.Join(err, request.Capabilities.Set(capability.ThinPack))
	}
	if r.multiACK != "" {
		err = errors.Join(err, request.Capabilities.Set(r.multiACK))
	}
	if err != nil {
		return fmt.Errorf("prepare a fetch: %w", err)
	}
	ctx, a, end := withExchange(ctx)
	defer end()
	response, err := r.wire.upload(ctx, request)
	if err != nil && isRefusal(err) {
		return errs.New(errs.CommitNotFound, "The Git host %s hands out no commit %s.", r.location.Host, commit)
	}
	if err != nil {
		return r.explain(ctx, err, a)
	}
	err = errors.Join(r.packsOf(into).Receive(ctx, demultiplexed(request.Capabilities, response, nil)), response.Close())
	if err != nil {
		return r.explain(ctx, err, a)
	}
	return recordShallow(into, response.ShallowUpdate)
}

// isRefusal reports whether a host has no such object, or does not hand it out: the words are those of Git's
// upload-pack.
func isRefusal(err error) bool {
	return strings.Contains(err.Error(), "not our ref") || strings.Contains(err.Error(), "unadvertised object")
}

func (r *hostRemote) packsOf(s *filesystem.Storage) pack.Folder {
	return pack.Folder{
		Bounds: r.bounds,
		Path:   filepath.Join(s.Filesystem().Root(), "objects", "pack"),
		Bases:  func(id plumbing.Hash) (plumbing.EncodedObject, error) { return s.EncodedObject(plumbing.AnyObject, id) },
	}
}

// addKnown tells what the store holds: where its history is cut, if it is, and the commits it has.
func addKnown(request *packp.UploadPackRequest, s *filesystem.Storage) error {
	shallow, err := s.Shallow()
	if err != nil {
		return err
	}
	request.Shallows = shallow
	refs, err := s.IterReferences()
	if err != nil {
		return err
	}
	return refs.ForEach(func(ref *plumbing.Reference) error {
		if ref.Type() == plumbing.HashReference {
			request.Haves = append(request.Haves, ref.Hash())
		}
		return nil
	})
}

func recordShallow(s storer.ShallowStorer, update packp.ShallowUpdate) error {
	known, err := s.Shallow()
	if err != nil {
		return fmt.Errorf("read where history is cut: %w", err)
	}
	known = slices.DeleteFunc(known, func(h plumbing.Hash) bool { return slices.Contains(update.Unshallows, h) })
	for _, h := range update.Shallows {
		if !slices.Contains(known, h) {
			known = append(known, h)
		}
	}
	if err := s.SetShallow(known); err != nil {
		return fmt.Errorf("record where history is cut: %w", err)
	}
	return nil
}

// demultiplexed returns what is in the first sideband; what is in the second goes to beside.
func demultiplexed(caps *capability.List, r io.Reader, beside sideband.Progress) io.Reader {
	var d *sideband.Demuxer
	switch {
	case caps.Supports(capability.Sideband64k):
		d = sideband.NewDemuxer(sideband.Sideband64k, r)
	case caps.Supports(capability.Sideband):
		d = sideband.NewDemuxer(sideband.Sideband, r)
	default:
		return r
	}
	d.Progress = beside
	return d
}

type hostPusher struct {
	heads
	remote     *hostRemote
	advertised *packp.AdvRefs
}

func (r *hostRemote) PushRefs(ctx context.Context) (Pusher, error) {
	ctx, a, end := withExchange(ctx)
	defer end()
	advertised, err := r.wire.refs(ctx, transport.ReceivePackServiceName)
	if err != nil {
		return nil, r.explain(ctx, err, a)
	}
	return &hostPusher{branches(advertised), r, advertised}, nil
}

func (p *hostPusher) Push(ctx context.Context, branch string, old, next plumbing.Hash, pack []byte) error {
	request := packp.NewReferenceUpdateRequestFromCapabilities(p.advertised.Capabilities)
	request.Commands = []*packp.Command{{Name: plumbing.NewBranchReferenceName(branch), Old: old, New: next}}
	request.Packfile = io.NopCloser(bytes.NewReader(pack))
	for _, wanted := range []capability.Capability{capability.Sideband64k, capability.Quiet} {
		if p.advertised.Capabilities.Supports(wanted) {
			if err := request.Capabilities.Set(wanted); err != nil {
				return fmt.Errorf("prepare a push: %w", err)
			}
		}
	}
	var beside sidebandText // what the hooks of the host have to say
	request.Progress = &beside
	ctx, a, end := withExchange(ctx)
	defer end()
	report, err := p.remote.wire.receive(ctx, request)
	switch {
	case report != nil && err != nil:
		return verdict(report, string(beside), p.remote.wire.login())
	case err != nil:
		return p.remote.explain(ctx, err, a)
	case report == nil:
		return unavailable("The Git host answered a push with nothing.")
	}
	return nil
}

// verdict explains what the Git host's report says, and what it said beside. It did not move the branch. The library's
// error quotes the report, so it goes no further.
func verdict(report *packp.ReportStatus, beside string, login credentials.Basic) error {
	text := report.UnpackStatus
	if len(report.CommandStatuses) > 0 && text == "ok" {
		text = report.CommandStatuses[0].Status
	}
	beside = strings.TrimSpace(beside)
	all := strings.TrimSuffix(text+": "+beside, ": ")
	code := errs.PushRejected
	if isProtection(all) {
		code = errs.BranchProtected
	}
	refusal := errs.New(code, "The Git host refused the commit: %s", Scrub(all, login))
	if !mayHaveMoved(text) {
		return refusal
	}
	return errs.New(errs.BranchMoved, "The branch moved while it was pushed to.").
		WithCause(&MovedError{Refusal: refusal, Locked: strings.Contains(all, "lock")})
}

// mayHaveMoved reports whether a host refuses a push in the words it has for a branch that is no longer where it was.
func mayHaveMoved(text string) bool {
	for _, moved := range []string{
		"failed to update ref", "fetch first", "non-fast-forward", "stale info",
		"cannot lock ref", "already exists", "incorrect old value",
	} {
		if strings.Contains(text, moved) {
			return true
		}
	}
	return false
}

// isProtection reports whether a host refuses a push because the branch is protected: the words are those of GitHub
// (GH006, GH013), GitLab and Gitea.
func isProtection(text string) bool {
	for _, words := range []string{
		"protected branch", "GH006", "GH013", "not allowed to push code to protected",
		"repository rule violations",
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// Scrub makes a text of the Git host fit to be stored and shown: without credentials, be they in a URL or those of this
// login, without control characters, and no longer than a page.
func Scrub(text string, login credentials.Basic) string {
	const longest = 2 << 10
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, login.RemoveFrom(text))
	return clipTo(userInfo.ReplaceAllString(text, "://[redacted]@"), longest)
}
