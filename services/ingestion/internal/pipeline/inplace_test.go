package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/ingestion/internal/dirlog"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/testkit/treestore"
)

const (
	badDoc     = "kind: Nothing\n"
	archive    = ".hnp/archive-log.yaml"
	reasons    = ".hnp/unmanaged-log.yaml"
	someCommit = "1111111111111111111111111111111111111111"
)

// special is a leaf that is no file: "link" or "submodule" in the place of its content.
func special(store *treestore.Store, files map[string]string) map[string]treestore.Leaf {
	leaves := map[string]treestore.Leaf{}
	for p, content := range files {
		switch content {
		case "link":
			leaves[p] = treestore.Leaf{Mode: gitv1.FileMode_FILE_MODE_SYMLINK, Blob: store.PutBlob([]byte("../raw"))}
		case "submodule":
			leaves[p] = treestore.Leaf{Mode: gitv1.FileMode_FILE_MODE_SUBMODULE, Blob: someCommit}
		default:
			leaves[p] = treestore.Leaf{Mode: gitv1.FileMode_FILE_MODE_REGULAR, Blob: store.PutBlob([]byte(content))}
		}
	}
	return leaves
}

// TestWhatStandsInThePlaceOfWhatIsWritten: a folder, a link or a submodule at any path that a sync writes stops
// nothing. It moves as what it is, or the sync writes beside it, and the next sync changes nothing.
func TestWhatStandsInThePlaceOfWhatIsWritten(t *testing.T) {
	t.Parallel()
	good, changed := vpc("v1beta1", "a", "", "", 1), vpc("v1beta1", "a", "", "", 2)
	for name, c := range map[string]struct {
		files map[string]string
		want  map[string]string // path and content, or what it is
	}{
		"archive log, folder": {
			map[string]string{archive + "/x": "mine", archive + "/y/z.txt": "too", "raw/a.yaml": good},
			map[string]string{".hnp/archive-log.legacy/x": "mine", ".hnp/archive-log.legacy/y/z.txt": "too", archive: "*"},
		},
		"archive log, link": {
			map[string]string{archive: "link", "raw/a.yaml": good},
			map[string]string{".hnp/archive-log.legacy.yaml": "link", archive: "*"},
		},
		"archive log, submodule": {
			map[string]string{archive: "submodule", "raw/a.yaml": good},
			map[string]string{".hnp/archive-log.legacy.yaml": "submodule", archive: "*"},
		},
		"unmanaged log, folder": {
			map[string]string{reasons + "/x": "mine", "raw/b.yaml": badDoc},
			map[string]string{".hnp/unmanaged-log.legacy/x": "mine", reasons: "*", "unmanaged/b.yaml": badDoc},
		},
		"unmanaged log, submodule": {
			map[string]string{reasons: "submodule", "raw/b.yaml": badDoc},
			map[string]string{".hnp/unmanaged-log.legacy.yaml": "submodule", reasons: "*", "unmanaged/b.yaml": badDoc},
		},
		"managed file, folder": {
			map[string]string{"managed/vpcs/a.yaml/b.yaml": vpc("v1beta1", "b", "", "", 3), "raw/a.yaml": good},
			map[string]string{"managed/vpcs/a.yaml": "*", "managed/vpcs/b.yaml": "*"},
		},
		"managed file, submodule": {
			map[string]string{"managed/vpcs/a.yaml": "submodule", "raw/a.yaml": changed},
			map[string]string{"managed/vpcs/a.yaml": "*", "unmanaged/managed/vpcs/a.yaml": "submodule"},
		},
		"managed file, link": {
			map[string]string{"managed/vpcs/a.yaml": "link", "raw/a.yaml": changed},
			map[string]string{"managed/vpcs/a.yaml": "*", "unmanaged/managed/vpcs/a.yaml": "link"},
		},
		"unmanaged file, folder that is emptied": {
			map[string]string{
				"unmanaged/x/y.yaml": good, "raw/x": "text",
				reasons: "entries:\n- {path: \"unmanaged/x/y.yaml\", content: \"" + someCommit + "\"}\n",
			},
			map[string]string{"managed/vpcs/a.yaml": "*", "unmanaged/x": "text"},
		},
		"kind's folder, file": {
			map[string]string{"managed/vpcs": "text", "raw/a.yaml": good},
			map[string]string{"managed/vpcs": "text", "managed/vpcs-2/a.yaml": "*"},
		},
		"kind's folder, link and submodule": {
			map[string]string{
				"managed/vpcs": "link", "managed/vpcs-2": "submodule", "managed/odd/b.yaml": vpc("v1beta1", "b", "", "", 2),
				"raw/a.yaml": good,
			},
			map[string]string{
				"managed/vpcs": "link", "managed/vpcs-2": "submodule", "managed/vpcs-3/a.yaml": "*",
				"managed/vpcs-3/b.yaml": "*",
			},
		},
		"unmanaged file, link and submodule": {
			map[string]string{
				"unmanaged/b.yaml": "link", "unmanaged/c": "submodule", "raw/b.yaml": badDoc, "raw/c/d.yaml": badDoc,
			},
			map[string]string{
				"unmanaged/b.yaml": "link", "unmanaged/b-2.yaml": badDoc, "unmanaged/c": "submodule",
				"unmanaged/c-2/d.yaml": badDoc,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := treestore.New()
			p := pipelineOf(t, store.Serve(t), 2)
			snapshot, tree := store.OpenLeaves(special(store, c.files))
			result := ingest(t, p, gittree.Ref{Snapshot: snapshot, ID: tree}, plan.Options{})
			after, wanted := store.Leaves(result.Tree), special(store, c.want)
			for path, leaf := range wanted {
				got, there := after[path]
				if c.want[path] == "*" && got.Mode == gitv1.FileMode_FILE_MODE_REGULAR {
					leaf.Blob = got.Blob
				}
				if !there || got != leaf {
					t.Errorf("%s: %v, want %v", path, got, leaf)
				}
			}
			again := ingest(t, p, gittree.Ref{Snapshot: snapshot, ID: result.Tree}, plan.Options{})
			if again.Tree != result.Tree {
				t.Errorf("a second sync changes %v", differences(store.Files(result.Tree), store.Files(again.Tree)))
			}
			_, moved := c.want[archive]
			_, movedReasons := c.want[reasons]
			requireSaid(t, result, errs.DirectoryRepairFailed, moved || movedReasons)
		})
	}
}

