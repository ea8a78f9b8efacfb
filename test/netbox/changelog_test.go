package netbox

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// randomChanges is how many changes the change log is read beside.
var randomChanges = flag.Int("changes", 1000, "how many random changes are made, beside those of long transactions")

// logged is an entry of the change log.
type logged struct {
	ID     int       `json:"id"`
	Time   time.Time `json:"time"`
	Action struct {
		Value string `json:"value"`
	} `json:"action"`
	Object string `json:"object_repr"`
}

// what is which change it is, of a server by its name, which NetBox shows with its fabric behind.
func (l logged) what() string {
	name, _, _ := strings.Cut(l.Object, " ")
	return l.Action.Value + " " + name
}

// readLog reads a page of the change log about servers.
func (n *netbox) readLog(query url.Values) (page []logged, count int) {
	n.t.Helper()
	query.Set("changed_object_type", "netbox_hedgehog.server")
	query.Set("fields", "id,time,action,object_repr")
	a := n.ask("GET", "/api/core/object-changes/?"+query.Encode(), nil)
	var said struct {
		Count   int      `json:"count"`
		Results []logged `json:"results"`
	}
	if err := json.Unmarshal([]byte(a.raw), &said); err != nil || a.code != http.StatusOK {
		n.t.Fatalf("%d %.600s", a.code, a.raw)
	}
	return said.Results, said.Count
}

// logFrom reads the change log from a number on, page by page.
func (n *netbox) logFrom(id int) (all []logged) {
	n.t.Helper()
	for {
		page, count := n.readLog(url.Values{
			"ordering": {"id"}, "limit": {"1000"}, "id__gte": {strconv.Itoa(id)},
		})
		all = append(all, page...)
		if len(page) == 0 || count <= len(page) {
			return all
		}
		id = page[len(page)-1].ID + 1
	}
}

