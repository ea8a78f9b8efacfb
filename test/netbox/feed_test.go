package netbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/test/netbox/lab"
)

// TestFeed: what is done to records in NetBox is told, however it is done, and nothing else is.
func TestFeed(t *testing.T) {
	t.Parallel()
	takesLong(t)
	n := start(t)
	shell := n.console()
	for _, c := range []struct {
		name  string
		holds func(*netbox, *console)
	}{
		{"by REST", (*netbox).toldByREST},
		{"in bulk", (*netbox).toldInBulk},
		{"in a form", (*netbox).toldInForm},
		{"in the shell", (*netbox).toldInShell},
		{"a cascade", (*netbox).toldCascade},
		{"rolled back", (*netbox).notRolledBack},
		{"nothing changed", (*netbox).notUnchanged},
		{"out of order", (*netbox).toldInOrder},
		{"overtaken", (*netbox).toldOvertaken},
		{"as it is stored", (*netbox).toldAsStored},
		{"a branch", (*netbox).toldBranch},
		{"at once", (*netbox).toldAtOnce},
		{"no secrets", (*netbox).noSecrets},
		{"rights", (*netbox).toldWithRights},
		{"cursors", (*netbox).cursors},
		{"plain role", (*netbox).asPlainRole},
		{"cost", (*netbox).cost},
		{"pruned", (*netbox).toldThatPruned},
		{"restored", (*netbox).toldThatRestored},
		{"migrations", (*netbox).migrated},
	} {
		t.Run(c.name, func(t *testing.T) {
			shell.t = t
			c.holds(&netbox{n.NetBox, t}, shell)
		})
	}
}

// told checks what the feed told.
func told(t *testing.T, got []heard, want ...string) {
	t.Helper()
	if !slices.Equal(briefs(got), want) {
		t.Fatalf("told %q, not %q", briefs(got), want)
	}
}

// toldByREST: who, by which request, and what came of it.
func (n *netbox) toldByREST(*console) {
	fabric := n.fabric("feed-rest")
	r := n.reader()
	made := n.must(http.StatusCreated, "POST", "vpcs/?"+fields, record(fabric, "vpc-1", map[string]any{"a": 1}))
	one := fmt.Sprintf("vpcs/%d/", made.id())
	changed := n.must(http.StatusOK, "PATCH", one+"?"+fields, map[string]any{"spec": map[string]any{"a": 2}})
	n.must(http.StatusOK, "PATCH", one+"?"+fields, map[string]any{"name": "vpc-2", "labels": map[string]any{"l": "m"}})
	gone := n.must(http.StatusNoContent, "DELETE", one, nil)
	got := r.all()
	told(n.t, got, "VPC default/vpc-1 created", "VPC default/vpc-1 updated", "VPC default/vpc-2 updated",
		"VPC default/vpc-2 deleted")
	for i, from := range map[int]answer{0: made, 1: changed, 3: gone} {
		c := got[i]
		if c.RequestID == nil || *c.RequestID != from.header.Get("X-Request-Id") {
			n.t.Errorf("%s is not of its request: %v", c.brief(), c.RequestID)
		}
		if c.User == nil || c.User.Name != lab.User || c.User.Email != lab.User+"@example.com" {
			n.t.Errorf("%s is not of who did it: %v", c.brief(), c.User)
		}
		if c.Fabric != fabric || c.ObjectID != made.id() || c.ObjectType != "netbox_hedgehog.vpc" || c.Branch != nil {
			n.t.Errorf("%s is of something else: %+v", c.brief(), c)
		}
	}
	want := map[string]any{
		"spec": map[string]any{"a": 2.0}, "labels": map[string]any{"l": "m"}, "annotations": map[string]any{},
		"auto_sync": true,
	}
	if !reflect.DeepEqual(got[3].Content, want) {
		n.t.Errorf("deleted was %v", got[3].Content)
	}
}

