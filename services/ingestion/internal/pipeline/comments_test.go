package pipeline_test

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/ingestion/internal/plan"
)

// TestCommentsOfCopies: a copy is dropped only where the document that is kept has all of its comments; else it goes to
// unmanaged/, with a warning. Which is kept of several that wait does not depend on their order.
func TestCommentsOfCopies(t *testing.T) {
	t.Parallel()
	plain := vpc("v1beta1", "a", "", "", 7)
	one, other, both := "# one\n"+plain, "# other\n"+plain, "# one\n# other\n"+plain
	mark := "  annotations:\n    hnp.githedgehog.com/managed-by: hedgehog-netbox-plugin\n"
	managed := "# one\n" + vpc("v1beta1", "a", "", mark, 7)
	for name, test := range map[string]struct {
		files     map[string]string
		comments  string            // of the managed file
		unmanaged map[string]string // all that is there
	}{
		"two that wait": {
			map[string]string{"raw/x.yaml": one, "raw/y.yaml": other}, "# one\n",
			map[string]string{"unmanaged/y.yaml": other},
		},
		"the second has more": {map[string]string{"raw/x.yaml": one, "raw/y.yaml": both}, "# one\n# other\n", nil},
		"the first has more":  {map[string]string{"raw/x.yaml": both, "raw/y.yaml": other}, "# one\n# other\n", nil},
		"the first has none":  {map[string]string{"raw/x.yaml": plain, "raw/y.yaml": one}, "# one\n", nil},
		"the same ones":       {map[string]string{"raw/x.yaml": one, "raw/y.yaml": one + "\n"}, "# one\n", nil},
		"a dump with a comment": {map[string]string{managedA: managed, "raw/x.yaml": dump(other)}, "# one\n",
			map[string]string{"unmanaged/x.yaml": dump(other)}},
		"a dump beside its author": {map[string]string{"raw/x.yaml": dump(one), "raw/y.yaml": one}, "# one\n", nil},
		"one of a file": {
			map[string]string{"raw/x.yaml": one + "---\n" + other}, "# one\n",
			map[string]string{"unmanaged/x.doc-1.yaml": other},
		},
		"two managed": {
			map[string]string{managedA: managed, "managed/vpcs/copy.yaml": other}, "# one\n",
			map[string]string{"unmanaged/managed/vpcs/copy.yaml": other},
		},
		"two managed with the same ones": {
			map[string]string{managedA: managed, "managed/vpcs/copy.yaml": one}, "# one\n", nil,
		},
		"one in unmanaged/ that no log knows": {
			map[string]string{managedA: managed, "unmanaged/u.yaml": other}, "# one\n",
			map[string]string{"unmanaged/u.yaml": other},
		},
		"one in unmanaged/ with the same ones": {
			map[string]string{managedA: managed, "unmanaged/u.yaml": one}, "# one\n", nil,
		},
	} {
		result, after := ingestTwice(t, test.files, plan.Options{})
		if got, _, _ := strings.Cut(after[managedA], "apiVersion"); got != test.comments {
			t.Errorf("%s: managed has %q, not %q", name, got, test.comments)
		}
		for p, content := range after {
			if strings.HasPrefix(p, "unmanaged/") && content != test.unmanaged[p] {
				t.Errorf("%s: %s is\n%s", name, p, content)
			}
		}
		for p := range test.unmanaged {
			if after[p] == "" || !strings.Contains(after[reasons], p) {
				t.Errorf("%s: %s is not there, or not in the log", name, p)
			}
		}
		requireSaid(t, result, errs.DuplicateResource, len(test.unmanaged) > 0)
		for _, f := range result.Findings {
			if !f.Warning {
				t.Errorf("%s: an error: %s", name, f.Message)
			}
		}
	}
}
