package access

import (
	"context"
	"net/netip"
	"strings"
	"time"
)

const bearer = "Bearer "

// identify returns who shows something: a token of the suite's own, or a JWT of the issuer.
func (a *Access) identify(authorization string, from netip.Addr) (*Principal, error) {
	if authorization == "" {
		return nil, notAuthenticated("The call does not say who makes it.")
	}
	scheme, text, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, strings.TrimSpace(bearer)) {
		return nil, notAuthenticated("Authorization has another scheme than Bearer.")
	}
	text = strings.TrimSpace(text)
	if isJWT(text) {
		return a.byIssuer(text)
	}
	return a.tokens.authenticate(text, from)
}

// isJWT reports whether a text has the three parts of a JWT. No token of the suite's own has a dot.
func isJWT(text string) bool { return strings.Count(text, ".") == 2 }

// byIssuer returns who shows a JWT. It is nobody who speaks for others: names of people come from the issuer alone.
func (a *Access) byIssuer(text string) (*Principal, error) {
	person, err := a.issuer.Identify(text)
	if err != nil {
		return nil, err
	}
	return &Principal{
		Name: person.Name, Method: ByOIDC, Subject: person.Subject, Grants: person.Grants, Expires: person.Expires,
		SpeaksForPeople: false,
	}, nil
}

// whileValid returns a context that ends when what a principal has shown is not taken any more. The function it returns
// is called when the stream has ended.
func (a *Access) whileValid(ctx context.Context, p *Principal) (context.Context, func()) {
	switch p.Method {
	case ByToken:
		return a.tokens.whileValid(ctx, p)
	case ByOIDC:
		return endingAt(ctx, p.Expires, notAuthenticated("The JWT has expired while the call went on."))
	case ByNone:
	}
	return ctx, func() {}
}

// endingAt returns a context that ends at a time, because of an error. It has no deadline: the services behind would
// be told of it, and might end the call first, for another reason.
func endingAt(ctx context.Context, at time.Time, because error) (context.Context, func()) {
	ctx, end := context.WithCancelCause(ctx)
	timer := time.AfterFunc(time.Until(at), func() { end(because) })
	return ctx, func() {
		timer.Stop()
		end(nil)
	}
}
