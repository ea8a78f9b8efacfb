package netbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/test/netbox/lab"
)

// member makes a user with a token, and returns a NetBox as they see it.
func (n *netbox) member(name string) (*netbox, int) {
	n.t.Helper()
	const password = "A-password-of-the-lab-1"
	made := n.ask("POST", "/api/users/users/", map[string]any{"username": name, "password": password})
	if made.code != http.StatusCreated {
		n.t.Fatalf("%d %s", made.code, made.raw)
	}
	given := n.ask("POST", "/api/users/tokens/provision/", map[string]any{"username": name, "password": password})
	if given.code != http.StatusCreated {
		n.t.Fatalf("%d %s", given.code, given.raw)
	}
	token := fmt.Sprintf("Bearer nbt_%s.%s", given.fields["key"], given.fields["token"])
	return &netbox{&lab.NetBox{URL: n.URL, Token: token}, n.t}, made.id()
}

// toldWithRights: who has no permission is told nothing, and who has one of some fabrics is told of those.
func (n *netbox) toldWithRights(*console) {
	mine, other := n.fabric("feed-mine"), n.fabric("feed-other")
	r := n.reader()
	member, id := n.member("member")
	for _, path := range []string{"changes/", "probe/"} {
		if got := member.ask("GET", feed+path, nil); got.code != http.StatusForbidden {
			n.t.Errorf("%s without a permission: %d %s", path, got.code, got.raw)
		}
		none := map[string]string{"Authorization": ""}
		if got := n.send("GET", feed+path, nil, none); got.code != http.StatusForbidden {
			n.t.Errorf("%s without a token: %d %s", path, got.code, got.raw)
		}
	}
	given := n.ask("POST", "/api/users/permissions/", map[string]any{
		"name": "feed", "actions": []string{"view"}, "object_types": []string{"netbox_fgd_sync.changerecord"},
		"users": []int{id}, "constraints": map[string]any{"fabric_id": mine},
	})
	if given.code != http.StatusCreated {
		n.t.Fatalf("%d %s", given.code, given.raw)
	}
	for _, fabric := range []int{other, mine} {
		seen := record(fabric, fmt.Sprint("seen-", fabric), map[string]any{"a": 1})
		n.must(http.StatusCreated, "POST", "vpcs/?"+fields, seen)
	}
	theirs := &reader{member, r.cursor}
	r.all()
	p := theirs.page(0)
	told(n.t, p.Results, fmt.Sprintf("VPC default/seen-%d created", mine))
	if p.Cursor == p.Results[0].Cursor {
		n.t.Error("the cursor stays behind what is for others")
	}
}

// cursors that are none are refused, and one that the feed does not know is gone.
func (n *netbox) cursors(*console) {
	for _, query := range []string{
		"after=x", "after=1", "after=1.", "after=.1", "after=-1.1", "after=1.1.1", "after=9223372036854775808.1",
		"after=%D9%A1.1", "limit=x", "limit=-1", "wait=x",
	} {
		if got := n.ask("GET", feed+"changes/?"+query, nil); got.code != http.StatusBadRequest {
			n.t.Errorf("%s: %d %s", query, got.code, got.raw)
		}
	}
	got := n.ask("GET", feed+"changes/?after=1.999999999", nil)
	if next, _ := got.fields["cursor"].(string); got.code != http.StatusGone || next == "" {
		n.t.Errorf("a cursor of another NetBox: %d %s", got.code, got.raw)
	}
	if got := n.ask("GET", feed+"changes/?limit=100000000000000000000&wait=0&after=", nil); got.code != http.StatusOK {
		n.t.Errorf("from the start: %d %s", got.code, got.raw)
	}
}

// gone asks for what comes after the cursor, which has to be gone, and goes on from where the answer says.
func (r *reader) gone() {
	r.t.Helper()
	got := r.ask("GET", feed+"changes/?after="+r.cursor, nil)
	next, _ := got.fields["cursor"].(string)
	if got.code != http.StatusGone || next == "" {
		r.t.Fatalf("after %s: %d %s", r.cursor, got.code, got.raw)
	}
	r.cursor = next
}

// toldThatPruned: who has not read what is kept no longer is told so; who has reads on.
func (n *netbox) toldThatPruned(shell *console) {
	fabric := n.fabric("feed-pruned")
	late := n.reader()
	made := n.must(http.StatusCreated, "POST", "vpcs/?"+fields, record(fabric, "kept", map[string]any{"a": 1}))
	gone := n.must(http.StatusCreated, "POST", "vpcs/?"+fields, record(fabric, "gone", map[string]any{"a": 1}))
	n.must(http.StatusNoContent, "DELETE", fmt.Sprintf("vpcs/%d/", gone.id()), nil)
	upToDate := &reader{n, late.cursor}
	told(n.t, upToDate.all(), "VPC default/kept created", "VPC default/gone created", "VPC default/gone deleted")
	shell.run(`
from django.core.management import call_command
call_command("fgd_prune", days=0)
from netbox_fgd_sync.models import ChangeRecord
result = ChangeRecord.objects.filter(action="pruned").count()`)
	late.gone()
	(&reader{n, "0.0"}).gone()
	n.must(http.StatusOK, "PATCH", fmt.Sprintf("vpcs/%d/?%s", made.id(), fields), map[string]any{
		"spec": map[string]any{"a": 1},
	})
	told(n.t, upToDate.all())
	told(n.t, late.all())
	left := shell.run(`
call_command("fgd_prune", days=1)
call_command("fgd_prune", days=0)
result = [ChangeRecord.objects.filter(action=a).count() for a in ("pruned", "deleted")]`)
	if fmt.Sprint(left) != "[1 0]" {
		n.t.Errorf("of marks and deletions are left %v", left)
	}
	upToDate.all()
	job := shell.run(`
from netbox.registry import registry
from netbox_fgd_sync.jobs import PruneChangesJob
result = [PruneChangesJob in registry["system_jobs"], PruneChangesJob.enqueue(immediate=True).status]`)
	if fmt.Sprint(job) != "[true completed]" {
		n.t.Errorf("the daily job is %v", job)
	}
}

