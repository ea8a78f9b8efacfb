// Package console looks at the console in a browser: a running system behind it, a real Git host and a real Chromium.
package console

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"fgdsync.dev/test/browser"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

var (
	axe    = flag.String("axe", "", "the file axe.min.js of axe-core; without it the tests of the console are left out")
	update = flag.Bool("update", false, "make the pictures of the docs anew")
)

const (
	repository = "fabrics.git"
	directory  = "gitops/fabric-1"
)

var programs = sync.OnceValues(func() (system.Binaries, error) {
	folder, err := os.MkdirTemp("", "fgd-console-")
	if err != nil {
		return "", err
	}
	return system.Build(folder)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if *axe != "" {
		if built, err := programs(); err == nil {
			_ = os.RemoveAll(string(built))
		}
	}
	os.Exit(code)
}

// site is a running system with a fabric, and a browser in front of it.
type site struct {
	*system.System
	*browser.Tab

	t   *testing.T
	git *gitserver.Server
}

// newSite starts one, with arguments of fgd up. The fabric has a file that can't be ingested.
func newSite(t *testing.T, args ...string) *site {
	t.Helper()
	return newSiteWith(t, nil, args...)
}

// newSiteWith starts one with an environment, too.
func newSiteWith(t *testing.T, env []string, args ...string) *site {
	t.Helper()
	if *axe == "" {
		t.Skip("make test-console runs it, in a browser")
	}
	built, err := programs()
	must(t, err)
	s := &site{t: t, git: gitserver.Start(t, gitserver.Options{})}
	files := fabric.PreInit(directory)
	files[directory+"/raw/broken.yaml"] = "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata:\n  name: <script>alert(1)</script>\n" +
		"spec:\n  subnets: [\n"
	s.git.Create(t, repository, "main", files)
	s.System = built.Up(t, env, args...)
	s.Tab = browser.Open(t, s.Base)
	return s
}

func (s *site) register() string {
	s.t.Helper()
	var made struct {
		SyncID string `json:"sync_id"`
	}
	s.Call("POST", "/api/v1/fabrics", map[string]any{
		"fabric_id": 1, "name": "fabric-1", "repository_url": s.git.URL(repository), "gitops_directory": directory,
	}, &made)
	return made.SyncID
}

// ends waits until a sync is over, in a state.
func (s *site) ends(sync, state string) {
	s.t.Helper()
	s.System.Await("the end of a sync", func() bool {
		var status system.Status
		s.Call("GET", "/api/v1/syncs/"+sync, nil, &status)
		return status.State == state
	})
}

// signIn signs in with a token.
func (s *site) signIn(token string) {
	s.t.Helper()
	s.Go("/")
	s.Fill("#token", token)
	s.Press("\r")
	s.Sees("Fabrics")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// keep makes a picture of the docs, with -update.
func (s *site) keep(name string) {
	s.t.Helper()
	if picture := s.Photograph(); *update {
		must(s.t, os.WriteFile(filepath.Join("..", "..", "docs", fmt.Sprintf("console-%s.jpg", name)), picture, 0o600))
	}
}

// pressTo presses a key until the focus is at what a selector names: Chromium may let the first keys on a page go.
func (s *site) pressTo(key, selector string) {
	s.t.Helper()
	s.Tab.Await("the focus at "+selector, func() bool {
		if s.IsAt(selector) {
			return true
		}
		s.Press(key)
		return false
	})
}

// awaitPath waits until the browser is at a page.
func (s *site) awaitPath(path string) {
	s.t.Helper()
	s.Tab.Await("the page "+path, func() bool { return s.Path() == path })
}
