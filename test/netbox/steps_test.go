package netbox

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/netbox/lab"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// TestTheFiveSteps: what docs/netbox-plugin.md says takes a NetBox without the plugin to the first sync of a fabric.
func TestTheFiveSteps(t *testing.T) {
	t.Parallel()
	needLab(t)
	binaries, err := programs()
	must(t, err)
	packages := t.TempDir()
	n := start(t, lab.WithoutOwnPlugin(), lab.Installed(packages))
	git := gitserver.Start(t, gitserver.Options{})
	git.Create(t, repository, "main", fabric.PreInit(directory))
	folder := t.TempDir()
	credentials := filepath.Join(folder, "credentials")
	sys := binaries.Up(t, []string{"HEDGEHOG_FGD_CREDENTIALS_DIR=" + credentials})
	number := n.fabric("fabric-1")

	w := &walker{t: t, n: n, s: sys, folder: folder, binaries: binaries, packages: packages}
	w.prepare()
	replaced := strings.NewReplacer(
		"/opt/netbox", filepath.Join(folder, "opt"), "http://127.0.0.1:8080", sys.Base, `"object_id": 1`, fmt.Sprintf(`"object_id": %d`, number),
		"https://github.com/example/network.git", git.URL(repository), "github.com", git.Address(),
	)
	for _, block := range blocks(t, filepath.Join("..", "..", "docs", "netbox-plugin.md")) {
		text := replaced.Replace(block.text)
		if block.language == "python" {
			must(t, n.Configure(text))
			continue
		}
		w.run(text)
	}
	v := &shown{netbox: n, System: sys, git: git, number: number}
	v.Await("NetBox to say that it is in sync", func() bool {
		list := n.ask(http.MethodGet, "/api/plugins/fgd-sync/links/", nil)
		return strings.Contains(list.raw, `"in_sync"`)
	})
	v.proven(47)
}

// walker runs what a page says in a shell, in a folder that has what it speaks of.
type walker struct {
	t        *testing.T
	n        *netbox
	s        *system.System
	folder   string
	binaries system.Binaries
	packages string // where pip installs to
}

// prepare puts into the folder what the page takes to be there: the plugin, a pip of NetBox's environment that leaves
// it as it is, an fgd that speaks with this system, and a systemctl that restarts this NetBox.
func (w *walker) prepare() {
	w.t.Helper()
	root, err := system.Root()
	must(w.t, err)
	plugin := filepath.Join("integrations", "netbox-fgd-sync")
	must(w.t, os.CopyFS(filepath.Join(w.folder, plugin), os.DirFS(filepath.Join(root, plugin))))
	bin := filepath.Join(w.folder, "bin")
	must(w.t, os.MkdirAll(filepath.Join(w.folder, "credentials"), 0o700))
	must(w.t, os.MkdirAll(filepath.Join(w.folder, "opt"), 0o700))
	must(w.t, os.MkdirAll(bin, 0o700))
	for name, script := range map[string]string{
		"fgd": fmt.Sprintf("exec %s \"$@\" --server %s --token-file %s", filepath.Join(string(w.binaries), "fgd"),
			w.s.GRPC, w.s.TokenFile),
		"pip":       fmt.Sprintf("exec %s -m pip \"$@\" --quiet --no-deps --target %s", w.n.Python(), w.packages),
		"systemctl": "touch restarted",
	} {
		path := filepath.Join(bin, name)
		must(w.t, os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	}
}

// run runs commands of the page. Where they restart NetBox, that is done when they have ended.
func (w *walker) run(commands string) {
	w.t.Helper()
	command := exec.CommandContext(w.t.Context(), "bash", "-euo", "pipefail", "-c", commands)
	command.Dir = w.folder
	command.Env = append(w.n.Environment(), "NETBOX="+w.n.URL, "NETBOX_TOKEN="+w.n.Token, "GIT_TOKEN=robot",
		"PATH="+strings.Join([]string{filepath.Join(w.folder, "bin"), filepath.Dir(w.n.Python()), os.Getenv("PATH")}, ":"))
	if out, err := command.CombinedOutput(); err != nil {
		w.t.Fatalf("%s\n%v\n%s", commands, err, out)
	}
	if os.Remove(filepath.Join(w.folder, "restarted")) == nil {
		w.n.StopWorker()
		w.n.StopWeb()
		must(w.t, w.n.StartWorker(w.t.Context()))
		must(w.t, w.n.StartWeb(w.t.Context()))
	}
}

// block is what stands between fences on a page.
type block struct{ language, text string }

// blocks returns those of a page that are commands or Python.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	content, err := os.ReadFile(page)
	must(t, err)
	var all []block
	for _, found := range regexp.MustCompile("(?s)```(sh|python)\n(.*?)```").FindAllStringSubmatch(string(content), -1) {
		all = append(all, block{found[1], found[2]})
	}
	if len(all) == 0 {
		t.Fatalf("%s has nothing to do", page)
	}
	return all
}
