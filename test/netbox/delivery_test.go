package netbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/netbox/lab"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

const (
	repository = "fabrics.git"
	directory  = "gitops/fabric-1"
	fabricPath = "/api/v1/fabrics/1"
	tokenName  = "HEDGEHOG_FGD_NETBOX_LAB"
	author     = "Tester" // of commits that are none of a sync
)

// programs are built once for all tests that need them.
var programs = sync.OnceValues(func() (system.Binaries, error) { //nolint:gochecknoglobals // they take long to build
	folder, err := os.MkdirTemp("", "fgd-netbox-")
	if err != nil {
		return "", err
	}
	built = folder
	return system.Build(folder, "failpoints")
})

// built is the folder of programs; empty when none were needed.
var built string //nolint:gochecknoglobals // TestMain removes it

// shown is a fabric that a NetBox shows.
type shown struct {
	*netbox
	*system.System
	git    *gitserver.Server
	way    *way
	number int // of the fabric in NetBox
}

// show registers the fabric of 48 documents, links it to a NetBox, and waits until all of it is there.
func show(t *testing.T) *shown {
	t.Helper()
	return showBy(t, func(b system.Binaries, env []string) *system.System { return b.Up(t, env) })
}

// showBy is show for a system that is started by a function.
func showBy(t *testing.T, up func(b system.Binaries, env []string) *system.System) *shown {
	t.Helper()
	needLab(t)
	binaries, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	n := start(t)
	w := wayTo(t, n.URL)
	address := w.address()
	s := &shown{netbox: n, way: w, git: gitserver.Start(t, gitserver.Options{}), number: n.fabric("fabric-1")}
	s.git.Create(t, repository, "main", fabric.PreInit(directory))
	s.System = up(binaries, []string{
		tokenName + "=" + n.Token, tokenName + "_HOSTS=" + address, "HEDGEHOG_FGD_ALLOW_HTTP=true",
		"HEDGEHOG_FGD_ALLOWED_PRIVATE_NETWORKS=127.0.0.0/8",
	})
	var accepted system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", map[string]any{
		"fabric_id": 1, "name": "fabric-1", "repository_url": s.git.URL(repository), "branch": "main",
		"gitops_directory": directory, "sync_interval_seconds": 0,
		"netbox": map[string]any{
			"url": "http://" + address, "fabric": s.number, "token_ref": "env:" + tokenName,
		},
	}, &accepted)
	if status := s.Ended(accepted.SyncID); status.State != "completed" || status.Result.ResourcesTotal != 47 {
		t.Fatalf("%+v", status)
	}
	s.proven(47)
	s.Await("the fabric's own record to say so", func() bool {
		return n.must(http.StatusOK, "GET", fmt.Sprintf("fabrics/%d/?%s", s.number, fabricFields), nil).
			fields["sync_status"] == "in_sync"
	})
	return s
}

// standing is how the delivery of a fabric is.
type standing struct {
	Proven, Pending, Undeliverable, Held, Merging int
	WantedCommit                                  string `json:"wanted_commit"`
	ComparedAt                                    string `json:"compared_at"`
	ProvenCommit                                  string `json:"proven_commit"`
	Problem                                       string
}

func (s *shown) delivery() standing {
	s.t().Helper()
	var answer struct{ Delivery standing }
	s.Call(http.MethodGet, fabricPath+"/receipts?limit=1", nil, &answer)
	return answer.Delivery
}

func (s *shown) t() *testing.T { return s.netbox.t }

// proven waits until so many records are proven, and none is not.
func (s *shown) proven(records int) {
	s.t().Helper()
	var last standing
	s.Await(fmt.Sprintf("%d records to be proven", records), func() bool {
		last = s.delivery()
		return last.Proven == records && last.ProvenCommit != "" && last.ProvenCommit == last.WantedCommit &&
			last.Pending+last.Undeliverable+last.Held+last.Merging == 0 &&
			last.WantedCommit == s.git.Head(s.t(), repository, "main")
	})
}