// toldInBulk: each record by itself.
func (n *netbox) toldInBulk(*console) {
	fabric := n.fabric("feed-bulk")
	r := n.reader()
	list := n.must(http.StatusCreated, "POST", "switches/?"+fields, []any{
		record(fabric, "s-1", map[string]any{"a": 1}), record(fabric, "s-2", map[string]any{"a": 1}),
	})
	var made []struct{ ID int }
	if err := json.Unmarshal([]byte(list.raw), &made); err != nil {
		n.t.Fatal(err)
	}
	n.must(http.StatusOK, "PATCH", "switches/?"+fields, []any{
		map[string]any{"id": made[0].ID, "spec": map[string]any{"a": 2}},
		map[string]any{"id": made[1].ID, "spec": map[string]any{"a": 1}},
	})
	n.must(http.StatusBadRequest, "PATCH", "switches/?"+fields, []any{
		map[string]any{"id": made[0].ID, "spec": map[string]any{"a": 3}}, map[string]any{"id": made[1].ID, "name": "A.B"},
	})
	n.must(http.StatusNoContent, "DELETE", "switches/", []any{
		map[string]any{"id": made[0].ID}, map[string]any{"id": made[1].ID},
	})
	got := r.all()
	told(n.t, got[:3], "Switch default/s-1 created", "Switch default/s-2 created", "Switch default/s-1 updated")
	deleted := briefs(got[3:])
	slices.Sort(deleted)
	if !slices.Equal(deleted, []string{"Switch default/s-1 deleted", "Switch default/s-2 deleted"}) {
		n.t.Errorf("told %q", deleted)
	}
}

// toldInForm: what people do on a page.
func (n *netbox) toldInForm(*console) {
	fabric := n.fabric("feed-form")
	made := n.must(http.StatusCreated, "POST", "servers/?"+fields, record(fabric, "by-hand", map[string]any{"a": 1}))
	r := n.reader()
	page := n.login()
	page.submit(fmt.Sprintf("/plugins/hedgehog/servers/%d/edit/", made.id()), map[string]string{
		"fabric": fmt.Sprint(fabric), "name": "by-hand", "namespace": "default", "spec": `{"a": "by hand"}`, "labels": "{}",
		"annotations": "{}", "auto_sync": "on",
	})
	got := r.all()
	told(n.t, got, "Server default/by-hand updated")
	if got[0].User == nil || got[0].User.Name != lab.User || got[0].RequestID == nil {
		n.t.Errorf("it is not of who did it: %+v", got[0])
	}
	if !reflect.DeepEqual(got[0].Content["spec"], map[string]any{"a": "by hand"}) {
		n.t.Errorf("it is %v", got[0].Content)
	}
}

// toldInShell: what has no request, of which NetBox keeps no change log and makes no event.
func (n *netbox) toldInShell(shell *console) {
	fabric := n.fabric("feed-shell")
	r := n.reader()
	shell.run(`
s = Switch(fabric_id=%d, name="shell", spec={"a": 1})
s.save()
s.spec["a"] = 2
s.save()
Switch.objects.filter(pk=s.pk).delete()`, fabric)
	got := r.all()
	told(n.t, got, "Switch default/shell created", "Switch default/shell updated", "Switch default/shell deleted")
	for _, c := range got {
		if c.User != nil || c.RequestID != nil {
			n.t.Errorf("%s is of somebody: %+v", c.brief(), c)
		}
	}
}

// toldCascade (Q8): with a fabric go its records, and each of them is told.
func (n *netbox) toldCascade(shell *console) {
	fabric := n.fabric("feed-cascade")
	want := []string{"HedgehogFabric /feed-cascade deleted"}
	for _, kind := range append(whole(), misnamed()...) {
		for _, name := range []string{"a", "b"} {
			n.must(http.StatusCreated, "POST", kind+"/?"+fields, record(fabric, name, map[string]any{"a": 1}))
		}
	}
	for _, kind := range strings.Fields("Connection External ExternalAttachment ExternalPeering IPv4Namespace Server Switch " +
		"SwitchGroup VLANNamespace VPC VPCAttachment VPCPeering") {
		want = append(want, kind+" default/a deleted", kind+" default/b deleted")
	}
	r := n.reader()
	shell.run(`HedgehogFabric.objects.get(pk=%d).delete()`, fabric)
	got := briefs(r.all())
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		n.t.Errorf("told %q, not %q", got, want)
	}
}

// notRolledBack: what did not happen.
func (n *netbox) notRolledBack(shell *console) {
	fabric := n.fabric("feed-rollback")
	r := n.reader()
	shell.run(`
try:
    with transaction.atomic():
        Switch(fabric_id=%d, name="undone", spec={"a": 1}).save()
        raise ZeroDivisionError
except ZeroDivisionError:
    pass
with transaction.atomic():
    try:
        with transaction.atomic():
            Switch(fabric_id=%d, name="undone-within", spec={"a": 1}).save()
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    Switch(fabric_id=%d, name="done", spec={"a": 1}).save()`, fabric, fabric, fabric)
	told(n.t, r.all(), "Switch default/done created")
}

