package snapshot

import (
	"context"
	"encoding/base64"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
)

// Page is a walk through a history that can be gone on with later.
type Page struct {
	*Walk
	from plumbing.Hash // where the first page began
}

// Page begins a walk at a commit of the branch, or goes on after the last commit of the page before, whose token is
// given. That walk is the one of the page before, from the same commit, also when the branch has moved since.
func (s *Snapshot) Page(ctx context.Context, from plumbing.Hash, query Query, token string) (*Page, error) {
	if token == "" {
		if from != s.Commit {
			if _, err := s.Ancestor(ctx, from); err != nil {
				return nil, err
			}
		}
		walk, err := s.History(from, query)
		if err != nil {
			return nil, err
		}
		return &Page{walk, from}, nil
	}
	from, last, err := parsePageToken(token)
	if err != nil {
		return nil, err
	}
	if _, err := s.Ancestor(ctx, from); err != nil {
		if errs.HasCode(err, errs.CommitNotFound) {
			err = errs.New(errs.CommitNotFound, "The branch %s was rewritten since the page before.", s.Branch).
				WithRemedy("Begin again, without a page token.")
		}
		return nil, err
	}
	walk, err := s.History(from, query)
	if err != nil {
		return nil, err
	}
	for {
		c, err := walk.Next(ctx)
		switch {
		case err != nil:
			return nil, err
		case c == nil:
			return nil, badPageToken()
		case c.ID == last:
			return &Page{walk, from}, nil
		}
	}
}

// Token returns what asks for the page after the last commit of this one.
func (p *Page) Token(last plumbing.Hash) string {
	return base64.RawURLEncoding.EncodeToString(slices.Concat(p.from[:], last[:]))
}

func parsePageToken(token string) (from, last plumbing.Hash, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != len(from)+len(last) {
		return from, last, badPageToken()
	}
	copy(from[:], raw)
	copy(last[:], raw[len(from):])
	return from, last, nil
}

func badPageToken() error {
	return errs.Field("page_token", "page_token is none that this list has given.").
		WithRemedy("Give next_page_token of the answer before, with all else the same, or none to begin anew.")
}
