package directory_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/treestore"
)

// TestSamples: each required kind gets a sample on request only, and what is there already stays as it is.
func TestSamples(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := serve(t, store)
	const changed = "# mine\n"
	snapshot, tree := store.Open(map[string]string{layout.Samples + "/vpcs.yaml": changed, layout.Samples +
		"/servers.yaml/x": ""})
	at := time.Unix(0, 0)
	without, err := client.RepairDirectory(t.Context(), repairRequest(snapshot, tree, at))
	if err != nil {
		t.Fatal(err)
	}
	if got := samples(store.Files(without.GetTree())); len(got) != 2 {
		t.Errorf("samples that nobody asked for: %v", got)
	}
	// The directory is known to be right by now, which must not hide that samples are missing.
	for range 2 {
		if _, err := client.RepairDirectory(t.Context(), repairRequest(snapshot, without.GetTree(), at)); err != nil {
			t.Fatal(err)
		}
	}
	request := repairRequest(snapshot, without.GetTree(), at)
	request.CreateSamples = true
	with, err := client.RepairDirectory(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	files := store.Files(with.GetTree())
	want := []string{"README.md", "servers.yaml/x"}
	for _, kind := range hedgehog.CoreKindFolders() {
		if kind != "servers" {
			want = append(want, kind+".yaml")
		}
	}
	slices.Sort(want)
	if got := samples(files); !slices.Equal(got, want) {
		t.Errorf("samples %v, not %v", got, want)
	}
	if files[layout.Samples+"/vpcs.yaml"] != changed {
		t.Errorf("a sample was overwritten: %q", files[layout.Samples+"/vpcs.yaml"])
	}
	if made := with.GetRepairsMade(); len(made) != 1 || !strings.HasPrefix(made[0],
		"Added to .hnp/samples: README.md, connections.yaml") {
		t.Errorf("said: %v", made)
	}

	request.Tree = with.GetTree()
	writes := store.Writes()
	again, err := client.RepairDirectory(t.Context(), request)
	if err != nil || again.GetTree() != with.GetTree() || len(again.GetRepairsMade()) != 0 || store.Writes() != writes {
		t.Errorf("the second time: %v, %d writes, %v", again, store.Writes()-writes, err)
	}
}

func samples(files map[string]string) []string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if name, found := strings.CutPrefix(path, layout.Samples+"/"); found {
			out = append(out, name)
		}
	}
	return out
}

// TestSamplesTogetherWithRepairs: a directory that is not there gets all in one change.
func TestSamplesTogetherWithRepairs(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := serve(t, store)
	snapshot, tree := store.Open(nil)
	request := repairRequest(snapshot, tree, time.Unix(0, 0))
	request.CreateSamples = true
	made, err := client.RepairDirectory(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	files := store.Files(made.GetTree())
	if got := len(samples(files)); got != 13 || files[layout.Manifest] == "" || store.Writes() != 1 {
		t.Errorf("%d samples, %d writes", got, store.Writes())
	}
}

// TestSamplesInTheWay: where the folder of the samples can't be, the rest is mended all the same.
func TestSamplesInTheWay(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{layout.Samples: "warning", layout.Metadata: "error"} {
		store := treestore.New()
		client := serve(t, store)
		snapshot, tree := store.OpenLeaves(map[string]treestore.Leaf{path: {
			Mode: gitv1.FileMode_FILE_MODE_REGULAR,
			Blob: store.PutBlob([]byte("a file")),
		}})
		request := repairRequest(snapshot, tree, time.Unix(0, 0))
		request.CreateSamples = true
		answer, err := client.RepairDirectory(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		remaining := answer.GetRemainingIssues()
		if len(remaining) != 1 || remaining[0].GetFinding().GetFile() != path ||
			!strings.HasSuffix(strings.ToLower(remaining[0].GetFinding().GetSeverity().String()), want) {
			t.Errorf("%s: %v", path, remaining)
		}
		if files := store.Files(answer.GetTree()); files[path] != "a file" || len(samples(files)) != 0 {
			t.Errorf("%s: %v", path, files)
		}
	}
}
