// Package paging cuts lists into pages. A page token says where a page has ended, and of which list: it stays good when
// the list changes meanwhile, and one of another list is refused.
package paging

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"

	"fgdsync.dev/libs/errs"
)

// Query is a question whose answer may come in pages.
type Query struct {
	limit int32
	last  string // key of the last item of the page before
	of    []byte
	down  bool // the list is in the opposite order of its keys
}

const sumBytes = 8

// New returns a query for at most so many items, all when the limit is 0, after those that a token stands for, in the
// list that some values tell from all others.
func New(limit int32, token string, of ...any) (Query, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%#v", of))
	q := Query{limit: limit, of: sum[:sumBytes]}
	if token == "" {
		return q, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) <= sumBytes || !bytes.Equal(raw[:sumBytes], q.of) {
		return Query{}, errs.Field("page_token", "page_token is none that this list has given.").
			WithRemedy("Give next_page_token of the answer before, with all else the same, or none to begin anew.")
	}
	q.last = string(raw[sumBytes:])
	return q, nil
}

// Descending returns the query for a list in the opposite order of its keys.
func (q Query) Descending() Query {
	q.down = true
	return q
}

// after reports whether an item with a key comes after the page before.
func (q Query) after(key string) bool {
	if q.down {
		return key < q.last
	}
	return key > q.last
}

// Last returns the key of the last item of the page before; empty for the first page.
func (q Query) Last() string { return q.last }

// Next returns the token for what follows an item with a key.
func (q Query) Next(key string) string {
	return base64.RawURLEncoding.EncodeToString(append(slices.Clone(q.of), key...))
}

// Cut returns the page of a list that a query asks for, and the token for the next one, empty at the end. The list is
// in the order of its keys, or in the opposite one where the query says so, and none is empty.
func Cut[T any](q Query, list []T, key func(T) string) (page []T, next string) {
	if q.last != "" {
		from := slices.IndexFunc(list, func(item T) bool { return q.after(key(item)) })
		if from < 0 {
			return nil, ""
		}
		list = list[from:]
	}
	if q.limit == 0 || len(list) <= int(q.limit) {
		return list, ""
	}
	page = list[:q.limit]
	return page, q.Next(key(page[len(page)-1]))
}
