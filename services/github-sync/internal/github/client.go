// Package github asks what only GitHub and GitHub Enterprise Server know beyond Git itself: tokens of Apps, the state
// of repositories and branches, and pull requests.
package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	gogithub "github.com/google/go-github/v88/github"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/remote"
)

const (
	// rememberedLogins bounds the accounts and the tokens. What is forgotten is made anew.
	rememberedLogins = 1024
)

// Options are what the client works with.
type Options struct {
	Hosts     Hosts
	Transport http.RoundTripper
	Remaining *prometheus.GaugeVec // requests that the last answer left before a limit
	Now       func() time.Time
}

// Client asks GitHub.
type Client struct {
	options  Options
	prints   credentials.Prints
	accounts *lru.Cache[who, *account]
	tokens   *lru.Cache[who, *token]
}

// who is a login at a host. An App itself is somebody else than its installation.
type who struct {
	host  string
	login credentials.Fingerprint
	app   bool
}

// account is GitHub for one login: what it may ask for, and what it was answered.
type account struct{ *gogithub.Client }

// New returns a client.
func New(o Options) (*Client, error) {
	accounts, err := lru.New[who, *account](rememberedLogins)
	if err != nil {
		return nil, fmt.Errorf("make the accounts: %w", err)
	}
	tokens, err := lru.New[who, *token](rememberedLogins)
	if err != nil {
		return nil, fmt.Errorf("make the tokens: %w", err)
	}
	return &Client{options: o, prints: credentials.NewPrints(), accounts: accounts, tokens: tokens}, nil
}

// at finds the repository on GitHub, and the account to ask about it. A login that is for another server is refused:
// the API of its server is the only one that it is shown to.
func (c *Client) at(location remote.Location, login credentials.Login) (*account, repository, error) {
	if err := login.MayEnter(location.Server); err != nil {
		return nil, repository{}, err
	}
	r, err := c.options.Hosts.repository(location)
	if err != nil {
		return nil, r, err
	}
	if !login.SSHKey.IsZero() {
		return nil, r, errs.New(errs.GitHubAuthenticationFailed,
			"An SSH key does not sign in to the API of %s, which this needs.", r.host).
			WithRemedy("Give a GitHub App or a token as credentials, with the https URL of the repository.")
	}
	a, err := c.account(r.host, r.api, login)
	return a, r, err
}

// Knows returns an error unless a repository is on GitHub and the login is one that its API takes.
func (c *Client) Knows(location remote.Location, login credentials.Login) error {
	_, _, err := c.at(location, login)
	return err
}

// HasPullRequests returns an error unless a repository is on a host that is known here to have pull requests.
func (c *Client) HasPullRequests(location remote.Location) error {
	_, err := c.options.Hosts.repository(location)
	return err
}

func (c *Client) account(host, api string, login credentials.Login) (*account, error) {
	name := who{host: host, login: c.prints.Of(login)}
	if known, there := c.accounts.Get(name); there {
		return known, nil
	}
	next, err := newGate(c.options)
	if err != nil {
		return nil, err
	}
	signed := &remote.TokenTransport{
		Next: next, Sign: bearer,
		SignIn: func(context.Context) (credentials.Basic, error) { return login.Basic, nil },
	}
	if app := login.App; app != nil {
		signed.SignIn = func(ctx context.Context) (credentials.Basic, error) { return c.Token(ctx, host, app) }
		signed.Refused = func(ctx context.Context, token credentials.Basic) { c.Refused(ctx, host, app, token) }
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

func newAccount(api string, transport http.RoundTripper) (*account, error) {
	client, err := gogithub.NewClient(
		gogithub.WithHTTPClient(&http.Client{Transport: transport}), gogithub.WithURLs(&api, nil),
		gogithub.WithUserAgent("fgd-sync"),
		gogithub.WithDisableRateLimitCheck(), // the gate knows more of them
	)
	if err != nil {
		return nil, fmt.Errorf("make a client of %s: %w", api, err)
	}
	return &account{client}, nil
}

func bearer(r *http.Request, token credentials.Basic) {
	if !token.Password.IsZero() {
		r.Header.Set("Authorization", "Bearer "+token.Password.Reveal())
	}
}

// explain returns a failed request its code.
func explain(ctx context.Context, host string, err error) error {
	var known *errs.Error
	var answered *gogithub.ErrorResponse
	switch {
	case errors.As(err, &known):
		return known
	case ctx.Err() != nil:
		return fmt.Errorf("ask %s: %w", host, context.Cause(ctx))
	case errors.As(err, &answered):
		return refusal(host, answered)
	}
	if why, _ := remote.Unreached(err); why != "" {
		return errs.New(errs.GitHubConnectionFailed, "The API of %s can't be reached: %s.", host, why).WithCause(err)
	}
	return errs.New(errs.GitHubConnectionFailed, "The API of %s can't be reached, or answers with what can't be read.",
		host).WithCause(err)
}

// refusal explains an answer that is an error. The gate has taken the login out of its text.
func refusal(host string, answered *gogithub.ErrorResponse) error {
	text := reason(answered)
	switch status := answered.Response.StatusCode; {
	case status == http.StatusUnauthorized:
		return errs.New(errs.GitHubAuthenticationFailed, "The API of %s refuses the credentials: %s", host, text)
	case status == http.StatusForbidden:
		return errs.New(errs.GitHubAuthenticationFailed, "The API of %s does not permit this with the credentials: %s", host,
			text).
			WithRemedy("Give the token or the GitHub App the permissions \"Contents: read and write\" and \"Pull requests: " +
				"read and write\".")
	case status == http.StatusNotFound, status == http.StatusGone:
		return errs.New(errs.GitHubNotFound, "The API of %s has no such thing, or hides it: %s", host, text)
	case status == http.StatusUnprocessableEntity:
		return errs.New(errs.PullRequestRefused, "%s refused the pull request: %s", host, text)
	case status >= http.StatusInternalServerError:
		return errs.New(errs.GitHubConnectionFailed, "The API of %s answered with status %d.", host, status)
	}
	return errs.New(errs.GitHubRequestRefused, "The API of %s answered with status %d: %s", host,
		answered.Response.StatusCode, text)
}

// reason is what GitHub says about an error, fit to be shown.
func reason(answered *gogithub.ErrorResponse) string {
	parts := []string{answered.Message}
	for _, e := range answered.Errors {
		if e.Message != "" {
			parts = append(parts, e.Message)
		}
	}
	return remote.Scrub(strings.Join(parts, ": "), credentials.Basic{})
}
