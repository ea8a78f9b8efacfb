package quarantine_test

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/dirlog"
	"fgdsync.dev/services/ingestion/internal/quarantine"
)

// TestALogIsNotBelieved: a file goes back to a path that the log names only where every checkout can hold it and no
// other tool obeys it; else into raw/.
func TestALogIsNotBelieved(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"raw/a/e.yaml", "old/e.yaml", "e.yaml", "managed/vpcs/e.yaml", "raw/notes [1].txt"} {
		if got := origin(from); got != from {
			t.Errorf("%s goes back to %s", from, got)
		}
	}
	for _, from := range []string{
		"", "/e.yaml", "../e.yaml", "a/../../e.yaml", "a//e.yaml", "./e.yaml", "a/.", "..", "raw", "Managed",
		".hnp/e.yaml", ".HNP/manifest.yaml", "sub/.hnp/manifest.yaml", "unmanaged/x.yaml", "Unmanaged/x.yaml",
		"MANAGED/x.yaml",
		".git/hooks/e", ".gitattributes", ".gitmodules", ".github/workflows/e.yaml", "a/.b/e.yaml", ".fgdignore",
		"GIT~1/e.yaml", "a/git~2/config", "con/e.yaml", "aux.yaml", "a\\b.yaml", "a:b.yaml", "a./e.yaml", " a/e.yaml",
		"\u202ee.yaml", "a\nb.yaml", "\xff.yaml", strings.Repeat("d/", 70) + "e.yaml", strings.Repeat("d", 300),
	} {
		if got := origin(from); got != "raw/e.yaml" {
			t.Errorf("%q is believed: it goes back to %q", from, got)
		}
	}
}

func origin(from string) string {
	return quarantine.File{
		Entry: gittree.Entry{Path: "unmanaged/e.yaml"}, Reason: &dirlog.Reason{From: from},
	}.Origin()
}