// sync has the fabric synced, and waits for its end.
func (s *shown) sync() {
	s.t().Helper()
	var started system.Accepted
	s.Call(http.MethodPost, fabricPath+"/syncs", map[string]any{}, &started)
	if status := s.Ended(started.SyncID); status.State != "completed" {
		s.t().Fatalf("%+v", status)
	}
}

// edit changes a managed file as somebody else than the system, and syncs.
func (s *shown) edit(message, path string, change func(string) string) {
	s.t().Helper()
	files := s.git.Files(s.t(), repository, "main")
	content, there := files[directory+"/managed/"+path]
	if !there {
		s.t().Fatalf("there is no %s", path)
	}
	s.git.CommitSaying(s.t(), repository, "main", message, map[string]string{
		directory + "/managed/" + path: change(content),
	})
	s.sync()
}

// entry is one of NetBox's change log.
type entry struct {
	ID      int
	Message string
	Action  struct{ Value string }
	Type    string `json:"changed_object_type"`
}

// changes returns what the change log has of the plugin's records, the oldest first of each kind.
func (n *netbox) changes() []entry {
	n.t.Helper()
	var all []entry
	for _, model := range []string{
		"vpc", "server", "switch", "switchgroup", "connection", "vlannamespace", "ipv4namespace", "hedgehogfabric",
	} {
		all = append(all, n.changesOf(model)...)
	}
	return all
}

// changesOf returns those of a kind, page by page.
func (n *netbox) changesOf(model string) []entry {
	n.t.Helper()
	var all []entry
	for {
		a := n.ask(http.MethodGet, fmt.Sprintf("/api/core/object-changes/?ordering=id&limit=1000&offset=%d"+
			"&changed_object_type=netbox_hedgehog.%s&fields=id,message,action,changed_object_type", len(all), model), nil)
		if a.code != http.StatusOK {
			n.t.Fatalf("the change log: %d %.300s", a.code, a.raw)
		}
		var page struct {
			Count   int
			Results []entry
		}
		if err := json.Unmarshal([]byte(a.raw), &page); err != nil {
			n.t.Fatal(err)
		}
		if all = append(all, page.Results...); len(all) >= page.Count || len(page.Results) == 0 {
			return all
		}
	}
}

// since returns the changes of records after those that there were.
func (n *netbox) since(before []entry) []entry {
	n.t.Helper()
	known := map[int]bool{}
	for _, c := range before {
		known[c.ID] = true
	}
	var later []entry
	for _, c := range n.changes() {
		if !known[c.ID] && c.Type != "netbox_hedgehog.hedgehogfabric" {
			later = append(later, c)
		}
	}
	return later
}

// TestDelivery: the 48 documents are 47 records, each made once; a sync that changes nothing writes nothing; a change
// of a file changes one record, in the name of who made it; a file that goes takes its record along.
func TestDelivery(t *testing.T) {
	t.Parallel()
	s := show(t)
	before := s.changes()
	made := 0
	for _, c := range before {
		if c.Action.Value == "create" && c.Type != "netbox_hedgehog.hedgehogfabric" {
			made++
		}
	}
	if made != 47 || len(before) > 47+2 { // and the fabric, which was made and told how it stands
		t.Errorf("%d records were made by %d changes", made, len(before))
	}
	sent := s.hooked("a secret of the lab", []string{
		"netbox_hedgehog.vpc", "netbox_hedgehog.server", "netbox_hedgehog.switch", "netbox_hedgehog.connection",
	})
	s.sync()
	s.sync()
	if again := s.changes(); len(again) != len(before) {
		t.Errorf("syncs that change nothing made %d changes", len(again)-len(before))
	}
	s.edit("Another VLAN for extra", "vpcs/extra.yaml", func(content string) string {
		return strings.Replace(content, "vlan: 1", "vlan: 999 # was 1", 1)
	})
	s.proven(47)
	if changed := s.since(before); len(changed) != 1 || changed[0].Action.Value != "update" ||
		!strings.Contains(changed[0].Message, author) || !strings.Contains(changed[0].Message, "Another VLAN") {
		t.Errorf("a change made %+v", changed)
	}
	if said := (<-sent).says(t); !strings.HasPrefix(said, "extra updated") {
		t.Errorf("the first webhook says %q", said)
	}
	before = s.changes()
	s.git.Import(t, repository, "main", "D "+directory+"/managed/vpcs/extra.yaml\n")
	s.sync()
	s.proven(46)
	if changed := s.since(before); len(changed) != 1 || changed[0].Action.Value != "delete" {
		t.Errorf("a file that goes made %+v", changed)
	}
}

