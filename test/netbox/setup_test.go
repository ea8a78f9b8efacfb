package netbox

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/test/netbox/lab"
	"fgdsync.dev/test/system"
)

// setUp is a NetBox, and a system that sets it up.
type setUp struct {
	*netbox
	*system.System
	t      *testing.T
	url    string // of NetBox
	folder string // of references
}

func newSetUp(t *testing.T) *setUp {
	t.Helper()
	needLab(t)
	binaries, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	n := start(t)
	s := &setUp{netbox: n, t: t, url: n.URL, folder: t.TempDir()}
	s.System = binaries.Up(t, []string{
		"HEDGEHOG_FGD_CREDENTIALS_DIR=" + s.folder, "HEDGEHOG_FGD_ALLOW_HTTP=true",
		"HEDGEHOG_FGD_ALLOWED_PRIVATE_NETWORKS=127.0.0.0/8",
	})
	return s
}

// made is what the system answers when it has set a NetBox up, or taken that back.
type made struct {
	Objects []struct{ Type, Name, Action string }
	Token   string
}

// all reports whether something was done with each object.
func (m made) all(action string) bool {
	for _, o := range m.Objects {
		if o.Action != action {
			return false
		}
	}
	return len(m.Objects) > 0
}

func (s *setUp) do(what string) (answer made) {
	s.t.Helper()
	body := map[string]any{"url": s.url, "admin_token": s.netbox.Token}
	if what == "setUp" {
		body["allowed_networks"] = []string{"127.0.0.0/8"}
		body["webhook_address"] = "https://fgd.example.com"
	}
	s.Call(http.MethodPost, "/api/v1/netbox:"+what, body, &answer)
	return answer
}

// counts are how many objects there are of each kind that is made.
func (s *setUp) counts() string {
	s.t.Helper()
	var counts []string
	for _, path := range []string{
		"users/users", "users/permissions", "users/tokens", "extras/webhooks", "extras/event-rules",
	} {
		counts = append(counts, fmt.Sprint(path, " ", s.ask("GET", "/api/"+path+"/?limit=1", nil).fields["count"]))
	}
	return strings.Join(counts, ", ")
}

// TestSetUp: what is made suffices for delivery and for nothing else, making it again changes nothing, and nothing of
// it is left when it is removed.
func TestSetUp(t *testing.T) {
	t.Parallel()
	takesLong(t)
	s := newSetUp(t)
	fabric := s.fabric("set up")
	before := s.counts()
	done := s.do("setUp")
	if !done.all("created") || done.Token == "" {
		t.Errorf("at first %+v", done.Objects)
	}
	if again := s.do("setUp"); !again.all("unchanged") || again.Token != "" {
		t.Errorf("again %+v", again.Objects)
	}
	s.checked(done.Token)
	own := &netbox{&lab.NetBox{URL: s.url, Token: "Bearer " + done.Token}, t}
	own.does(fabric)
	own.doesNot(fabric)
	if gone := s.do("remove"); !gone.all("removed") {
		t.Errorf("removed %+v", gone.Objects)
	}
	if after := s.counts(); after != before {
		t.Errorf("there were %s, and are %s", before, after)
	}
	if a := own.ask("GET", "/api/status/", nil); a.code != http.StatusForbidden {
		t.Errorf("the token is still taken: %d", a.code)
	}
}

// checked looks at NetBox with the token.
func (s *setUp) checked(token string) {
	t := s.t
	t.Helper()
	for name, content := range map[string]string{
		"netbox": token, "netbox.hosts": strings.TrimPrefix(s.url, "http://"),
	} {
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var found struct {
		OK      bool `json:"ok"`
		Version string
		Checks  []struct{ Name, Status, Message string }
	}
	begun := time.Now()
	s.Call(http.MethodPost, "/api/v1/netbox:check", map[string]any{"url": s.url, "token_ref": "file:netbox"}, &found)
	t.Logf("a check takes %s", time.Since(begun).Round(time.Millisecond))
	if !found.OK || found.Version != shared.Version {
		t.Errorf("looked at: %+v", found)
	}
}

// does makes, changes and deletes a record, and says at a fabric how its syncs are.
func (n *netbox) does(fabric int) {
	n.t.Helper()
	made := n.must(http.StatusCreated, "POST", "servers/?"+fields, record(fabric, "own", map[string]any{"a": 1}))
	at := fmt.Sprintf("servers/%d/?%s", made.id(), fields)
	n.must(http.StatusOK, "PATCH", at, map[string]any{"spec": map[string]any{"a": 2}})
	n.must(http.StatusNoContent, "DELETE", at, nil)
	n.must(http.StatusOK, "PATCH", fmt.Sprintf("fabrics/%d/?%s", fabric, fabricFields), map[string]any{
		"sync_status": "in_sync",
	})
	if a := n.ask("GET", "/api/core/object-changes/?limit=1&fields=id", nil); a.code != http.StatusOK {
		n.t.Errorf("the change log: %d %s", a.code, a.raw)
	}
}

// doesNot tries what is not needed.
func (n *netbox) doesNot(fabric int) {
	n.t.Helper()
	n.must(http.StatusForbidden, "POST", "fabrics/?"+fabricFields, map[string]any{"name": "another"})
	n.must(http.StatusForbidden, "DELETE", fmt.Sprintf("fabrics/%d/?%s", fabric, fabricFields), nil)
	for _, path := range []string{
		"users/users", "users/groups", "users/permissions", "extras/webhooks", "extras/event-rules", "extras/tags",
		"dcim/sites", "dcim/devices", "ipam/prefixes", "core/data-sources", "core/jobs",
	} {
		for _, method := range []string{"GET", "POST"} {
			if a := n.ask(method, "/api/"+path+"/", map[string]any{}); a.code < 400 || a.code == http.StatusBadRequest {
				n.t.Errorf("%s %s: %d %.200s", method, path, a.code, a.raw)
			}
		}
	}
}
