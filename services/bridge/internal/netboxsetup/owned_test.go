package netboxsetup_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/services/bridge/internal/netboxsetup"
)

// everything is what is made in a NetBox, each object with where it is and the words that tell of it.
func everything() []struct {
	path   string
	fields map[string]any
	name   string
} {
	type object = struct {
		path   string
		fields map[string]any
		name   string
	}
	out := []object{{"users/users", map[string]any{"username": "fgd-sync", "password": "x"}, "the user fgd-sync"}}
	for _, name := range []string{"FGD Sync: records", "FGD Sync: fabrics", "FGD Sync: changes"} {
		out = append(out, object{"users/permissions", map[string]any{
			"name": name, "object_types": []string{"dcim.site"}, "actions": []string{"view"},
		}, "the permission " + name})
	}
	return append(out, object{"extras/webhooks", map[string]any{
		"name": "FGD Sync", "payload_url": "https://x",
	}, "the webhook FGD Sync"}, object{"extras/event-rules", map[string]any{
		"name": "FGD Sync", "object_types": []string{"dcim.site"}, "event_types": []string{}, "action_type": "webhook",
	}, "the event rule FGD Sync"})
}

// make has somebody make an object.
func (i *installation) make(path string, fields map[string]any) {
	i.t.Helper()
	var err error
	switch path {
	case "users/users":
		_, err = i.admin.PutUser(i.t.Context(), 0, fields)
	case "users/permissions":
		_, err = i.admin.PutPermission(i.t.Context(), 0, fields)
	case "extras/webhooks":
		_, err = i.admin.PutWebhook(i.t.Context(), 0, fields)
	default:
		_, err = i.admin.PutEventRule(i.t.Context(), 0, fields)
	}
	if err != nil {
		i.t.Fatal(err)
	}
}

// refused holds that nothing was done, and that it is said what is in the way and what to do.
func refused(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	said := errs.From(netboxsetup.Explain(err))
	for _, part := range parts {
		if !errs.HasCode(err, errs.NetBoxNotOurs) || !strings.Contains(said.Message+said.Remedy, part) {
			t.Errorf("%s: no %q in %v", what, part, err)
		}
	}
}

// TestWhatIsSomebodyElses has one of our names, and is neither taken over nor removed: all that is ours stays as it is
// too, planned or not.
func TestWhatIsSomebodyElses(t *testing.T) {
	t.Parallel()
	for _, o := range everything() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			n := newInstallation(t)
			n.make(o.path, o.fields)
			before := n.Administered()
			for _, planOnly := range []bool{true, false} {
				wish := hooked()
				wish.PlanOnly = planOnly
				_, err := netboxsetup.SetUp(t.Context(), n.admin, wish, time.Now())
				refused(t, "set up", err, o.name, "installation "+own)
				_, err = netboxsetup.Remove(t.Context(), n.admin, own, planOnly)
				refused(t, "removed", err, o.name)
				wish.Installation = ""
				_, err = netboxsetup.SetUp(t.Context(), n.admin, wish, time.Now())
				refused(t, "set up by one without a name", err, o.name)
			}
			if after := n.Administered(); !slices.Equal(before, after) {
				t.Errorf("there was %v, and is %v", before, after)
			}
		})
	}
}

// TestAnotherInstallation has set the NetBox up: all of it stays, until that one removes it.
func TestAnotherInstallation(t *testing.T) {
	t.Parallel()
	n := newInstallation(t)
	n.setUp(netboxsetup.Wish{Installation: other, Webhook: "https://other.example.com"})
	before := n.Administered()
	for _, who := range []string{own, ""} {
		wish := hooked()
		wish.Installation = who
		_, err := netboxsetup.SetUp(t.Context(), n.admin, wish, time.Now())
		_, removal := netboxsetup.Remove(t.Context(), n.admin, who, false)
		for _, o := range everything() {
			refused(t, "set up", err, o.name)
			refused(t, "removed", removal, o.name)
		}
	}
	if after := n.Administered(); !slices.Equal(before, after) {
		t.Errorf("there was %v, and is %v", before, after)
	}
	if _, err := netboxsetup.Remove(t.Context(), n.admin, other, false); err != nil {
		t.Fatal(err)
	}
	if _, actions := n.setUp(hooked()); actions["user fgd-sync"] != netboxsetup.Created {
		t.Errorf("after that %v", actions)
	}
}

// TestWhatIsMarkedByHand is taken for this installation's, as the remedy says.
func TestWhatIsMarkedByHand(t *testing.T) {
	t.Parallel()
	n := newInstallation(t)
	for _, o := range everything() {
		n.make(o.path, o.fields)
		name, _ := cmp.Or(o.fields["name"], o.fields["username"]).(string)
		n.Amend(o.path, name, map[string]any{
			"description": "installation " + own, "last_name": "installation " + own,
		})
	}
	if _, actions := n.setUp(hooked()); actions["permission FGD Sync: records"] != netboxsetup.Updated ||
		actions["user fgd-sync"] != netboxsetup.Unchanged {
		t.Errorf("taken over: %v", actions)
	}
}

// TestAPermissionOfTheSameName is no obstacle beside the one that is ours: NetBox lets there be several.
func TestAPermissionOfTheSameName(t *testing.T) {
	t.Parallel()
	n := newInstallation(t)
	n.setUp(hooked())
	n.make("users/permissions", map[string]any{
		"name": "FGD Sync: records", "object_types": []string{"dcim.site"}, "actions": []string{"view"},
	})
	if _, actions := n.setUp(hooked()); actions["permission FGD Sync: records"] != netboxsetup.Unchanged {
		t.Errorf("again: %v", actions)
	}
	if _, err := netboxsetup.Remove(t.Context(), n.admin, own, false); err != nil {
		t.Fatal(err)
	}
	if left := n.Administered(); !slices.Equal(left, []string{"users/permissions FGD Sync: records"}) {
		t.Errorf("left are %v", left)
	}
}

// alive reports whether a token is taken.
func (i *installation) alive(c *hnp.Client) bool {
	_, err := c.Status(i.t.Context())
	return err == nil
}