// notUnchanged: a save that changes nothing that is recorded, and a fabric's state.
func (n *netbox) notUnchanged(shell *console) {
	fabric := n.fabric("feed-unchanged")
	spec := map[string]any{"b": 1, "a": []any{1.5, "x", nil}}
	made := n.must(http.StatusCreated, "POST", "switches/?"+fields, record(fabric, "same", spec))
	r := n.reader()
	n.must(http.StatusOK, "PATCH", fmt.Sprintf("switches/%d/?%s", made.id(), fields), map[string]any{"spec": spec})
	n.must(http.StatusOK, "PATCH", fmt.Sprintf("switches/%d/", made.id()), map[string]any{
		"last_synced": "2026-01-02T03:04:05Z", "sync_error": "x",
	})
	n.must(http.StatusOK, "PATCH", fmt.Sprintf("fabrics/%d/?%s", fabric, fabricFields), map[string]any{
		"sync_status": "in_sync",
	})
	shell.run(`Switch.objects.get(pk=%d).save()`, made.id())
	told(n.t, r.all())
}

// toldAsStored: a row says what is stored, and not what a process has in mind.
func (n *netbox) toldAsStored(shell *console) {
	fabric := n.fabric("feed-stored")
	r := n.reader()
	shell.run(`
from django.db.models import F
s = Switch(fabric_id=%d, name="parts", spec={"a": 1}, labels={"l": "m"})
s.save()
s.spec, s.sync_error = {"a": "only in mind"}, "x"
s.save(update_fields=["sync_error"])
s.labels = {"l": "n"}
s.save(update_fields=["labels"])
s.annotations = F("labels")
s.save(update_fields=["annotations"])
Switch.objects.filter(pk=s.pk).update(spec={"a": "unheard"})
Switch.objects.get(pk=s.pk).save()`, fabric)
	got := r.all()
	told(n.t, got, "Switch default/parts created", "Switch default/parts updated", "Switch default/parts updated",
		"Switch default/parts updated")
	for i, want := range []map[string]any{
		{"spec": map[string]any{"a": 1.0}, "labels": map[string]any{"l": "m"}, "annotations": map[string]any{}},
		{"spec": map[string]any{"a": 1.0}, "labels": map[string]any{"l": "n"}, "annotations": map[string]any{}},
		{"spec": map[string]any{"a": 1.0}, "labels": map[string]any{"l": "n"}, "annotations": map[string]any{"l": "n"}},
		{
			"spec": map[string]any{"a": "unheard"}, "labels": map[string]any{"l": "n"},
			"annotations": map[string]any{"l": "n"},
		},
	} {
		if want["auto_sync"] = true; !reflect.DeepEqual(got[i].Content, want) {
			n.t.Errorf("the change with number %d is to %v", i, got[i].Content)
		}
	}
}

// toldBranch: a branch is another connection.
func (n *netbox) toldBranch(shell *console) {
	fabric := n.fabric("feed-branch")
	r := n.reader()
	shell.run(`
connections.databases["schema_ab12cd34"] = dict(connections.databases["default"])
Switch(fabric_id=%d, name="branched", spec={"a": 1}).save(using="schema_ab12cd34")
connections["schema_ab12cd34"].close()`, fabric)
	got := r.all()
	told(n.t, got, "Switch default/branched created")
	if got[0].Branch == nil || *got[0].Branch != "schema_ab12cd34" {
		n.t.Errorf("it is in %v", got[0].Branch)
	}
}

// noSecrets: what a fabric keeps in clear is not told.
func (n *netbox) noSecrets(shell *console) {
	r := n.reader()
	shell.run(`HedgehogFabric(name="feed-secret", kubernetes_token="planted-secret", kubernetes_ca_cert="planted-cert").save()`)
	after := r.cursor
	told(n.t, r.all(), "HedgehogFabric /feed-secret created")
	answer := n.ask("GET", feed+"changes/?after="+after, nil)
	if !strings.Contains(answer.raw, "feed-secret") || strings.Contains(answer.raw, "planted") {
		n.t.Errorf("%d %s", answer.code, answer.raw)
	}
}
