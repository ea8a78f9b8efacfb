package paging_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/orchestrator/internal/paging"
)

func itself(s string) string { return s }

// TestPagesAreTheList: whatever the limit, the pages of a list are the list, also when items go meanwhile.
func TestPagesAreTheList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		list := rapid.SliceOfDistinct(rapid.StringMatching(`[a-c/]{1,4}`), itself).Draw(rt, "list")
		slices.Sort(list)
		limit := rapid.Int32Range(0, 5).Draw(rt, "limit")
		left, token := slices.Clone(list), ""
		var got []string
		for {
			q, err := paging.New(limit, token, "list", 35)
			if err != nil {
				rt.Fatal(err)
			}
			page, next := paging.Cut(q, left, itself)
			if limit > 0 && len(page) > int(limit) {
				rt.Fatalf("a page of %d, with a limit of %d", len(page), limit)
			}
			got = append(got, page...)
			if token = next; token == "" {
				break
			}
			if rapid.Bool().Draw(rt, "the last one goes") {
				left = slices.DeleteFunc(slices.Clone(left), func(s string) bool { return s == page[len(page)-1] })
			}
		}
		if !slices.Equal(got, list) {
			rt.Fatalf("the pages have %q, the list %q", got, list)
		}
	})
}

func TestATokenIsOfOneList(t *testing.T) {
	t.Parallel()
	q, err := paging.New(1, "", "files", 35, "raw")
	if err != nil {
		t.Fatal(err)
	}
	_, token := paging.Cut(q, []string{"a", "b"}, itself)
	for name, c := range map[string]struct {
		token string
		of    []any
		good  bool
	}{
		"its own":       {token, []any{"files", 35, "raw"}, true},
		"other fabric":  {token, []any{"files", 36, "raw"}, false},
		"other filter":  {token, []any{"files", 35, ""}, false},
		"moved border":  {token, []any{"files", 35, "raw", ""}, false},
		"nonsense":      {"no token!", []any{"files", 35, "raw"}, false},
		"cut off":       {token[:4], []any{"files", 35, "raw"}, false},
		"a page number": {"2", []any{"files", 35, "raw"}, false},
	} {
		_, err := paging.New(1, c.token, c.of...)
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (!errs.HasCode(err, errs.InvalidRequest) ||
			fmt.Sprint(errs.From(err).Meta) != "map[field:page_token]") {
			t.Errorf("%s: %v, %v", name, err, errs.From(err).Meta)
		}
	}
}
