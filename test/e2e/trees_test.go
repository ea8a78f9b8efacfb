package e2e

import (
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// treeHost is a Git host whose repository has trees that Git itself would not make.
type treeHost struct{ *host }

func newTreeHost(t *testing.T) treeHost {
	t.Helper()
	return treeHost{newHost(t, map[string]string{
		directory + "/raw/good.yaml": fabric.VPC("good", 1),
		"README.md":                  "# Fabrics\n",
	})}
}

// object writes an object of whatever content.
func (h treeHost) object(kind, content string) string {
	h.t.Helper()
	return h.Object(h.t, repository, kind, strings.NewReader(content))
}

// entry is one line of a tree.
func (h treeHost) entry(mode, name, id string) string {
	h.t.Helper()
	return gitserver.TreeEntry(h.t, mode, name, id)
}

// file is the line of a file in a tree.
func (h treeHost) file(name, content string) string {
	return h.entry("100644", name, h.object("blob", content))
}

// commitRaw makes a commit whose fabric directory has a folder raw/ of these entries, as they are, and a root with some
// more.
func (h treeHost) commitRaw(raw []string, root ...string) {
	h.t.Helper()
	if len(raw) > 0 && strings.Contains(raw[0], " good.yaml\x00") {
		slices.SortFunc(raw, byName)
	}
	tree := h.object("tree", strings.Join(raw, ""))
	for _, name := range []string{"raw", "fabric-1", "hedgehog"} {
		tree = h.object("tree", h.entry("40000", name, tree))
	}
	root = append(root, h.entry("40000", "gitops", tree))
	slices.SortFunc(root, byName)
	h.commitTree(h.object("tree", strings.Join(root, "")))
}

// byName is Git's order of entries, of which none here begins like another.
func byName(a, b string) int {
	_, a, _ = strings.Cut(a, " ")
	_, b, _ = strings.Cut(b, " ")
	return strings.Compare(a, b)
}

func (h treeHost) commitTree(tree string) {
	h.t.Helper()
	h.CommitTree(h.t, repository, branch, tree)
}

// sync runs fgd sync.
func (h treeHost) sync(env ...string) (system.Result, system.Status) {
	h.t.Helper()
	result := programs.Run(h.t, append(credentials(), env...), "sync", "--repo", h.url(), "--branch", branch, "--dir",
		directory, "--allow-http", "--allow-network=127.0.0.0/8", "-o=json")
	var status system.Status
	if strings.HasPrefix(result.Stdout, "{") {
		status = system.Read[system.Status](h.t, result.Stdout)
	}
	return result, status
}

// says reports whether there is a finding of a code about a file.
func says(findings []system.Finding, code, file string) bool {
	return slices.ContainsFunc(findings, func(f system.Finding) bool {
		return f.Code == code && f.File == file &&
			f.Remedy != ""
	})
}

// requireRefused holds that a sync fails with a code and a remedy, and changes nothing.
func (h treeHost) requireRefused(code string) {
	h.t.Helper()
	before := h.Head(h.t, repository, branch)
	result, _ := h.sync()
	if result.Code != 1 || !strings.Contains(result.Output(), code) || !strings.Contains(result.Output(), "remedy") ||
		strings.Contains(result.Output(), "FGD_5001") {
		h.t.Errorf("exit %d, want 1 with %s:\n%s", result.Code, code, result.Output())
	}
	if after := h.Head(h.t, repository, branch); after != before {
		h.t.Errorf("the branch moved to %s", after)
	}
}

// requireIngestedBeside holds that the good file is ingested whatever is beside it.
func (h treeHost) requireIngestedBeside() (map[string]string, system.Status) {
	h.t.Helper()
	result, status := h.sync()
	if result.Code != 0 && result.Code != 3 || status.State != "completed" {
		h.t.Fatalf("exit %d:\n%s", result.Code, result.Output())
	}
	after := below(h.Files(h.t, repository, branch), directory)
	if !strings.Contains(after["managed/vpcs/good.yaml"], "name: good") {
		h.t.Errorf("the good file is not managed: %v", status)
	}
	commits := h.Commits(h.t, repository, branch)
	if again, _ := h.sync(); again.Code != 0 || h.Commits(h.t, repository, branch) != commits {
		h.t.Errorf("a second sync: exit %d, %d commits instead of %d\n%s", again.Code, h.Commits(h.t, repository, branch),
			commits, again.Output())
	}
	return after, status
}

// zeros reads as zeros without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestG17HugeBlob: a file of 300 MiB is never held in memory.
func TestG17HugeBlob(t *testing.T) {
	h := newTreeHost(t)
	without, _ := newTreeHost(t).sync()
	zeros := h.Object(t, repository, "blob", io.LimitReader(zeros{}, 300<<20))
	h.commitRaw([]string{h.file("good.yaml", fabric.VPC("good", 1)), h.entry("100644", "zeros.yaml", zeros)})
	id := strings.TrimSpace(h.Git(t, repository, "rev-parse", branch+":"+directory+"/raw/zeros.yaml"))
	result, status := h.sync()
	if result.Code != 3 || !says(status.Errors, "FGD_1006", "raw/zeros.yaml") || status.Result.ResourcesTotal != 1 {
		t.Fatalf("exit %d:\n%s", result.Code, result.Output())
	}
	if got := strings.TrimSpace(h.Git(t, repository, "rev-parse",
		branch+":"+directory+"/unmanaged/zeros.yaml")); got != id {
		t.Errorf("unmanaged/ has %s, not %s", got, id)
	}
	if extra := result.Memory - without.Memory; extra > 64<<20 {
		t.Errorf("it took %d MiB more than without the blob", extra>>20)
	} else {
		t.Logf("it took %d MiB more than without the blob", extra>>20)
	}
	h.RequireSound(t, repository)
}

// TestG18TreeBomb: a few trees that name each other many times over are refused.
func TestG18TreeBomb(t *testing.T) {
	for name, leaf := range map[string]func(h treeHost) string{
		"of files":   func(h treeHost) string { return h.file("a.yaml", fabric.VPC("a", 1)) },
		"of nothing": func(treeHost) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newTreeHost(t)
			tree := h.object("tree", leaf(h))
			for range 10 {
				entries := ""
				for n := range 10 {
					entries += h.entry("40000", fmt.Sprintf("d%d", n), tree)
				}
				tree = h.object("tree", entries)
			}
			h.commitRaw([]string{h.entry("40000", "bomb", tree)})
			h.requireRefused("FGD_4012")
		})
	}
	t.Run("outside of the fabric", func(t *testing.T) {
		h := newTreeHost(t)
		tree := h.object("tree", "")
		for range 10 {
			tree = h.object("tree", h.entry("40000", "a", tree)+h.entry("40000", "b", tree))
		}
		h.commitRaw([]string{h.file("good.yaml", fabric.VPC("good", 1))}, h.entry("40000", "bomb", tree))
		h.requireIngestedBeside()
	})
}

