package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/pack"
)

type httpClient struct {
	transport transport.Transport
	next      http.RoundTripper
	base      *http.Transport
}

func newHTTPClient(rt http.RoundTripper, base *http.Transport) *httpClient {
	return &httpClient{next: rt, base: base, transport: githttp.NewClientWithOptions(&http.Client{Transport: rt}, &githttp.ClientOptions{})}
}

// httpRemote is a repository behind smart HTTP. It is not for concurrent use.
type httpRemote struct {
	client     *httpClient
	location   Location
	print      credentials.Fingerprint
	signIn     SignIn
	login      credentials.Basic // of the last exchange
	upload     transport.UploadPackSession
	advertised *packp.AdvRefs
	thin       bool // the host can send thin packs
}

func (r *httpRemote) Login() credentials.Fingerprint { return r.print }

func (r *httpRemote) session(ctx context.Context) (*transport.Endpoint, transport.AuthMethod, error) {
	endpoint, err := transport.NewEndpoint(r.location.URL)
	if err != nil {
		return nil, nil, fmt.Errorf("read the normalised URL: %w", err)
	}
	if r.login, err = r.signIn(ctx); err != nil {
		return nil, nil, err
	}
	if r.login.None() {
		return endpoint, nil, nil
	}
	return endpoint, &githttp.BasicAuth{Username: r.login.Username, Password: r.login.Password.Reveal()}, nil
}

