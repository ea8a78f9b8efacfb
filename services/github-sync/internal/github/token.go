package github

import (
	"context"
	"fmt"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"golang.org/x/sync/semaphore"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/remote"
)

// tokenReserve is how long a token has to be good for when it is handed out: longer than any exchange takes.
const tokenReserve = 10 * time.Minute

// token is the one of an installation of an App. Whoever holds the turn may look at it and change it.
type token struct {
	turn    *semaphore.Weighted
	value   credentials.Basic
	expires time.Time
}

// Token returns an access token of an installation of an App. It is made once for all who ask, and again before it
// expires.
func (c *Client) Token(ctx context.Context, host string, app *credentials.App) (credentials.Basic, error) {
	api, known := c.options.Hosts[host]
	if !known {
		return credentials.Basic{}, errs.New(errs.GitHubRequired,
			"A GitHub App can't sign in to %s, which is not known to be GitHub.", host)
	}
	t := c.token(host, app)
	if err := t.turn.Acquire(ctx, 1); err != nil {
		return credentials.Basic{}, fmt.Errorf("wait for a token: %w", err)
	}
	defer t.turn.Release(1)
	if t.expires.Sub(c.options.Now()) >= tokenReserve {
		return t.value, nil
	}
	value, expires, err := c.mint(ctx, host, api, app)
	if err != nil {
		return credentials.Basic{}, err
	}
	t.value, t.expires = value, expires
	return value, nil
}

// Refused throws a token away that a host did not take. A newer one stays.
func (c *Client) Refused(ctx context.Context, host string, app *credentials.App, refused credentials.Basic) {
	t := c.token(host, app)
	if t.turn.Acquire(ctx, 1) != nil {
		return // whoever asked has gone away, and will not ask again
	}
	defer t.turn.Release(1)
	if t.value == refused {
		t.value, t.expires = credentials.Basic{}, time.Time{}
	}
}

func (c *Client) token(host string, app *credentials.App) *token {
	name := who{host: host, login: c.prints.Of(credentials.Login{App: app})}
	fresh := &token{turn: semaphore.NewWeighted(1)}
	if known, there, _ := c.tokens.PeekOrAdd(name, fresh); there {
		_, _ = c.tokens.Get(name) // it was used
		return known
	}
	return fresh
}

func (c *Client) mint(ctx context.Context, host, api string, app *credentials.App) (credentials.Basic, time.Time,
	error,
) {
	account, err := c.appAccount(host, api, app)
	if err != nil {
		return credentials.Basic{}, time.Time{}, err
	}
	made, _, err := account.Apps.CreateInstallationToken(remote.WithOperation(ctx, "api token"), app.Installation, nil)
	if err != nil {
		return credentials.Basic{}, time.Time{}, appRefusal(host, explain(ctx, host, err))
	}
	if made.GetToken() == "" || made.GetExpiresAt().IsZero() {
		return credentials.Basic{}, time.Time{}, errs.New(errs.GitHubConnectionFailed,
			"The API of %s answered without a token.", host)
	}
	return credentials.Token(secret.New(made.GetToken())), made.GetExpiresAt().Time, nil
}

// appRefusal says what to look at when an App itself is refused.
func appRefusal(host string, err error) error {
	if !errs.HasCode(err, errs.GitHubAuthenticationFailed) && !errs.HasCode(err, errs.GitHubNotFound) {
		return err
	}
	return errs.New(errs.GitHubAuthenticationFailed, "%s does not know the GitHub App, its key or its installation.",
		host).
		WithRemedy("Check app_id, installation_id and private_key, and that the App is installed and not suspended where " +
			"the repository is.").WithCause(err)
}

// appAccount is the App itself, which may do little more than make tokens.
func (c *Client) appAccount(host, api string, app *credentials.App) (*account, error) {
	name := who{host: host, login: c.prints.Of(credentials.Login{App: app}), app: true}
	if known, there := c.accounts.Get(name); there {
		return known, nil
	}
	next, err := newGate(c.options)
	if err != nil {
		return nil, err
	}
	signed, err := ghinstallation.NewAppsTransport(next, app.ID, []byte(app.Key.Reveal()))
	if err != nil { // its message may quote the key
		return nil, errs.New(errs.CredentialsUnreadable, "The private key of the GitHub App can't be read.")
	}
	fresh, err := newAccount(api, signed)
	if err != nil {
		return nil, err
	}
	if known, there, _ := c.accounts.PeekOrAdd(name, fresh); there { // another was faster
		return known, nil
	}
	return fresh, nil
}
