package hnp

import (
	"context"
	"net/http"
	"net/mail"
	"net/url"
)

// Email returns the e-mail address that NetBox has of a user; empty where it has none that is one. A token needs the
// right to see users for it, and gets an error that says Forbidden else.
func (c *Client) Email(ctx context.Context, user string) (string, error) {
	var p page[struct {
		Username string `json:"username"`
		Email    string `json:"email"`
	}]
	query := url.Values{
		"username": {user}, "fields": {"id,username,email"}, "ordering": {"id"}, "limit": {"1"},
	}
	if _, err := c.call(ctx, http.MethodGet, "/api/users/users", query, nil, &p, nil); err != nil {
		return "", err
	}
	if len(p.Results) == 0 || p.Results[0].Username != user {
		return "", nil
	}
	address, err := mail.ParseAddress(p.Results[0].Email)
	if err != nil {
		return "", nil //nolint:nilerr // NetBox has none
	}
	return c.printable(address.Address), nil
}
