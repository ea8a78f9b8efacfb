// Package login has people sign in at the OIDC issuer that a bridge trusts, by the device flow (RFC 8628), and keeps
// what comes of it: on any machine, as long as there is a browser on some.
package login

import (
	"context"
	"errors"
	"time"

	"golang.org/x/oauth2"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/openid"
	"fgdsync.dev/libs/printable"
	"fgdsync.dev/libs/secret"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

const (
	// longest bounds how long is waited for a person, whatever the issuer says.
	longest = 30 * time.Minute
	// maxInterval bounds the seconds between two questions whether that person is done.
	maxInterval = 60
	// maxShown is in characters of what an issuer has people read.
	maxShown = 300
)

// Prompt is what a person has to do.
type Prompt struct {
	Issuer, URL, Code string
	Complete          string // URL that has the code in it; empty when the issuer offers none
}

// SignIn has a person sign in where a server says, and returns what comes of it when they have. Show is called once.
func SignIn(
	ctx context.Context, server string, where *bridgev1.GetLoginResponse, show func(Prompt),
) (*Login, error) {
	l := &Login{Server: server, Issuer: where.GetIssuer(), ClientID: where.GetClientId()}
	config, client, err := l.at(ctx)
	if err != nil {
		return nil, err
	}
	config.Scopes = where.GetScopes()
	audience := oauth2.SetAuthURLParam("audience", where.GetAudience())
	started, err := config.DeviceAuth(client, audience)
	if err != nil {
		return nil, failed(ctx, l.Issuer, err)
	}
	prompt, err := promptOf(l.Issuer, started)
	if err != nil {
		return nil, failed(ctx, l.Issuer, err)
	}
	show(prompt)
	started.Interval = min(started.Interval, maxInterval)
	waiting, cancel := context.WithTimeout(client, longest)
	defer cancel()
	found, err := config.DeviceAccessToken(waiting, started, audience)
	if err != nil {
		return nil, failed(ctx, l.Issuer, err, secret.New(started.DeviceCode))
	}
	l.take(found)
	return l, nil
}

// at returns how the issuer of a login is asked, and the context to do so with.
func (l *Login) at(ctx context.Context) (*oauth2.Config, context.Context, error) {
	if err := openid.CheckIssuer(l.Issuer); err != nil {
		return nil, nil, failed(ctx, l.Issuer, err)
	}
	client := openid.NewClient(nil, openid.Patience)
	metadata, err := openid.Discover(ctx, client, l.Issuer)
	if err != nil {
		return nil, nil, failed(ctx, l.Issuer, err).WithRemedy("Check that the issuer can be reached from here.")
	}
	for _, endpoint := range []string{metadata.Token, metadata.DeviceEndpoint} {
		if _, err := openid.Endpoint(endpoint); err != nil {
			return nil, nil, failed(ctx, l.Issuer, err).
				WithRemedy("Have the issuer offer the device flow to the client %s.", shown(l.ClientID))
		}
	}
	return &oauth2.Config{ClientID: l.ClientID, Endpoint: oauth2.Endpoint{
		TokenURL: metadata.Token, DeviceAuthURL: metadata.DeviceEndpoint, AuthStyle: oauth2.AuthStyleInParams,
	}}, context.WithValue(ctx, oauth2.HTTPClient, client), nil
}

// promptOf returns what an issuer wants a person to do. A page that is not safe is shown to nobody.
func promptOf(issuer string, started *oauth2.DeviceAuthResponse) (Prompt, error) {
	if _, err := openid.Endpoint(started.VerificationURI); err != nil {
		return Prompt{}, err
	}
	p := Prompt{Issuer: shown(issuer), URL: shown(started.VerificationURI), Code: shown(started.UserCode)}
	if _, err := openid.Endpoint(started.VerificationURIComplete); err == nil {
		p.Complete = shown(started.VerificationURIComplete)
	}
	return p, nil
}

func shown(text string) string { return printable.Truncate(printable.Line(text), maxShown) }

// failed returns what a person is told of a failure. The texts of an issuer are one line of it, without the secrets
// that it was shown.
func failed(ctx context.Context, issuer string, err error, secrets ...secret.String) *errs.Error {
	var refusal *oauth2.RetrieveError
	switch {
	case ctx.Err() != nil:
		return errs.New(errs.SyncCancelled, "The command was interrupted.").WithCause(ctx.Err())
	case errors.Is(err, context.DeadlineExceeded):
		return errs.New(errs.LoginFailed, "Nobody has signed in at %s in time.", shown(issuer))
	case errors.As(err, &refusal) && refusal.ErrorCode != "":
		text := refusal.ErrorCode + " " + refusal.ErrorDescription
		for _, one := range secrets {
			text = one.RemoveFrom(text)
		}
		return errs.New(errs.LoginFailed, "The issuer %s refuses it: %s", shown(issuer), shown(text))
	case errors.As(err, &refusal):
		return errs.New(errs.LoginFailed, "The issuer %s answers with status %d.", shown(issuer), refusal.Response.StatusCode)
	}
	return errs.New(errs.LoginFailed, "The issuer %s can't be asked: %s.", shown(issuer), shown(err.Error()))
}
