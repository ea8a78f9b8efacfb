package issuer

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/openid"
	"fgdsync.dev/libs/printable"
)

// SignIn is one that somebody has begun in a browser, by the authorization code flow with PKCE. All that its end has to
// match comes from one secret, which that browser alone has: nothing is kept here of sign-ins that never end.
type SignIn struct {
	state, nonce, verifier string
	redirect               string // where the issuer sends the browser back to
}

// NewSignInSecret returns the secret of a sign-in.
func NewSignInSecret() string { return rand.Text() }

// NewSignIn returns the sign-in of a secret. The issuer sends the browser back to the redirect.
func NewSignIn(secret, redirect string) (*SignIn, error) {
	s := &SignIn{redirect: redirect}
	for name, to := range map[string]*string{"state": &s.state, "nonce": &s.nonce, "verifier": &s.verifier} {
		derived, err := hkdf.Key(sha256.New, []byte(secret), nil, "fgd sign-in "+name, 32)
		if err != nil {
			return nil, fmt.Errorf("derive the %s of a sign-in: %w", name, err)
		}
		*to = base64.RawURLEncoding.EncodeToString(derived)
	}
	return s, nil
}

// Returned is what a browser brings back from the issuer, in its query.
type Returned struct {
	Code, State, Issuer string
	Error, Description  string // why nobody has signed in
}

// ReturnedOf reads the query of a browser that comes back.
func ReturnedOf(query url.Values) Returned {
	return Returned{
		Code: query.Get("code"), State: query.Get("state"), Issuer: query.Get("iss"), Error: query.Get("error"),
		Description: query.Get("error_description"),
	}
}

// SignedIn is what proves who has signed in.
type SignedIn struct {
	AccessToken string // a JWT that Identify takes, unless the issuer makes others
	Subject     string // as Person has it
}

// SignInURL returns the page of the issuer where a sign-in goes on: NOT_FOUND (FGD_1057) where nobody can sign in,
// UNAVAILABLE (FGD_5032) while the issuer can't be asked.
func (i *Issuer) SignInURL(s *SignIn) (string, error) {
	client, err := i.signInClient(s)
	if err != nil {
		return "", err
	}
	return client.AuthCodeURL(s.state, oauth2.S256ChallengeOption(s.verifier), oidc.Nonce(s.nonce),
		oauth2.SetAuthURLParam("audience", i.config.Audience)), nil
}

// signInClient returns the client that the bridge is at the issuer.
func (i *Issuer) signInClient(s *SignIn) (*oauth2.Config, error) {
	login, err := i.Login()
	if err != nil {
		return nil, err
	}
	metadata := i.keys.describe()
	if metadata == nil {
		return nil, i.unavailable("The issuer, %s, can't be asked where to sign in.", login.Issuer)
	}
	for _, endpoint := range []string{metadata.Authorization, metadata.Token} {
		if _, err := openid.Endpoint(endpoint); err != nil {
			return nil, loginFailed("Nobody can sign in with a browser at the issuer, %s.", login.Issuer).WithCause(err).
				WithRemedy("It has to offer the authorization code flow over https. Sign in with a token meanwhile.")
		}
	}
	scopes := slices.DeleteFunc(slices.Clone(login.Scopes), func(scope string) bool {
		return scope == oidc.ScopeOfflineAccess || scope == oidc.ScopeOpenID
	})
	return &oauth2.Config{
		ClientID: login.ClientID, RedirectURL: s.redirect, Scopes: append([]string{oidc.ScopeOpenID}, scopes...),
		Endpoint: oauth2.Endpoint{
			AuthURL: metadata.Authorization, TokenURL: metadata.Token, AuthStyle: oauth2.AuthStyleInParams,
		},
	}, nil
}

