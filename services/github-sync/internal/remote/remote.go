package remote

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/object"
)

func checkPart(name string) error { return object.CheckName(name) }

// ErrUnreadable is in the chain when an answer came and can't be used. What the store holds may be the reason, since
// the answer builds on it.
var ErrUnreadable = errors.New("the answer can't be used")

// Refs are the branches of a remote.
type Refs struct {
	Branches map[string]plumbing.Hash // by name without refs/heads/
	Default  string                   // the branch that HEAD names; empty when the host does not say
}

// Remote is one repository, spoken to with one set of credentials.
type Remote interface {
	// Login tells remotes that are spoken to with the same credentials from others.
	Login() credentials.Fingerprint
	// Refs asks where the branches are.
	Refs(ctx context.Context) (Refs, error)
	// Fetch brings a commit, with its tree, into a store; with a depth above 1 also commits before it.
	Fetch(ctx context.Context, into *filesystem.Storage, commit plumbing.Hash, depth int) error
	// PushRefs asks where the branches are, as the first half of a push.
	PushRefs(ctx context.Context) (Pusher, error)
}

// Pusher is the second half of a push.
type Pusher interface {
	// Head is where a branch was in the first half.
	Head(branch string) (plumbing.Hash, bool)
	// Under lists the branches whose names begin so, in order.
	Under(prefix string) []string
	// Push sends a pack and moves a branch, if it is still where it was. An error of kind Unavailable says that the
	// outcome is not known.
	Push(ctx context.Context, branch string, old, next plumbing.Hash, pack []byte) error
}

// heads is where the branches were in the first half of a push.
type heads map[string]plumbing.Hash

func (h heads) Head(branch string) (plumbing.Hash, bool) {
	id, there := h[branch]
	return id, there
}

func (h heads) Under(prefix string) []string {
	var names []string
	for name := range h {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// SignIn returns what HTTP basic auth sends with the next exchange.
type SignIn func(ctx context.Context) (credentials.Basic, error)

// Factory makes remotes.
type Factory struct {
	policy Policy
	http   *httpClient
	ssh    *sshClient
	apps   AppTokens
	prints credentials.Prints
}

// SignInApps says who makes the tokens of GitHub Apps. It is to be called before the first remote is opened.
func (f *Factory) SignInApps(apps AppTokens) { f.apps = apps }

// Transport is what HTTP remotes are spoken to with, for requests that are none of the Git protocol.
func (f *Factory) Transport() http.RoundTripper { return f.http.next }

// Parse judges a URL.
func (f *Factory) Parse(raw string) (Location, error) { return f.policy.Parse(raw) }

// Open makes a remote. It does not connect.
func (f *Factory) Open(location Location, login credentials.Login) (Remote, error) {
	switch {
	case location.Local():
		return &localRemote{path: location.Path}, nil
	case location.SSH != nil:
		signer, err := signer(login)
		if err != nil {
			return nil, err
		}
		return f.host(location, login, &sshWire{client: f.ssh, location: location, signer: signer}), nil
	case !login.SSHKey.IsZero():
		return nil, errs.New(errs.CredentialsUnsuitable, "An SSH private key can't sign in to an %s URL.",
			scheme(location.URL)).
			WithRemedy("Give a token, or a username and a password, or use the repository's ssh URL.")
	case login.App != nil:
		return f.host(location, login, f.appWire(location, login.App)), nil
	}
	signIn := func(context.Context) (credentials.Basic, error) { return login.Basic, nil }
	return f.host(location, login, &httpWire{client: f.http, url: location.URL, signIn: signIn}), nil
}

func (f *Factory) host(location Location, login credentials.Login, w wire) *hostRemote {
	return &hostRemote{wire: w, location: location, print: f.prints.Of(login)}
}

func scheme(url string) string { return url[:strings.Index(url, "://")] }