// toldThatRestored: in a database that was restored elsewhere numbers of transactions begin anew.
func (n *netbox) toldThatRestored(shell *console) {
	n.fabric("feed-restored")
	r := n.reader()
	shell.run(`
from django.db.models import F
from netbox_fgd_sync.models import ChangeRecord
ChangeRecord.objects.update(cluster=F("cluster") - 1, txid=F("txid") + 1000000)`)
	r.gone()
	told(n.t, r.all())
}

// asPlainRole: who owns the database of a NetBox is no administrator of the cluster.
func (n *netbox) asPlainRole(shell *console) {
	fabric := n.fabric("feed-role")
	r := n.reader()
	made := shell.run(`
from netbox_fgd_sync import feed, recording
role = "plain_" + connections["default"].settings_dict["NAME"]
with connections["default"].cursor() as cursor:
    cursor.execute("CREATE ROLE " + role)
    for what in ("TABLES", "SEQUENCES"):
        cursor.execute("GRANT ALL ON ALL " + what + " IN SCHEMA public TO " + role)
    cursor.execute("SET ROLE " + role)
    recording.cluster.cache_clear()
    Switch(fabric_id=%d, name="plain", spec={"a": 1}).save()
    feed.head(), feed.blocked_since()
    cursor.execute("RESET ROLE")
    cursor.execute("DROP OWNED BY " + role)
    cursor.execute("DROP ROLE " + role)
result = recording.cluster("default")`, fabric)
	told(n.t, r.all(), "Switch default/plain created")
	if made == "0::bigint" {
		n.t.Error("a plain role does not see which cluster it is")
	}
}

// cost: a save makes one query more.
func (n *netbox) cost(shell *console) {
	fabric := n.fabric("feed-cost")
	measured := shell.run(`
import time
from django.test.utils import CaptureQueriesContext
from netbox_fgd_sync import recording
recording.begin()
def measure(changed):
    switch = Switch.objects.get(name="cost", fabric_id=%d)
    spent = []
    for i in range(200):
        if changed:
            switch.spec = {"a": time.time()}
        began = time.perf_counter()
        with transaction.atomic():
            switch.save()
        spent.append(time.perf_counter() - began)
    with CaptureQueriesContext(connections["default"]) as captured:
        switch.save()
    return [len(captured), sorted(spent)[100] * 1000]
from django.db.models.signals import post_save, pre_delete
Switch(fabric_id=%d, name="cost", spec={"a": 1}).save()
measure(True)
result = {"with": measure(True), "the same": measure(False)}
post_save.disconnect(sender=Switch, dispatch_uid="fgd-sync-saved-Switch")
result["without"] = measure(True)
recording.begin()`, fabric, fabric)
	of := func(which string) (queries, ms float64) {
		all, _ := measured.(map[string]any)
		values, _ := all[which].([]any)
		return values[0].(float64), values[1].(float64) //nolint:forcetypeassert // of this file
	}
	without, ms := of("without")
	n.t.Logf("a save without the feed: %.0f queries, %.2f ms", without, ms)
	for _, which := range []string{"with", "the same"} {
		queries, ms := of(which)
		n.t.Logf("a save, %s: %.0f queries, %.2f ms", which, queries, ms)
		if queries > without+1 {
			n.t.Errorf("a save, %s, makes %.0f queries, and %.0f without", which, queries, without)
		}
	}
}

// migrated: the tables are as the models say and can be taken away. Of what is not as it is known a check has a word.
func (n *netbox) migrated(shell *console) {
	said := shell.run(`
from django.core.management import call_command
from netbox_fgd_sync import checks, recording
call_command("makemigrations", "netbox_fgd_sync", check_changes=True, dry_run=True)
call_command("migrate", "netbox_fgd_sync", "zero")
call_command("migrate", "netbox_fgd_sync")
call_command("check", fail_level="WARNING")
recording.KINDS += ("Unheard",)
result = [said.id + " " + said.msg for said in checks.hedgehog()]`)
	if got := fmt.Sprint(said); !strings.HasPrefix(got, "[netbox_fgd_sync.W002 Changes of Unheard ") {
		n.t.Errorf("the check says %s", got)
	}
}

// TestWithoutFeed: records are as they are, and nobody tells.
func TestWithoutFeed(t *testing.T) {
	t.Parallel()
	takesLong(t)
	n := start(t, lab.WithoutOwnPlugin())
	fabric := n.fabric("without")
	made := n.must(http.StatusCreated, "POST", "vpcs/?"+fields, record(fabric, "v", map[string]any{"a": 1}))
	n.must(http.StatusNoContent, "DELETE", fmt.Sprintf("vpcs/%d/", made.id()), nil)
	if got := n.ask("GET", feed+"probe/", nil); got.code != http.StatusNotFound {
		t.Errorf("%d %s", got.code, got.raw)
	}
	status := n.ask("GET", "/api/status/", nil)
	if strings.Contains(status.raw, "netbox_fgd_sync") {
		t.Error(status.raw)
	}
}