func (r *httpRemote) Refs(ctx context.Context) (Refs, error) {
	endpoint, auth, err := r.session(ctx)
	if err != nil {
		return Refs{}, err
	}
	if r.upload, err = r.client.transport.NewUploadPackSession(endpoint, auth); err != nil {
		return Refs{}, fmt.Errorf("prepare a fetch: %w", err)
	}
	ctx, a := withAnswered(ctx)
	if r.advertised, err = r.upload.AdvertisedReferencesContext(ctx); err != nil {
		return Refs{}, r.explain(ctx, err, a)
	}
	r.thin = a.thin
	return Refs{Branches: branches(r.advertised)}, nil
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

// Fetch asks for a commit at a depth. What the store has of the branch before is said, so that only the difference
// comes; both ends know that history is cut there.
func (r *httpRemote) Fetch(ctx context.Context, into *filesystem.Storage, commit plumbing.Hash, depth int) error {
	if r.upload == nil {
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
func (r *httpRemote) fetch(ctx context.Context, into *filesystem.Storage, commit plumbing.Hash, depth int, thin bool) error {
	request := packp.NewUploadPackRequestFromCapabilities(r.advertised.Capabilities)
	request.Wants = []plumbing.Hash{commit}
	request.Depth = packp.DepthCommits(depth)
	err := errors.Join(request.Capabilities.Set(capability.Shallow), addKnown(request, into))
	if thin {
		err = errors.Join(err, request.Capabilities.Set(capability.ThinPack))
	}
	if err != nil {
		return fmt.Errorf("prepare a fetch: %w", err)
	}
	ctx, a := withAnswered(ctx)
	response, err := r.upload.UploadPack(ctx, request)
	if err != nil && isRefusal(err) {
		return errs.New(errs.NotFound, errs.CommitNotFound, "The Git host %s hands out no commit %s.", r.location.Host, commit)
	}
	if err != nil {
		return r.explain(ctx, err, a)
	}
	err = errors.Join(packsOf(into).Receive(ctx, demultiplexed(request.Capabilities, response)), response.Close())
	if err != nil {
		return r.explain(ctx, err, a)
	}
	return recordShallow(into, response.ShallowUpdate)
}

// isRefusal tells whether a host has no such object, or does not hand it out: the words are those of Git's upload-pack.
func isRefusal(err error) bool {
	return strings.Contains(err.Error(), "not our ref") || strings.Contains(err.Error(), "unadvertised object")
}

func packsOf(s *filesystem.Storage) pack.Folder {
	return pack.Folder{
		Path:  filepath.Join(s.Filesystem().Root(), "objects", "pack"),
		Bases: func(id plumbing.Hash) (plumbing.EncodedObject, error) { return s.EncodedObject(plumbing.AnyObject, id) },
	}
}

// addKnown tells what the store holds: where its history is cut, and the commits it has.
func addKnown(request *packp.UploadPackRequest, s *filesystem.Storage) error {
	shallow, err := s.Shallow()
	if err != nil {
		return err
	}
	if len(shallow) == 0 {
		return nil
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

func demultiplexed(caps *capability.List, r io.Reader) io.Reader {
	switch {
	case caps.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, r)
	case caps.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, r)
	}
	return r
}

type httpPusher struct {
	heads
	remote     *httpRemote
	session    transport.ReceivePackSession
	advertised *packp.AdvRefs
}

func (r *httpRemote) PushRefs(ctx context.Context) (Pusher, error) {
	endpoint, auth, err := r.session(ctx)
	if err != nil {
		return nil, err
	}
	session, err := r.client.transport.NewReceivePackSession(endpoint, auth)
	if err != nil {
		return nil, fmt.Errorf("prepare a push: %w", err)
	}
	ctx, a := withAnswered(ctx)
	advertised, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, r.explain(ctx, err, a)
	}
	return &httpPusher{branches(advertised), r, session, advertised}, nil
}

func (p *httpPusher) Push(ctx context.Context, branch string, old, next plumbing.Hash, pack []byte) error {
	request := packp.NewReferenceUpdateRequestFromCapabilities(p.advertised.Capabilities)
	request.Commands = []*packp.Command{{Name: plumbing.NewBranchReferenceName(branch), Old: old, New: next}}
	request.Packfile = io.NopCloser(bytes.NewReader(pack))
	if p.advertised.Capabilities.Supports(capability.Sideband64k) {
		if err := request.Capabilities.Set(capability.Sideband64k); err != nil {
			return fmt.Errorf("prepare a push: %w", err)
		}
	}
	ctx, a := withAnswered(ctx)
	report, err := p.session.ReceivePack(ctx, request)
	switch {
	case report != nil && err != nil:
		return verdict(report, p.remote.login)
	case err != nil:
		return p.remote.explain(ctx, err, a)
	case report == nil:
		return unavailable("The Git host answered a push with nothing.")
	}
	return nil
}

// verdict explains what the Git host's report says. It did not move the branch. The library's error quotes the report,
// so it goes no further.
func verdict(report *packp.ReportStatus, login credentials.Basic) error {
	text := report.UnpackStatus
	if len(report.CommandStatuses) > 0 && text == "ok" {
		text = report.CommandStatuses[0].Status
	}
	for _, moved := range []string{"failed to update ref", "fetch first", "non-fast-forward", "stale info", "cannot lock ref", "already exists", "incorrect old value"} {
		if strings.Contains(text, moved) {
			return errs.New(errs.Conflict, errs.BranchMoved, "The branch moved while it was pushed to.")
		}
	}
	code := errs.PushRejected
	if isProtection(text) {
		code = errs.BranchProtected
	}
	return errs.New(errs.Precondition, code, "The Git host refused the commit: %s", Scrub(text, login))
}

// isProtection tells whether a host refuses a push because the branch is protected: the words are those of GitHub (GH006,
// GH013), GitLab and Gitea.
func isProtection(text string) bool {
	for _, words := range []string{"protected branch", "GH006", "GH013", "not allowed to push code to protected", "repository rule violations"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// Scrub makes a text of the Git host fit to be stored and shown: without credentials, be they in a URL or those of this
// login, without control characters, and short.
func Scrub(text string, login credentials.Basic) string {
	const longest = 300
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, login.Password.RemoveFrom(text))
	return clipTo(userInfo.ReplaceAllString(text, "://[redacted]@"), longest)
}

func unavailable(format string, args ...any) *errs.Error {
	return errs.New(errs.Unavailable, errs.GitHubConnectionFailed, format, args...)
}

// explain gives a failed exchange its code. What the transport saw counts more than what the library made of it.
func (r *httpRemote) explain(ctx context.Context, err error, a *answered) error {
	var known *errs.Error
	var file *fs.PathError
	host := r.location.Host
	switch {
	case errors.As(err, &known), errors.As(a.err, &known):
		return known
	case ctx.Err() != nil:
		return fmt.Errorf("speak to %s: %w", host, context.Cause(ctx))
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return errs.New(errs.Precondition, errs.RepositoryEmpty, "The repository at %s is empty.", host)
	case a.status == http.StatusUnauthorized && r.login.None():
		return errs.New(errs.Precondition, errs.GitHubAuthenticationFailed, "The Git host %s asks for credentials.", host)
	case limited(a):
		return errs.New(errs.Limited, errs.GitHubRateLimited, "The Git host %s asks to wait.", host).After(retryAfter(a.header))
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return errs.New(errs.Precondition, errs.GitHubAuthenticationFailed, "The Git host %s refuses the credentials.", host)
	case a.status == http.StatusNotFound, a.status == http.StatusGone:
		return errs.New(errs.Precondition, errs.GitHubNotFound, "The Git host %s has no such repository, or hides it.", host)
	case a.status == http.StatusRequestEntityTooLarge:
		return errs.New(errs.Precondition, errs.PushRejected, "The Git host %s refuses so large a push.", host)
	case a.status >= http.StatusInternalServerError:
		return unavailable("The Git host %s answered with status %d.", host, a.status)
	case a.sha256:
		return errs.New(errs.Precondition, errs.RepositoryUnsupported, "The repository at %s has SHA-256 object ids, which are not supported.", host).
			WithRemedy("Use a repository with SHA-1 object ids, which Git makes unless it is told otherwise.")
	case errors.As(err, &file): // what came could not be stored; a connection fails with other errors
		return errs.New(errs.Unavailable, errs.StorageFailed, "What the Git host %s sent can't be stored.", host).Because(err)
	case a.err != nil:
		return unavailable("The Git host %s can't be reached.", host).Because(a.err)
	}
	return unavailable("The exchange with the Git host %s broke off.", host).Because(fmt.Errorf("%w: %w", ErrUnreadable, err))
}

func limited(a *answered) bool {
	return a.status == http.StatusTooManyRequests ||
		a.status == http.StatusForbidden && (a.header.Get("Retry-After") != "" || a.header.Get("X-Ratelimit-Remaining") == "0")
}

// retryAfter reads how long to wait: at least a minute when the host does not say, as GitHub's documentation asks.
func retryAfter(h http.Header) time.Duration {
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(h.Get("Retry-After")); err == nil {
		return max(time.Until(at), 0)
	}
	if reset, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64); err == nil {
		return max(time.Until(time.Unix(reset, 0)), 0)
	}
	return time.Minute
}