// TestTheChangeLog: what can be asked of it, which is what hearing about NetBox needs.
func TestTheChangeLog(t *testing.T) {
	t.Parallel()
	takesLong(t)
	n := start(t)
	fabric := n.fabric("change log")
	var ids []int
	for i := range 5 {
		made := n.must(http.StatusCreated, "POST", "servers/?"+fields, record(fabric, fmt.Sprint("s", i),
			map[string]any{"a": i}))
		ids = append(ids, made.id())
	}
	change := map[string]any{"spec": map[string]any{"a": 9}, "changelog_message": "0123abcd somebody: why"}
	at := fmt.Sprintf("servers/%d/?", ids[0])
	n.must(http.StatusOK, "PATCH", at+fields, change)
	n.must(http.StatusOK, "PATCH", at+fields, change) // nothing is different
	n.must(http.StatusOK, "PATCH", at+"fields=id,kubernetes_status", map[string]any{"kubernetes_status": "live"})
	all := n.logFrom(0)
	if len(all) != 7 || all[5].what() != "update s0" {
		t.Fatalf("%+v", all)
	}
	for name, c := range map[string]struct {
		query url.Values
		want  []int
	}{
		"from a number": {url.Values{"ordering": {"id"}, "id__gte": {strconv.Itoa(all[4].ID)}}, []int{4, 5, 6}},
		"by numbers": {
			url.Values{"ordering": {"id"}, "id": {strconv.Itoa(all[1].ID), strconv.Itoa(all[3].ID)}},
			[]int{1, 3},
		},
		"the newest": {url.Values{"ordering": {"-id"}, "limit": {"1"}}, []int{6}},
		"older":      {url.Values{"ordering": {"id"}, "time_before": {stamp(all[2].Time)}}, []int{0, 1, 2}},
		"newer":      {url.Values{"ordering": {"id"}, "time_after": {stamp(all[5].Time)}}, []int{5, 6}},
	} {
		var want []logged
		for _, i := range c.want {
			want = append(want, all[i])
		}
		if got, _ := n.readLog(c.query); !slices.Equal(got, want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	entry := n.ask("GET", "/api/core/object-changes/?changed_object_type=netbox_hedgehog.server&"+
		"changed_object_type=netbox_hedgehog.vpc&ordering=id&fields=id,time,user_name,request_id,action,"+
		"changed_object_type,changed_object_id,message,prechange_data,postchange_data&id="+strconv.Itoa(all[5].ID), nil)
	checkEntry(t, entry, fabric, ids[0])
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// checkEntry holds how an entry looks that changes a spec.
func checkEntry(t *testing.T, a answer, fabric, id int) {
	t.Helper()
	var said struct {
		Results []struct {
			User    string `json:"user_name"`
			Request string `json:"request_id"`
			Type    string `json:"changed_object_type"`
			ID      int    `json:"changed_object_id"`
			Message string `json:"message"`
			Before  struct {
				Fabric    int            `json:"fabric"`
				Namespace string         `json:"namespace"`
				Name      string         `json:"name"`
				Spec      map[string]any `json:"spec"`
			} `json:"prechange_data"`
			After struct {
				Fabric int            `json:"fabric"`
				Spec   map[string]any `json:"spec"`
			} `json:"postchange_data"`
		} `json:"results"`
	}
	if err := json.Unmarshal([]byte(a.raw), &said); err != nil || len(said.Results) != 1 {
		t.Fatalf("%d %.600s", a.code, a.raw)
	}
	e := said.Results[0]
	if e.User != "admin" || len(e.Request) != 36 || e.Type != "netbox_hedgehog.server" || e.ID != id ||
		e.Message != "0123abcd somebody: why" || e.Before.Fabric != fabric || e.After.Fabric != fabric ||
		e.Before.Namespace != "default" || e.Before.Name != "s0" || e.Before.Spec["a"] != 0.0 || e.After.Spec["a"] != 9.0 {
		t.Errorf("%+v", e)
	}
}

// late is a transaction with a request's changes that is open for some seconds, and then takes effect or not.
const late = `
import time, uuid
from django.contrib.auth import get_user_model
from django.db import transaction
from netbox.context_managers import event_tracking
from netbox_hedgehog.models import HedgehogFabric, Server
from utilities.request import NetBoxFakeRequest
user = get_user_model().objects.get(username="admin")
request = NetBoxFakeRequest({
    "META": {}, "user": user, "id": uuid.uuid4(), "method": "POST", "path": "/", "GET": {}, "POST": {}, "FILES": {},
})
try:
    with event_tracking(request), transaction.atomic():
        for i in range(%d):
            Server(fabric=HedgehogFabric.objects.get(pk=%d), name="late-%d-%%d" %% i, spec={"a": i}).save()
            time.sleep(1)
        if %s:
            raise ZeroDivisionError
except ZeroDivisionError:
    pass
`

// pollWindow and pollPause are those of hearing, made short: a transaction is open for a shorter time than the window.
const (
	pollWindow = 30 * time.Second
	pollPause  = time.Second
)

// TestTheRuleOfTheChangeLog: whoever reads it again from what it had some time ago, and takes each number once, misses
// nothing, though numbers turn up late that are smaller than those that were read.
func TestTheRuleOfTheChangeLog(t *testing.T) {
	t.Parallel()
	takesLong(t)
	n := start(t)
	fabric := n.fabric("rule of the change log")
	var expected counter
	done := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() { n.write(fabric, w, *randomChanges/8, &expected) })
	}
	for i := range 4 {
		writers.Go(func() { n.writeLate(fabric, i, &expected) })
	}
	go func() { writers.Wait(); close(done) }()
	heard, behind, polls := n.poll(done)
	truth := counter{}
	for _, entry := range n.logFrom(0) {
		truth.add(entry.what(), 1)
	}
	if !maps.Equal(heard.times, truth.times) || !maps.Equal(truth.times, expected.times) {
		t.Errorf("heard are %d changes, the log has %d, made were %d: %s", heard.sum(), truth.sum(), expected.sum(),
			heard.differs(&expected))
	}
	if behind == 0 {
		t.Error("no number turned up late, so that nothing was tried")
	}
	t.Logf("%d changes in %d polls; %d turned up behind what was read", heard.sum(), polls, behind)
}

// poll reads the change log by the rule until all is written and read, and returns how many changes turned up behind
// those that had been read.
func (n *netbox) poll(done chan struct{}) (heard *counter, behind, polls int) {
	heard = &counter{}
	type mark struct {
		at time.Time
		id int
	}
	marks, seen, newest := []mark{{time.Now(), 0}}, map[int]bool{}, 0
	pause := time.NewTicker(pollPause)
	defer pause.Stop()
	for last := false; ; polls++ {
		began := time.Now()
		for len(marks) > 1 && marks[1].at.Before(began.Add(-pollWindow)) {
			marks = marks[1:]
		}
		before := newest
		for _, entry := range n.logFrom(marks[0].id) {
			if seen[entry.ID] {
				continue
			}
			if seen[entry.ID] = true; entry.ID < before {
				behind++
			}
			heard.add(entry.what(), 1)
			newest = max(newest, entry.ID)
		}
		marks = append(marks, mark{time.Now(), newest})
		if last {
			return heard, behind, polls
		}
		select {
		case <-done:
			last = true
		case <-pause.C:
		}
	}
}

// writeLate makes changes in a transaction that is open for some seconds; each other one takes no effect.
func (n *netbox) writeLate(fabric, number int, expected *counter) {
	const changes = 5
	aborted := number%2 == 1
	what := map[bool]string{true: "True", false: "False"}[aborted]
	if err := n.Manage(n.t.Context(), nil, "nbshell", "-c",
		fmt.Sprintf(late, changes, fabric, number, what)); err != nil {
		n.t.Error(err)
	}
	for i := range changes {
		if !aborted {
			expected.add(fmt.Sprintf("create late-%d-%d", number, i), 1)
		}
	}
}

// write makes random changes: one by one and many at once, of servers of its own.
func (n *netbox) write(fabric, writer, changes int, expected *counter) {
	random := rand.New(rand.NewPCG(uint64(writer), 1))
	ids, names, last := []int{}, map[int]string{}, 0
	for changes > 0 {
		size := 1
		if random.IntN(3) == 0 {
			size = 1 + random.IntN(10)
		}
		size = min(size, changes)
		switch kind := random.IntN(4); {
		case kind == 0 || len(ids) < 2*size:
			var items []any
			for range size {
				last++
				items = append(items, record(fabric, fmt.Sprintf("w%d-%d", writer, last), map[string]any{"a": last}))
			}
			for _, made := range n.bulk(http.StatusCreated, "POST", items) {
				ids, names[made.ID] = append(ids, made.ID), made.Name
				expected.add("create "+made.Name, 1)
			}
		case kind < 3:
			var items []any
			for i := range size {
				last++
				items = append(items, map[string]any{"id": ids[i], "spec": map[string]any{"a": last}})
			}
			for _, made := range n.bulk(http.StatusOK, "PATCH", items) {
				expected.add("update "+made.Name, 1)
			}
			random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		default:
			var items []any
			for _, id := range ids[:size] {
				items = append(items, map[string]any{"id": id})
				expected.add("delete "+names[id], 1)
			}
			ids = ids[size:]
			n.bulk(http.StatusNoContent, "DELETE", items)
		}
		changes -= size
	}
}

// bulk makes a request about some servers.
func (n *netbox) bulk(code int, method string, items []any) (made []struct {
	ID   int
	Name string
},
) {
	n.t.Helper()
	a := n.ask(method, "/api/plugins/hedgehog/servers/?fields=id,fabric,name,namespace,spec", items)
	if a.code != code {
		n.t.Errorf("%s: %d %.600s", method, a.code, a.raw)
	}
	_ = json.Unmarshal([]byte(a.raw), &made) // a delete is answered with nothing
	return made
}

// counter counts what happens how often.
type counter struct {
	mu    sync.Mutex
	times map[string]int
}

func (c *counter) add(what string, times int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times == nil {
		c.times = map[string]int{}
	}
	c.times[what] += times
}

func (c *counter) sum() (sum int) {
	for _, times := range c.times {
		sum += times
	}
	return sum
}

// differs names something that is not as often there as it should be.
func (c *counter) differs(other *counter) string {
	for _, what := range slices.Sorted(maps.Keys(other.times)) {
		if c.times[what] != other.times[what] {
			return fmt.Sprintf("%q is there %d times, not %d", what, c.times[what], other.times[what])
		}
	}
	return "nothing is missing"
}
