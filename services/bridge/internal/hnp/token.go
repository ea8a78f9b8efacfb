package hnp

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"fgdsync.dev/libs/secret"
)

// authorization returns what is shown of a token: those of NetBox's second kind begin with nbt_, and have another word
// before them than those of the first.
func authorization(token secret.String) (secret.String, error) {
	text := strings.TrimSpace(token.Reveal())
	word, rest, two := strings.Cut(text, " ")
	switch {
	case text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }):
		return secret.String{}, errors.New("the token of NetBox is empty, or has characters that no token has")
	case !two && strings.HasPrefix(text, "nbt_"):
		return secret.New("Bearer " + text), nil
	case !two:
		return secret.New("Token " + text), nil
	case strings.EqualFold(word, "Bearer"):
		return secret.New("Bearer " + strings.TrimSpace(rest)), nil
	case strings.EqualFold(word, "Token"):
		return secret.New("Token " + strings.TrimSpace(rest)), nil
	}
	return secret.String{}, errors.New("the token of NetBox has to be as NetBox shows it: nbt_… or 40 digits")
}

// told tells apart why a token may not do what was asked for. NetBox answers 403 also for one that it does not take,
// and so does what is before NetBox to what it does not let through.
func (c *Client) told(ctx context.Context, e *Error) *Error {
	if e.Reason != Denied {
		return e
	}
	const permission = "You do not have permission to perform this action."
	switch begins := func(word string) bool { return strings.HasPrefix(e.Detail, word) }; {
	case e.Detail == permission:
		e.Reason = Forbidden
		return e
	case begins("Invalid "), begins("Token "), begins("Source IP "), begins("User "), begins("Authentication "):
		return e
	}
	// The words are others: whoever is taken may see how NetBox is.
	request, err := c.request(ctx, http.MethodGet, "/api/status", nil, nil, nil)
	if err != nil {
		return e
	}
	response, err := c.http.Do(request)
	if err != nil {
		return e
	}
	defer func() { _ = response.Body.Close() }()
	switch taken := response.StatusCode == http.StatusOK; {
	case e.mute && taken:
		e.Reason, e.Detail = Refused, "something before NetBox, such as a firewall or proxy, refuses this request and no others"
	case e.mute:
		e.Reason, e.Detail = Unusable, "something before NetBox, such as a firewall or proxy, refuses every request"
	case taken:
		e.Reason = Forbidden
	}
	return e
}
