package netbox

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/test/system"
)

// edits is how many there are while NetBox is away, and every how often: together that is longer than anything is
// remembered for.
const (
	edits = 24
	every = 3 * time.Minute
)

// ahead is a file that says how far the clock of a bridge is ahead.
type ahead string

func (a ahead) put(t *testing.T, by time.Duration) {
	t.Helper()
	must(t, os.WriteFile(string(a)+".new", []byte(by.String()), 0o600))
	must(t, os.Rename(string(a)+".new", string(a)))
}

// variable has a bridge read the file.
func (a ahead) variable() string { return "FGD_CLOCK_AHEAD=" + string(a) }

// saying replaces what the first line that begins with some words says after them.
func saying(content, begin, says string) string {
	lines := strings.Split(content, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), begin) {
			lines[i] = line[:strings.Index(line, begin)] + begin + says
			break
		}
	}
	return strings.Join(lines, "\n")
}

// TestNetBoxIsStoppedForAnHour by the clock of the bridge, and edits go on in Git. When it was stopped, a
// record had just been deleted, and another one changed of which no answer came. When it is back, nothing is lost, and
// nothing is written twice: each record that has changed meanwhile has one entry in the change log.
func TestNetBoxIsStoppedForAnHour(t *testing.T) {
	t.Parallel()
	takesLong(t)
	clock := ahead(filepath.Join(t.TempDir(), "ahead"))
	clock.put(t, 0)
	s := showBy(t, func(b system.Binaries, env []string) *system.System {
		up := b.Five(t, system.Redis(t).URL(), env)
		up.Processes["bridge"].Stop()
		up.Restart("bridge", clock.variable())
		up.AwaitReady()
		return up
	})
	s.Await("all to be compared, from when on changes are heard", func() bool { return s.delivery().ComparedAt != "" })
	managed := directory + "/managed/"
	s.git.Import(t, repository, "main", "D "+managed+"servers/server-1-3.yaml\nD "+managed+
		"connections/server-1-3--unbundled--leaf-1-a.yaml\n")
	s.sync()
	s.proven(45)
	s.way.lose("/vpcs/")
	vlan := func(number int) func(string) string {
		return func(content string) string { return saying(content, "vlan: ", fmt.Sprint(number)) }
	}
	s.edit("Nobody hears that it is done", "vpcs/extra.yaml", vlan(1000))
	s.Await("the answer to be lost", s.way.isCut)
	before := s.changes()
	s.StopWeb()
	s.way.lose("")
	changed := map[string]bool{}
	later := func(by time.Duration) {
		clock.put(t, by)
		s.Await("the bridge to have asked which tokens are taken, for it thinks that this was long ago", func() bool {
			code, _ := s.Try(http.MethodGet, fabricPath, nil)
			return code == http.StatusOK
		})
	}
	for i := range edits {
		later(time.Duration(i+1) * every)
		path := fmt.Sprintf("servers/server-%d-%d.yaml", 1+i%4/2, i%3)
		if i%2 == 0 {
			path = "vpcs/extra.yaml"
		}
		changed[path] = true
		s.edit(fmt.Sprint("Edit ", i), path, func(content string) string {
			if path == "vpcs/extra.yaml" {
				return vlan(1001 + i)(content)
			}
			return saying(content, "description: ", fmt.Sprint("edit ", i))
		})
	}
	defer s.unproven(t)
	s.Await("somebody to say that NetBox is away", func() bool { return s.delivery().Problem != "" })
	must(t, s.StartWeb(t.Context()))
	s.Await("NetBox to be asked again: now, as by itself that may take one and a half minutes", func() bool {
		s.sync()
		return s.delivery().Problem == ""
	})
	s.Await("what had no answer to wait for who has done it", func() bool { return s.delivery().Pending == 0 })
	later((edits + 1) * every) // nobody tells within a minute: it was ours
	s.sync()
	s.proven(45)
	entries := s.since(before)
	if len(entries) != len(changed) {
		t.Errorf("%d changes of %v: %+v", len(entries), slices.Sorted(maps.Keys(changed)), entries)
	}
	for _, c := range entries {
		if c.Action.Value != "update" {
			t.Errorf("%+v", c)
		}
	}
	s.sync()
	s.proven(45)
	if again := s.since(before); len(again) != len(entries) {
		t.Errorf("afterwards it makes %+v", again)
	}
}

// unproven logs which receipts are not proven, where the test fails.
func (s *shown) unproven(t *testing.T) {
	t.Helper()
	if !t.Failed() {
		return
	}
	for _, state := range []string{"pending", "undeliverable", "held"} {
		_, raw := s.Try(http.MethodGet, fabricPath+"/receipts?state="+state, nil)
		t.Logf("%s: %s", state, raw)
	}
}