// requireSaid holds that there is a finding of a code, or none.
func requireSaid(t *testing.T, result *pipeline.Result, code errs.Code, want bool) {
	t.Helper()
	said := messages(result, code)
	if want != (len(said) > 0) {
		t.Errorf("%s: %q", code.ID, said)
	}
}

// TestAFolderThatCantBeEmptied: where a log can't be, the rest is ingested, and it is said what to do.
func TestAFolderThatCantBeEmptied(t *testing.T) {
	t.Parallel()
	trees := withUnreadable{
		&recording{memoryTrees: newMemoryTrees(map[string]string{"raw/a.yaml": vpc("v1beta1", "a", "", "", 1)})},
		archive + `/Icon\r`,
	}
	result, err := benchPipeline(t, trees).Ingest(t.Context(), request(gittree.Ref{ID: "before"}, plan.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if said := messages(result, errs.DirectoryRepairFailed); len(said) != 1 || !strings.Contains(said[0], archive) {
		t.Errorf("said %q", said)
	}
	for _, change := range trees.changes {
		if change.Path == archive {
			t.Errorf("%s is written", archive)
		}
	}
	if len(result.Plan.Resources) != 1 {
		t.Errorf("resources %v", result.Plan.Resources)
	}
}

// TestDeepFiles: what is as deep as a file can be goes to a place that is no deeper, whatever the fabric keeps. What is
// deeper is told of and left.
func TestDeepFiles(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("d/", layout.MaxDepth-1) + "x.yaml"
	bad := vpc("v1beta1", "BAD", "", "", 1)
	for _, kept := range []plan.Archive{plan.ArchiveNone, plan.ArchiveRename, plan.ArchiveMove, plan.ArchiveBackup} {
		result, after := ingestTwice(t, map[string]string{
			deep: bad, "e/" + deep[2:]: vpc("v1beta1", "a", "", "", 1), "raw/b.yaml": vpc("v1beta1", "b", "", "", 2),
		}, plan.Options{Archive: kept})
		quarantined := 0
		for p, content := range after {
			if strings.HasPrefix(p, "unmanaged/") && content == bad {
				quarantined++
			}
			if layout.TooDeep(p) {
				t.Errorf("%s is too deep", p)
			}
		}
		if quarantined != 1 || len(result.Plan.Resources) != 2 {
			t.Errorf("archive %d: %d in quarantine, %d resources", kept, quarantined, len(result.Plan.Resources))
		}
	}
	deeper := strings.Repeat("d/", layout.MaxDepth-1) + "d"
	trees := withUnreadable{&recording{memoryTrees: newMemoryTrees(inRaw(wiring(1), 1))}, deeper}
	result, err := benchPipeline(t, trees).Ingest(t.Context(), request(gittree.Ref{ID: "before"}, plan.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	said := messages(result, errs.UnreadableName)
	if len(said) != 1 || !strings.Contains(said[0], "more than 64 levels deep") {
		t.Errorf("said %q", said)
	}
}

// TestTooManyDocuments: a file of very many documents goes to unmanaged/ as it is, those in its lists counted, and what
// is beside it is ingested. In managed/ it stays.
func TestTooManyDocuments(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("--- a\n", document.MaxDocuments+1)
	list := "apiVersion: v1\nkind: List\nitems:\n" + strings.Repeat("- {a: b}\n", document.MaxDocuments/2+1)
	files := map[string]string{
		"raw/many.yaml": many, "raw/lists.yaml": list + "---\n" + list, "managed/vpcs/b.yaml": many,
		"raw/a.yaml": vpc("v1beta1", "a", "", "", 1),
	}
	result, after := ingestTwice(t, files, plan.Options{})
	for p, content := range map[string]string{
		"unmanaged/many.yaml": many, "unmanaged/lists.yaml": files["raw/lists.yaml"], "managed/vpcs/b.yaml": many,
	} {
		if after[p] != content {
			t.Errorf("%s has %d bytes, not %d", p, len(after[p]), len(content))
		}
	}
	if after[managedA] == "" || len(messages(result, errs.TooManyDocuments)) != 2 {
		t.Errorf("%d findings", len(result.Findings))
	}
}

// TestLogsHaveABound: a sync with very much to note begins logs anew, none larger than is read, and loses no entry.
func TestLogsHaveABound(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	name := strings.Repeat(strings.Repeat("x", 250)+"/", 60)
	for i := range 300 {
		files[fmt.Sprintf("raw/%s%d.txt", name, i)] = "text"
	}
	_, after := ingestTwice(t, files, plan.Options{})
	entries := map[string]int{}
	for p, content := range after {
		if strings.HasPrefix(p, ".hnp/") {
			kind, _, _ := strings.Cut(strings.TrimPrefix(p, ".hnp/"), ".")
			entries[kind] += strings.Count(content, "\n- {")
			if len(content) > dirlog.MaxBytes {
				t.Errorf("%s has %d bytes", p, len(content))
			}
		}
	}
	if entries["archive-log"] != 300 || entries["unmanaged-log"] != 300 || after[".hnp/archive-log.1.yaml"] == "" {
		t.Errorf("entries: %v", entries)
	}
}