// TestG19LargeRepository has 100,000 files, folders 50 deep and 5,000 branches and tags.
func TestG19LargeRepository(t *testing.T) {
	h := newTreeHost(t)
	var changes strings.Builder
	for n := range 100_000 {
		fmt.Fprintf(&changes, "M 100644 inline other/%03d/%03d.txt\ndata 2\nx\n\n", n/1000, n%1000)
	}
	for n := range 1000 {
		fmt.Fprintf(&changes, "M 100644 inline %s/docs/%d.txt\ndata 2\nx\n\n", directory, n)
	}
	deep := directory + "/raw/" + strings.Repeat("d/", 50) + "deep.yaml"
	content := fabric.VPC("deep", 2)
	fmt.Fprintf(&changes, "M 100644 inline %s\ndata %d\n%s\n", deep, len(content), content)
	head := h.Import(t, repository, branch, changes.String())
	var refs strings.Builder
	for n := range 2500 {
		fmt.Fprintf(&refs, "create refs/heads/topic-%d %s\ncreate refs/tags/v%d %s\n", n, head, n, head)
	}
	command := exec.CommandContext(t.Context(), "git", "update-ref", "--stdin")
	command.Dir, command.Stdin = h.Path(repository), strings.NewReader(refs.String())
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("write refs: %v\n%s", err, out)
	}
	after, status := h.requireIngestedBeside()
	if status.Result.ResourcesTotal != 2 || !strings.Contains(after["managed/vpcs/deep.yaml"], strings.Repeat("d/", 50)) {
		t.Errorf("%+v", status)
	}
	if refs := h.Git(t, repository, "for-each-ref"); strings.Count(refs, "\n") != 5001 {
		t.Errorf("%d refs", strings.Count(refs, "\n"))
	}
}

