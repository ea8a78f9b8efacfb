package netbox

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"testing"
)

// toldInOrder: what is committed later than what began after it is told before that, so that nothing appears behind the
// cursor. What is given up is not told.
func (n *netbox) toldInOrder(shell *console) {
	fabric := n.fabric("feed-order")
	r := n.reader()
	for _, end := range []string{"None, None, None", "ZeroDivisionError, ZeroDivisionError(), None"} {
		shell.run(`
opened = transaction.atomic()
opened.__enter__()
Switch(fabric_id=%d, name="first", spec={"a": 1}).save()`, fabric)
		n.must(http.StatusCreated, "POST", "vpcs/?"+fields, record(fabric, "second", map[string]any{"a": 1}))
		held := r.page(0)
		if len(held.Results) != 0 || held.Blocked == nil {
			n.t.Errorf("with a transaction open are told %q, held back since %v", briefs(held.Results), held.Blocked)
		}
		began := shell.run(`
with connections["default"].cursor() as cursor:
    cursor.execute("SELECT extract(epoch FROM now())::float")
    (result,) = cursor.fetchone()`)
		// It may be another one that is older: whatever runs in the cluster counts.
		if since, _ := began.(float64); held.Blocked != nil && held.Blocked.Unix() > int64(since) {
			n.t.Errorf("it is held back since %v, not %v", held.Blocked, began)
		}
		shell.run(`opened.__exit__(%s)`, end)
		got := r.all()
		if end == "None, None, None" {
			told(n.t, got, "Switch default/first created", "VPC default/second created")
			shell.run(`Switch.objects.get(fabric_id=%d).delete()`, fabric)
		} else {
			told(n.t, got, "VPC default/second created")
		}
		shell.run(`VPC.objects.get(fabric_id=%d).delete()`, fabric)
		r.all()
	}
}

// toldOvertaken: what a transaction changes after another one, which began after it and has ended, is told before that.
// So what the other one did is marked as superseded.
func (n *netbox) toldOvertaken(shell *console) {
	fabric := n.fabric("feed-overtaken")
	made := n.must(http.StatusCreated, "POST", "switches/?"+fields, record(fabric, "both", map[string]any{"a": 1}))
	r := n.reader()
	shell.run(`
opened = transaction.atomic()
opened.__enter__()
Switch(fabric_id=%d, name="began", spec={"a": 1}).save()`, fabric)
	n.must(http.StatusOK, "PATCH", fmt.Sprintf("switches/%d/?%s", made.id(), fields),
		map[string]any{"spec": map[string]any{"a": 2}})
	shell.run(`
switch = Switch.objects.get(pk=%d)
switch.spec["a"] += 1
switch.save()
opened.__exit__(None, None, None)`, made.id())
	got := r.all()
	told(n.t, got, "Switch default/began created", "Switch default/both updated", "Switch default/both updated")
	for i, want := range []any{1.0, 3.0, 2.0} {
		spec, _ := got[i].Content["spec"].(map[string]any)
		if superseded := want == 2.0; spec["a"] != want || got[i].Superseded != superseded {
			n.t.Errorf("the change with number %d is to %v, superseded: %t", i, spec, got[i].Superseded)
		}
	}
	if got[1].ID < got[2].ID {
		n.t.Error("the later one has the lower id")
	}
}

// toldAtOnce: who waits is answered when something happens, and otherwise when the time is over.
func (n *netbox) toldAtOnce(*console) {
	fabric := n.fabric("feed-wait")
	r := n.reader()
	made := make(chan answer)
	go func() {
		made <- n.call("POST", "vpcs/?"+fields, record(fabric, "awaited", map[string]any{"a": 1}))
	}()
	told(n.t, r.page(25).Results, "VPC default/awaited created")
	if a := <-made; a.code != http.StatusCreated {
		n.t.Errorf("%d %s", a.code, a.raw)
	}
	r.all()
	if p := r.page(1); len(p.Results) != 0 {
		n.t.Errorf("nothing happened, and %q is told", briefs(p.Results))
	}
}

// writers change some records in transactions of a few changes each, all at once. Some give up, and some are made to by
// the database, because they wait for each other.
const writers = `
import random, threading
from django.db.utils import DatabaseError
done, threads = [], []
def write(seed, transactions):
    chance = random.Random(seed)
    for i in range(transactions):
        changed = 0
        try:
            with transaction.atomic():
                names = ["w-%%d" %% chance.randrange(40) for j in range(chance.randint(1, 5))]
                if chance.random() < 0.97: # or the database finds out after a second that they wait for each other
                    names.sort()
                for j, name in enumerate(names):
                    switch = Switch.objects.filter(fabric_id=%[1]d, name=name).first()
                    if switch and chance.random() < 0.3:
                        changed += switch.delete()[0] > 0
                        continue
                    switch = switch or Switch(fabric_id=%[1]d, name=name)
                    switch.spec = {"of": [seed, i, j]}
                    switch.save(force_update=switch.pk is not None)
                    changed += 1
                if chance.random() < 0.2:
                    raise DatabaseError("given up")
        except DatabaseError:
            continue
        done.append(changed)
    connections.close_all()
for seed in range(8):
    threads.append(threading.Thread(target=write, args=(seed, %[2]d)))
    threads[-1].start()`

// TestFeedMissesNothing: who reads while many write gets every change once, and each record's in their order.
func TestFeedMissesNothing(t *testing.T) {
	t.Parallel()
	takesLong(t)
	n := start(t)
	fabric := n.fabric("writers")
	r := n.reader()
	shell := n.console()
	const transactions = 60 // of each of 8
	shell.run(writers, fabric, transactions)
	var changes []heard
	for shell.run(`result = any(t.is_alive() for t in threads)`) == true {
		p := r.page(1)
		changes, r.cursor = append(changes, p.Results...), p.Cursor
	}
	changes = append(changes, r.all()...)
	count := shell.run(`result = sum(done)`)
	t.Logf("%v changes", count)
	if float64(len(changes)) != count {
		t.Errorf("%v changes were made, and %d told", count, len(changes))
	}
	told, seen := map[int]heard{}, map[string]bool{}
	for _, c := range changes {
		if seen[c.Cursor] {
			t.Errorf("%s is told twice", c.Cursor)
		}
		seen[c.Cursor] = true
		if c.Superseded {
			continue
		}
		// By number: one of the same name may have been made before this one's deletion is told.
		if told[c.ObjectID] = c; c.Action == "deleted" {
			delete(told, c.ObjectID)
		}
	}
	said, is := map[string]any{}, map[string]any{}
	for _, c := range told {
		said[c.Name] = c.Content["spec"]
	}
	list := n.must(http.StatusOK, "GET", "switches/?ordering=id&limit=1000&"+fields, nil)
	results, _ := list.fields["results"].([]any)
	for _, result := range results {
		found, _ := result.(map[string]any)
		is[fmt.Sprint(found["name"])] = found["spec"]
	}
	if !maps.EqualFunc(said, is, func(a, b any) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("by what was told there are %v, and there are %v", said, is)
	}
}