// TestDeliveryInTrouble: whatever is away or answers nonsense, nothing is lost and nothing is written twice.
func TestDeliveryInTrouble(t *testing.T) {
	t.Parallel()
	takesLong(t)
	s := show(t)
	vlan := 1000
	for name, trouble := range map[string]struct{ begin, end func() }{
		"the web is away": {s.StopWeb, func() { must(t, s.StartWeb(t.Context())) }},
		"its queue is away": {
			s.Tasks.Kill, func() { must(t, s.Tasks.Restart(t.Context())) },
		},
		"its worker is away": {s.StopWorker, func() { must(t, s.StartWorker(t.Context())) }},
		"HTML is answered":   {func() { s.way.answer(http.StatusOK, "<h1>Welcome</h1>") }, func() { s.way.answer(0, "") }},
		"done and a 500": {
			func() { s.way.after(http.StatusInternalServerError) }, func() { s.way.after(0) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.changes()
			trouble.begin()
			vlan++
			s.edit("In trouble", "vpcs/extra.yaml", func(content string) string {
				head, _, _ := strings.Cut(content, "vlan: ")
				return head + fmt.Sprintf("vlan: %d\n", vlan)
			})
			s.Await("it to be noticed, or not to matter", func() bool {
				d := s.delivery()
				return d.WantedCommit == s.git.Head(t, repository, "main") && (d.Problem != "" || d.Pending == 0)
			})
			trouble.end()
			s.proven(47)
			if changed := s.since(before); len(changed) != 1 {
				t.Errorf("it made %+v", changed)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestPeopleEditRecords: where changes go from Git to NetBox alone, what somebody changes in NetBox is heard within
// seconds and not overwritten, and is listed with who it was, until it is given up.
func TestPeopleEditRecords(t *testing.T) {
	t.Parallel()
	takesLong(t)
	s := show(t)
	oneWay := map[string]any{"netbox": map[string]any{"direction": "git_to_netbox"}}
	s.Call(http.MethodPatch, fabricPath, oneWay, &struct{}{})
	s.Await("all to be compared, from when on changes are heard", func() bool { return s.delivery().ComparedAt != "" })
	var found struct{ Results []struct{ ID int } }
	list := s.ask(http.MethodGet, "/api/plugins/hedgehog/vpcs/?ordering=id&limit=1&fields=id", nil)
	must(t, json.Unmarshal([]byte(list.raw), &found))
	vpc := fmt.Sprintf("vpcs/%d/?%s", found.Results[0].ID, fields)
	s.must(http.StatusOK, "PATCH", vpc, map[string]any{"spec": map[string]any{"mode": "l3vni"}})
	var held struct {
		Receipts []struct {
			Name    string
			Problem struct{ Reason, User, Remedy string }
		}
	}
	s.Await("the change to be heard", func() bool {
		s.Call(http.MethodGet, fabricPath+"/receipts?state=held", nil, &held)
		return len(held.Receipts) == 1 && held.Receipts[0].Problem.User != ""
	})
	if p := held.Receipts[0].Problem; p.Reason != "changed_in_netbox" || p.User != lab.User || p.Remedy == "" {
		t.Errorf("%+v", held.Receipts[0])
	}
	s.sync()
	if spec := s.must(http.StatusOK, "GET", vpc, nil).fields["spec"]; fmt.Sprint(spec) != "map[mode:l3vni]" {
		t.Errorf("it was overwritten: %v", spec)
	}
	s.Call(http.MethodPost, fabricPath+"/receipts:deliver", map[string]any{"overwrite": true}, &struct{}{})
	s.proven(47)
	if spec := s.must(http.StatusOK, "GET", vpc, nil).fields["spec"]; fmt.Sprint(spec) == "map[mode:l3vni]" {
		t.Error("it was not given up")
	}
}
