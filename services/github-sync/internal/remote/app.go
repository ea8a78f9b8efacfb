package remote

import (
	"context"
	"errors"
	"net/http"

	"fgdsync.dev/services/github-sync/internal/credentials"
)

// AppTokens makes access tokens of GitHub Apps.
type AppTokens interface {
	// Token returns a token that is good for an exchange.
	Token(ctx context.Context, host string, app *credentials.App) (credentials.Basic, error)
	// Refused says that a host did not take a token, which is not given again.
	Refused(ctx context.Context, host string, app *credentials.App, token credentials.Basic)
}

// appWire signs in as an installation of a GitHub App.
func (f *Factory) appWire(location Location, app *credentials.App) *httpWire {
	host := location.Server.String()
	signIn := func(ctx context.Context) (credentials.Basic, error) { return f.apps.Token(ctx, host, app) }
	refused := func(ctx context.Context, token credentials.Basic) { f.apps.Refused(ctx, host, app, token) }
	client := newHTTPClient(&TokenTransport{Next: f.transport.http, SignIn: signIn, Refused: refused, Sign: basicAuth})
	return &httpWire{client: client, url: location.URL, signIn: signIn}
}

func basicAuth(r *http.Request, token credentials.Basic) {
	r.SetBasicAuth(token.Username, token.Password.Reveal())
}

// TokenTransport signs each request in, so that the token may change between two of them. A request is sent again with
// a new token when the host has refused the old one, which may have been withdrawn before its time.
type TokenTransport struct {
	Next    http.RoundTripper
	SignIn  SignIn
	Sign    func(*http.Request, credentials.Basic)
	Refused func(context.Context, credentials.Basic) // nil when there is no other token
}

// RoundTrip sends a request.
func (t *TokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, token, err := t.send(r)
	if err != nil || response.StatusCode != http.StatusUnauthorized || t.Refused == nil || r.Body != nil &&
		r.GetBody == nil {
		return response, err
	}
	if err := response.Body.Close(); err != nil {
		return nil, err
	}
	t.Refused(r.Context(), token)
	again := r.Clone(r.Context())
	if r.GetBody != nil {
		if again.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	response, _, err = t.send(again)
	return response, err
}

func (t *TokenTransport) send(r *http.Request) (*http.Response, credentials.Basic, error) {
	token, err := t.SignIn(r.Context())
	if err != nil {
		if r.Body != nil {
			err = errors.Join(err, r.Body.Close())
		}
		if a, asked := r.Context().Value(exchangeKey{}).(*exchange); asked {
			*a = exchange{err: err}
		}
		return nil, token, err
	}
	signed := r.Clone(r.Context())
	t.Sign(signed, token)
	response, err := t.Next.RoundTrip(signed)
	return response, token, err
}
