package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// diagnosis is what fgd doctor -o json prints, as far as it is looked at here.
type diagnosis struct {
	History struct {
		Commits        int `json:"commits"`
		TimesOnly      int `json:"times_only"`
		TextOnly       int `json:"text_only"`
		Rewrites       int `json:"rewrites"`
		WithoutMeaning int `json:"rewrites_without_meaning"`
		Rewritten      []struct {
			Path string `json:"path"`
		} `json:"rewritten"`
	} `json:"history"`
	Head struct {
		Files      int `json:"files"`
		Documents  int `json:"documents"`
		Duplicates []struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"duplicates"`
		Mixed []struct {
			Kind     string         `json:"kind"`
			Versions map[string]int `json:"versions"`
		} `json:"mixed_versions"`
		Invalid int `json:"invalid_files"`
		Warned  int `json:"warned_files"`
		Codes   []struct {
			Code  string `json:"code"`
			Files int    `json:"files"`
		} `json:"codes"`
	} `json:"head"`
	Sync struct {
		State       string `json:"state"`
		Creates     int    `json:"creates"`
		Quarantines int    `json:"quarantines"`
		Duplicates  int    `json:"duplicates"`
	} `json:"sync"`
}

// TestDoctorOfTheCorpus: the states of a repository that people had, one commit each. The figures were counted by hand,
// with git and with what is known of the last state.
func TestDoctorOfTheCorpus(t *testing.T) {
	t.Parallel()
	h := historyOfTheCorpus(t)
	before := h.Head(t, repository, branch)
	d := h.doctor(directoryOfTheCorpus)
	if d.History.Commits != 11 || d.History.TimesOnly != 0 || d.History.TextOnly != 0 {
		t.Errorf("%+v", d.History)
	}
	// git log --diff-filter=M has 24; of them one changed only a time in an annotation and one in a comment.
	if r := d.History; r.Rewrites != 24 || r.WithoutMeaning != 1 || r.Rewritten[0].Path != "managed/vpcs/test-vpc-2.yaml" {
		t.Errorf("rewrites: %+v", r)
	}
	if head := d.Head; head.Files != 52 || head.Documents != 52 || len(head.Duplicates) != 0 || head.Invalid != 2 ||
		head.Warned != 20 {
		t.Errorf("head: %+v", head)
	}
	// 21 files say v1alpha2, of which one would lose a field; a ConfigMap in managed/ is no resource, and a GitOpsTest
	// outside of raw/ is somebody else's.
	if c := d.Head.Codes; len(c) != 3 || c[0].Code != "FGD_1002" || c[0].Files != 1 || c[1].Code != "FGD_1009" ||
		c[1].Files != 21 || c[2].Code != "FGD_1024" || c[2].Files != 1 {
		t.Errorf("codes: %+v", c)
	}
	if m := d.Head.Mixed; len(m) != 2 || m[0].Versions["v1alpha2"] != 20 || m[0].Versions["v1beta1"] != 7 ||
		m[1].Versions["v1alpha2"] != 1 || m[1].Versions["v1beta1"] != 10 {
		t.Errorf("versions: %+v", m)
	}
	// The ConfigMap is in managed/ and reported; the GitOpsTest stands outside of raw/ and is left alone.
	if d.Sync.State != "completed" || d.Sync.Quarantines != 0 {
		t.Errorf("sync: %+v", d.Sync)
	}
	// In the whole repository there is another directory of a fabric, with a VPC that this one has too. No sync would take
	// both.
	if whole := h.doctor(""); whole.Head.Files != 53 || len(whole.Head.Duplicates) != 1 ||
		whole.Head.Duplicates[0].Name != "test-vpc" || whole.Sync.State != "failed" {
		t.Errorf("the whole repository: %+v %+v", whole.Head, whole.Sync)
	}
	if h.Head(t, repository, branch) != before || h.Requests(gitserver.Receive) != 0 {
		t.Error("the repository was changed")
	}
}

const directoryOfTheCorpus = "gitops/hedgehog/fabric-1"

// historyOfTheCorpus commits the states in the order in which they were.
func historyOfTheCorpus(t *testing.T) *host {
	t.Helper()
	cases := filepath.Join(system.Shared(t, "corpus"), "cases")
	var h *host
	now := map[string]string{}
	for _, state := range []string{
		"test-vpc-history-1-9534977d", "test-vpc-history-2-e8277f80", "test-vpc-history-3-67c3a70a",
		"test-vpc-history-4-1f58a6e9",
		"pre-init-d8ebda7d", "pre-init-735989ad", "half-moved-8c9fc05e", "all-in-raw-e40d5442", "in-raw-and-managed-409e6afc",
		"interrupted-2b595364", "final-fab0aa68",
	} {
		folder := filepath.Join(cases, "gitops-test-1--"+state, "tree")
		if _, err := os.Stat(folder); err != nil {
			t.Fatal(err)
		}
		next := read(t, folder, "")
		changes := maps.Clone(next)
		for path := range now {
			if _, stays := next[path]; !stays {
				changes[path] = gitserver.Removed
			}
		}
		maps.DeleteFunc(changes, func(path, content string) bool { was, known := now[path]; return known && was == content })
		if h == nil {
			h = newHost(t, next)
		} else {
			h.Commit(t, repository, branch, changes)
		}
		now = next
	}
	return h
}

// doctor measures a directory, in which something is found.
func (h *host) doctor(root string) diagnosis {
	h.t.Helper()
	args := slices.Concat([]string{"doctor", "-o=json"}, []string{
		"--repo", h.url(), "--branch", branch, "--dir", "/" + root,
		"--allow-http", "--allow-network=127.0.0.0/8",
	})
	result := programs.Run(h.t, credentials(), args...)
	if result.Code != 3 || result.Stderr != "" {
		h.t.Fatalf("exit %d:\n%s", result.Code, result.Output())
	}
	return system.Read[diagnosis](h.t, result.Stdout)
}