// TestG20EntryNames: a tree that Git takes for damage is refused, as is a name in the fabric that we can't handle;
// outside of it such names are nobody's business.
func TestG20EntryNames(t *testing.T) {
	t.Parallel()
	good := fabric.VPC("good", 1)
	for name, test := range map[string]struct {
		code    string
		entries func(h treeHost) []string
	}{
		"twice": {"FGD_4012", func(h treeHost) []string {
			return []string{
				h.file("a.yaml", good),
				h.file("a.yaml", good+"#\n"),
			}
		}},
		"out of order": {"FGD_4012", func(h treeHost) []string {
			return []string{
				h.file("b.yaml", good),
				h.file("a.yaml", good),
			}
		}},
		"odd mode": {"FGD_4012", func(h treeHost) []string {
			return []string{h.entry("100600", "a.yaml",
				h.object("blob", good))}
		}},
		"file and folder": {"FGD_4012", func(h treeHost) []string {
			return []string{h.file("a", good), h.entry("40000", "a", h.object("tree", h.file("b.yaml", good)))}
		}},
		// The host's own git gives up on these.
		"no name": {"FGD_4001", func(h treeHost) []string { return []string{h.file("", good)} }},
		"no such object": {"FGD_4001", func(h treeHost) []string {
			return []string{h.entry("100644", "a.yaml",
				strings.Repeat("12", 20))}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTreeHost(t)
			h.commitRaw(test.entries(h))
			h.requireRefused(test.code)
		})
	}
	for name, odd := range map[string]string{
		"backslash": `x\y.yaml`, "newline": "x\ny.yaml", "escape": "x\x1by.yaml", "300 characters": strings.Repeat("x", 300) +
			".yaml", "invalid UTF-8": "x\xff.yaml", "dots": "..", "a dot": ".", "git": ".git", "GiT": ".GiT",
		"slash": "a/b.yaml",
	} {
		t.Run(name, func(t *testing.T) {
			h := newTreeHost(t)
			h.commitRaw([]string{h.file("good.yaml", good), h.file(odd, fabric.VPC("odd", 2))})
			_, status := h.requireIngestedBeside()
			quoted := strconv.Quote("raw/" + odd)
			if !says(status.Warnings, "FGD_1026", quoted[1:len(quoted)-1]) || status.Result.ResourcesTotal != 1 {
				t.Errorf("warnings: %+v", status.Warnings)
			}
			kept := h.Git(t, repository, "ls-tree", "--name-only", "-z", branch+":"+directory+"/raw")
			if !strings.Contains("\x00"+kept, "\x00"+odd+"\x00") {
				t.Errorf("it is gone: %q", kept)
			}
			h = newTreeHost(t)
			h.commitRaw([]string{h.file("good.yaml", good)}, h.file(odd, "not ours\n"))
			h.requireIngestedBeside()
			if listed := h.Git(t, repository, "ls-tree", "--name-only", "-z", branch); !strings.Contains(listed, odd+"\x00") {
				t.Errorf("the file of others is gone: %q", listed)
			}
		})
	}
	for name, odd := range map[string][]string{
		"device": {"CON.yaml"}, "bidirectional override": {"x\u202ey.yaml"}, "quotes": {`x"'.yaml`}, "colon": {"x:y.yaml"},
		"glob": {"x*.yaml"}, "dash": {"-x.yaml"},
		"case twins": {"Odd.yaml", "odd.yaml"}, "composed and not": {"\u00e9.yaml", "e\u0301.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTreeHost(t)
			raw := []string{h.file("good.yaml", good)}
			for n, name := range odd {
				raw = append(raw, h.file(name, fabric.VPC(fmt.Sprintf("odd-%d", n), 2+n)))
			}
			h.commitRaw(raw)
			after, status := h.requireIngestedBeside()
			if status.Result.ResourcesTotal != 1+len(odd) {
				t.Errorf("%d resources: %v", status.Result.ResourcesTotal, status.Errors)
			}
			requireClean(t, after)
			h.RequireSound(t, repository)
		})
	}
	// The system makes no two names that are one on Windows or macOS, whatever somebody else has made.
	t.Run("case twins that are refused", func(t *testing.T) {
		h := newTreeHost(t)
		h.commitRaw([]string{h.file("good.yaml", good), h.file("Bad.yaml", "a: [\n"), h.file("bad.yaml", "b: [\n")})
		after, _ := h.requireIngestedBeside()
		if after["unmanaged/Bad.yaml"] != "a: [\n" || after["unmanaged/bad-2.yaml"] != "b: [\n" {
			t.Errorf("quarantined: %q", after)
		}
	})
}