// EndSignIn returns who has signed in: FAILED_PRECONDITION (FGD_1058) when what comes back is not the end of this
// sign-in, or proves nothing; UNAVAILABLE (FGD_5032) while the issuer can't be asked.
func (i *Issuer) EndSignIn(ctx context.Context, s *SignIn, back Returned) (*SignedIn, error) {
	client, err := i.signInClient(s)
	switch {
	case err != nil:
		return nil, err
	case subtle.ConstantTimeCompare([]byte(back.State), []byte(s.state)) == 0:
		return nil, loginFailed("What came back from the issuer belongs to another sign-in.")
	case back.Issuer != "" && back.Issuer != i.config.Issuer:
		return nil, loginFailed("Another issuer has answered than the one that was asked.")
	case back.Error != "":
		return nil, refusedByIssuer(back)
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, i.keys.client)
	tokens, err := client.Exchange(ctx, back.Code, oauth2.VerifierOption(s.verifier))
	if err != nil {
		return nil, i.notExchanged(err)
	}
	text, _ := tokens.Extra("id_token").(string)
	subject, err := i.verifyIDToken(ctx, text, tokens.AccessToken, s.nonce)
	if err != nil {
		return nil, err
	}
	return &SignedIn{AccessToken: tokens.AccessToken, Subject: i.config.Issuer + " " + subject}, nil
}

// verifyIDToken returns whose an ID token is that belongs to a sign-in and its access token.
func (i *Issuer) verifyIDToken(ctx context.Context, text, access, nonce string) (string, error) {
	parsed, err := jose.ParseSignedCompact(text, i.algorithms)
	if err != nil || len(text) > maxJWT {
		return "", loginFailed("The issuer gave no ID token that can be read, with one of the signatures %s.",
			listOf(i.algorithms))
	}
	found, err := i.keysOf(parsed.Signatures[0].Header)
	if err != nil {
		return "", err
	}
	token, err := oidc.NewVerifier(i.config.Issuer, found, &oidc.Config{
		ClientID: i.config.ClientID, SupportedSigningAlgs: i.config.Algorithms,
		SkipExpiryCheck: true, // it knows no leeway
	}).Verify(ctx, text)
	switch {
	case err != nil:
		return "", loginFailed("The ID token of the issuer is not taken: %s.", because(err))
	case !i.now().Before(token.Expiry.Add(leeway)):
		return "", loginFailed("The ID token of the issuer has expired.").
			WithRemedy("See whether the clocks are right, and sign in again.")
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) == 0:
		return "", loginFailed("The ID token of the issuer belongs to another sign-in.")
	case token.AccessTokenHash != "" && token.VerifyAccessToken(access) != nil:
		return "", loginFailed("The ID token of the issuer belongs to another access token.")
	}
	return token.Subject, nil
}

// notExchanged is the error of a code for which the issuer gives nothing.
func (i *Issuer) notExchanged(err error) error {
	var refusal *oauth2.RetrieveError
	if errors.As(err, &refusal) && refusal.Response.StatusCode < 500 {
		return loginFailed("The issuer gives nothing for the sign-in (%s): it was used already, or took too long.",
			printable.Truncate(printable.Line(refusal.ErrorCode), 100))
	}
	return i.unavailable("The issuer, %s, can't be asked who has signed in.", i.config.Issuer)
}

// refusedByIssuer is the error of a sign-in that the issuer has ended.
func refusedByIssuer(back Returned) *errs.Error {
	reason := printable.Truncate(printable.Line(back.Error), 100)
	if description := printable.Line(back.Description); description != "" {
		reason += ": " + printable.Truncate(description, 200)
	}
	if back.Error == "access_denied" {
		return loginFailed("The issuer has not let you in (%s).", reason).
			WithRemedy("Allow it there when you are asked, or ask whoever runs the issuer to let you use this client.")
	}
	return loginFailed("The issuer has ended the sign-in (%s).", reason).
		WithRemedy("Ask whoever runs the issuer whether its client has the address of this page as a redirect URI.")
}

// unavailable leaves out how a question failed: what was asked has secrets in it.
func (i *Issuer) unavailable(format string, args ...any) *errs.Error {
	return errs.New(errs.IssuerUnavailable, format, args...).WithRetryAfter(refetchPause)
}

func loginFailed(format string, args ...any) *errs.Error {
	return errs.New(errs.LoginFailed, format, args...).WithRemedy("Begin again on the page where one signs in.")
}
