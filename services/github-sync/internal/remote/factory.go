package remote

import (
	"context"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

// SignIn returns what HTTP basic auth sends with the next exchange.
type SignIn func(ctx context.Context) (credentials.Basic, error)

// Factory makes remotes.
type Factory struct {
	transport *Transport
	http      *httpClient
	apps      AppTokens
	prints    credentials.Prints
}

// NewFactory returns a factory of remotes behind a transport. Apps makes the tokens of GitHub Apps.
func NewFactory(t *Transport, apps AppTokens) *Factory {
	return &Factory{transport: t, http: newHTTPClient(t.http), apps: apps, prints: credentials.NewPrints()}
}

// Parse judges a URL.
func (f *Factory) Parse(raw string) (Location, error) { return f.transport.policy.Parse(raw) }

// Open makes a remote. It does not connect. A login that is for another server is refused (FGD_4027).
func (f *Factory) Open(location Location, login credentials.Login) (Remote, error) {
	if err := login.MayEnter(location.Server); err != nil {
		return nil, err
	}
	switch {
	case location.Local():
		return &localRemote{path: location.Path}, nil
	case location.SSH != nil:
		signer, err := signer(login)
		if err != nil {
			return nil, err
		}
		return f.host(location, login, &sshWire{client: f.transport.ssh, location: location, signer: signer}), nil
	case !login.SSHKey.IsZero():
		return nil, errs.New(errs.CredentialsUnsuitable, "An SSH private key can't sign in to an %s URL.",
			location.Server.Scheme).
			WithRemedy("Give a token, or a username and a password, or use the repository's ssh URL.")
	case login.App != nil:
		return f.host(location, login, f.appWire(location, login.App)), nil
	}
	signIn := func(context.Context) (credentials.Basic, error) { return login.Basic, nil }
	return f.host(location, login, &httpWire{client: f.http, url: location.URL, signIn: signIn}), nil
}

func (f *Factory) host(location Location, login credentials.Login, w wire) *hostRemote {
	return &hostRemote{wire: w, location: location, print: f.prints.Of(login), bounds: f.transport.bounds}
}