// TestG21Links: a symbolic link is left where it is, and nobody looks where it leads.
func TestG21Links(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]struct{ name, target string }{
		"to a file of the machine": {"x.yaml", "/etc/passwd"}, "to the folder above": {"x.yaml", ".."},
		"to itself":        {"x.yaml", "x.yaml"},
		"to the good file": {"x.yaml", "good.yaml"}, "in the place of a folder": {"sub", "../../fabric-2"},
		"with YAML in it": {"x.yaml", fabric.VPC("link", 2)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTreeHost(t)
			h.commitRaw([]string{
				h.file("good.yaml", fabric.VPC("good", 1)),
				h.entry("120000", link.name, h.object("blob", link.target)),
			})
			after, status := h.requireIngestedBeside()
			if !says(status.Warnings, "FGD_1007", "raw/"+link.name) || status.Result.ResourcesTotal != 1 {
				t.Errorf("warnings: %+v", status.Warnings)
			}
			if got := h.Git(t, repository, "ls-tree", branch, directory+"/raw/"+link.name); !strings.HasPrefix(got, "120000 ") ||
				after["raw/"+link.name] != link.target {
				t.Errorf("the link is %q to %q", got, after["raw/"+link.name])
			}
			for path, content := range after {
				if strings.Contains(content, "root:") {
					t.Errorf("%s was read through a link", path)
				}
			}
		})
	}
	for _, place := range []string{"raw", "managed", "unmanaged", ".hnp", "managed/vpcs"} {
		t.Run("for "+place, func(t *testing.T) {
			h := newTreeHost(t)
			h.Import(t, repository, branch, fmt.Sprintf("D %[1]s/%[2]s\nM 120000 inline %[1]s/%[2]s\ndata 2\n..\n", directory,
				place))
			h.requireRefused("FGD_20")
		})
	}
}

// TestG22Submodule is left where it is.
func TestG22Submodule(t *testing.T) {
	t.Parallel()
	h := newTreeHost(t)
	const commit = "1234567812345678123456781234567812345678"
	h.commitRaw([]string{h.file("good.yaml", fabric.VPC("good", 1)), h.entry("160000", "module.yaml", commit)})
	_, status := h.requireIngestedBeside()
	if !says(status.Warnings, "FGD_1007", "raw/module.yaml") {
		t.Errorf("warnings: %+v", status.Warnings)
	}
	if got := h.Git(t, repository, "ls-tree", branch, directory+"/raw/module.yaml"); !strings.HasPrefix(got,
		"160000 commit "+commit) {
		t.Errorf("the submodule is %q", got)
	}
}

// TestG23LFSPointer: the pointer goes to unmanaged/, and nobody asks for what it stands for.
func TestG23LFSPointer(t *testing.T) {
	t.Parallel()
	h := newTreeHost(t)
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("4d", 32) + "\nsize 12345\n"
	h.Commit(t, repository, branch, map[string]string{directory + "/raw/big.yaml": pointer, directory +
		"/.gitattributes": "*.yaml filter=lfs diff=lfs merge=lfs -text\n"})
	after, status := h.requireIngestedBeside()
	if !says(status.Errors, "FGD_1007", "raw/big.yaml") || after["unmanaged/big.yaml"] != pointer {
		t.Errorf("errors: %+v", status.Errors)
	}
}

