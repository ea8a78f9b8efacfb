package errs_test

import (
	"slices"
	"testing"

	"fgdsync.dev/libs/errs"
)

// TestIDsAreThoseOfTheCatalogue: each once, and no other.
func TestIDsAreThoseOfTheCatalogue(t *testing.T) {
	t.Parallel()
	var want []string
	for _, code := range catalogue(t) {
		want = append(want, code[0])
	}
	got := errs.IDs()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the identifiers are %q, those of the catalogue %q", got, want)
	}
}
