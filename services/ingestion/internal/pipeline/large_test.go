package pipeline_test

import (
	"strings"
	"testing"

	"fgdsync.dev/services/ingestion/internal/plan"
)

// TestASpecOfFiveMebibytes: it is judged as any other, its findings are short, nothing of it is lost, and no sync after
// the first one does anything with it.
func TestASpecOfFiveMebibytes(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("y", 5<<20)
	const head = "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata: {name: big, namespace: default}\nspec:\n  "
	s := newSynced(t, map[string]string{
		"raw/text.yaml":  head + "x: " + large + "\n",
		"raw/lines.yaml": head + "x:\n" + strings.Repeat("  - y\n", len(large)/6) + "\n",
		"raw/ok.yaml":    vpc("v1beta1", "a", "", "", 1),
	})
	s.sync(plan.Options{})
	kept := 0
	for path, text := range s.files {
		if strings.Contains(text, large) {
			kept++
		} else if strings.Count(text, "- y") < len(large)/6 && len(text) > 1<<20 {
			t.Errorf("%s has %d bytes", path, len(text))
		}
	}
	if kept != 1 {
		t.Errorf("the large text is in %d files", kept)
	}
	for _, f := range s.result.Findings {
		if len(f.Message) > 1<<10 {
			t.Errorf("a finding of %s has %d bytes", f.File, len(f.Message))
		}
	}
	s.requireRest()
}