// TestG24LineEnds: what Git holds is what is read and written; attributes that convert on checkout change nothing.
func TestG24LineEnds(t *testing.T) {
	t.Parallel()
	h := newTreeHost(t)
	crlf := strings.ReplaceAll(fabric.VPC("crlf", 2), "\n", "\r\n")
	bad := "kind: VPC\r\n  broken: [\r\n"
	attributes := "* text=auto eol=crlf\n*.yaml text working-tree-encoding=UTF-16\n"
	h.Commit(t, repository, branch, map[string]string{
		directory + "/raw/crlf.yaml": crlf + "---\r\n" + bad, directory + "/.gitattributes": attributes,
		".gitattributes": attributes,
	})
	after, _ := h.requireIngestedBeside()
	managed := after["managed/vpcs/crlf.yaml"]
	if strings.Count(managed, "\n") != strings.Count(managed, "\r\n") || !strings.Contains(managed, "name: crlf\r\n") {
		t.Errorf("managed: %q", managed)
	}
	if after["unmanaged/crlf.doc-1.yaml"] != bad || after[".gitattributes"] != attributes {
		t.Errorf("quarantined: %q", after["unmanaged/crlf.doc-1.yaml"])
	}
}

// TestG25ExecutableBit stays on what is moved, quarantined or updated.
func TestG25ExecutableBit(t *testing.T) {
	t.Parallel()
	h := newTreeHost(t)
	file := func(path, content string) string {
		return fmt.Sprintf("M 100755 inline %s/%s\ndata %d\n%s\n", directory, path, len(content), content)
	}
	h.Import(t, repository, branch, file("raw/bad.yaml", "a: [\n")+file("managed/vpcs/wrong-name.yaml",
		fabric.VPC("moved", 3))+file("managed/vpcs/updated.yaml", fabric.VPC("updated", 4))+file("run.sh", "#!/bin/sh\n"))
	h.Commit(t, repository, branch, map[string]string{directory + "/raw/updated.yaml": fabric.VPC("updated", 5)})
	after, _ := h.requireIngestedBeside()
	for _, path := range []string{"unmanaged/bad.yaml", "managed/vpcs/moved.yaml", "managed/vpcs/updated.yaml", "run.sh"} {
		if got := h.Git(t, repository, "ls-tree", branch, directory+"/"+path); !strings.HasPrefix(got, "100755 ") {
			t.Errorf("%s is %q", path, got)
		}
	}
	if !strings.Contains(after["managed/vpcs/updated.yaml"], "original-file: raw/updated.yaml") {
		t.Errorf("not updated: %s", after["managed/vpcs/updated.yaml"])
	}
}

// TestG26MovedMeanwhile: somebody moves and changes files while a sync is about to push. It starts over from what is
// there then.
func TestG26MovedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"renamed":        {"raw/good.yaml": gitserver.Removed, "raw/renamed.yaml": fabric.VPC("good", 1)},
		"moved outside":  {"raw/good.yaml": gitserver.Removed, "elsewhere/good.yaml": fabric.VPC("good", 1)},
		"changed":        {"raw/good.yaml": fabric.VPC("good", 7)},
		"another beside": {"raw/second.yaml": fabric.VPC("second", 2)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTreeHost(t)
			changes := map[string]string{}
			for path, content := range files {
				changes[directory+"/"+path] = content
			}
			h.Break(gitserver.Fault{
				On: gitserver.Receive, Times: 1,
				Before: func() { h.Commit(t, repository, branch, changes) },
			})
			before := h.Files(t, repository, branch)
			after, status := h.requireIngestedBeside()
			for path, content := range changes {
				if before[path] = content; content == gitserver.Removed {
					delete(before, path)
				}
			}
			requireNothingLost(t, below(before, directory), after)
			requireClean(t, after)
			if status.Result.ResourcesTotal != len(below(before, directory)) {
				t.Errorf("%d resources", status.Result.ResourcesTotal)
			}
			h.requireCommits(3)
			h.RequireSound(t, repository)
		})
	}
}
