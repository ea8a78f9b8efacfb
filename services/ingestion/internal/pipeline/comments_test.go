package pipeline_test

import (
	"maps"
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
			map[string]string{"raw/x.yaml": one, "raw/y.yaml": other},
			"# one\n",
			map[string]string{"unmanaged/y.yaml": other},
		},
		"the second has more": {map[string]string{"raw/x.yaml": one, "raw/y.yaml": both}, "# one\n# other\n", nil},
		"the first has more":  {map[string]string{"raw/x.yaml": both, "raw/y.yaml": other}, "# one\n# other\n", nil},
		"the first has none":  {map[string]string{"raw/x.yaml": plain, "raw/y.yaml": one}, "# one\n", nil},
		"the same ones":       {map[string]string{"raw/x.yaml": one, "raw/y.yaml": one + "\n"}, "# one\n", nil},
		"a dump with a comment": {
			map[string]string{managedA: managed, "raw/x.yaml": dump(other)},
			"# one\n",
			map[string]string{"unmanaged/x.yaml": dump(other)},
		},
		"a dump beside its author": {map[string]string{"raw/x.yaml": dump(one), "raw/y.yaml": one}, "# one\n", nil},
		"one of a file": {
			map[string]string{"raw/x.yaml": one + "---\n" + other},
			"# one\n",
			map[string]string{"unmanaged/x.doc-1.yaml": other},
		},
		"two managed": {
			map[string]string{managedA: managed, "managed/vpcs/copy.yaml": other},
			"# one\n",
			map[string]string{"unmanaged/managed/vpcs/copy.yaml": other},
		},
		"two managed with the same ones": {
			map[string]string{managedA: managed, "managed/vpcs/copy.yaml": one}, "# one\n", nil,
		},
		"one in unmanaged/ that no log knows": {
			map[string]string{managedA: managed, "unmanaged/u.yaml": other},
			"# one\n",
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

// TestAWishThatIsTurnedDown: with on_conflict: keep_managed, what was wished is in the archive, or else in unmanaged/,
// each once.
func TestAWishThatIsTurnedDown(t *testing.T) {
	t.Parallel()
	managed := vpc("v1beta1", "a", "", "  annotations:\n    hnp.githedgehog.com/managed-by: hedgehog-netbox-plugin\n", 7)
	wish := vpc("v1beta1", "a", "", "", 8)
	for archive, want := range map[plan.Archive]map[string]string{
		plan.ArchiveNone:   {"unmanaged/x.yaml": wish},
		plan.ArchiveRename: {"raw/x.yaml.archived": wish, "raw/y.yaml.archived": wish, "raw/z.yaml.archived": managed},
		plan.ArchiveMove: {
			".hnp/archive/raw/x.yaml": wish, ".hnp/archive/raw/y.yaml": wish, ".hnp/archive/raw/z.yaml": managed,
		},
	} {
		files := map[string]string{managedA: managed, "raw/x.yaml": wish, "raw/y.yaml": wish}
		_, after := ingestTwice(t, files, plan.Options{Archive: archive, Conflict: plan.ConflictKeep})
		after["raw/z.yaml"] = managed // what is there already
		_, after = ingestTwice(t, after, plan.Options{Archive: archive, Conflict: plan.ConflictKeep})
		if after[managedA] != managed {
			t.Errorf("archive %d: managed is\n%s", archive, after[managedA])
		}
		if archive == plan.ArchiveNone && !strings.Contains(after[reasons], "on_conflict: keep_managed") {
			t.Errorf("the log has\n%s", after[reasons])
		}
		delete(after, managedA)
		delete(after, reasons)
		delete(after, ".hnp/archive-log.yaml")
		if !maps.Equal(after, want) {
			t.Errorf("archive %d: %v", archive, differences(want, after))
		}
	}
}
