package netboxsetup_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/services/bridge/internal/netboxsetup"
	"fgdsync.dev/testkit/netboxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// installation is a NetBox, and an administrator's client of it.
type installation struct {
	*netboxserver.Server
	t     *testing.T
	admin *hnp.Client
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	i := &installation{Server: netboxtest.Start(t), t: t}
	i.admin = i.client(secret.New(netboxserver.Token))
	return i
}

func (i *installation) client(token secret.String) *hnp.Client {
	i.t.Helper()
	transport := &http.Transport{}
	i.t.Cleanup(transport.CloseIdleConnections)
	c, err := hnp.New(i.URL, token, transport)
	if err != nil {
		i.t.Fatal(err)
	}
	return c
}

// setUp sets it up, and returns what was done with each object.
func (i *installation) setUp(wish netboxsetup.Wish) (netboxsetup.Done, map[string]netboxsetup.Action) {
	i.t.Helper()
	done, err := netboxsetup.SetUp(i.t.Context(), i.admin, wish, time.Now())
	if err != nil {
		i.t.Fatal(err)
	}
	actions := map[string]netboxsetup.Action{}
	for _, o := range done.Objects {
		actions[o.Type+" "+o.Name] = o.Action
	}
	return done, actions
}

// The installations that tests are about.
const (
	own   = "5d1f62f0"
	other = "0a1b2c3d"
)

// plain is the least that can be wished, hooked has a webhook too.
func plain() netboxsetup.Wish { return netboxsetup.Wish{Installation: own} }

func hooked() netboxsetup.Wish {
	return netboxsetup.Wish{Installation: own, Webhook: "https://fgd.example.com/"}
}

func all(action netboxsetup.Action) map[string]netboxsetup.Action {
	actions := map[string]netboxsetup.Action{}
	for _, name := range []string{
		"user fgd-sync", "permission FGD Sync: records", "permission FGD Sync: fabrics", "permission FGD Sync: changes",
		"webhook FGD Sync", "event_rule FGD Sync", "token FGD Sync",
	} {
		actions[name] = action
	}
	return actions
}

// TestSettingUpAgainChangesNothing: the second run finds everything, makes nothing, and shows no secret.
func TestSettingUpAgainChangesNothing(t *testing.T) {
	t.Parallel()
	n := newInstallation(t)
	done, actions := n.setUp(hooked())
	if fmt.Sprint(actions) != fmt.Sprint(all(netboxsetup.Created)) || done.Token.IsZero() || done.Secret.IsZero() {
		t.Errorf("at first %v, token %v, secret %v", actions, !done.Token.IsZero(), !done.Secret.IsZero())
	}
	before := n.Administered()
	told := hooked()
	told.Secret = done.Secret
	again, actions := n.setUp(told)
	if fmt.Sprint(actions) != fmt.Sprint(all(netboxsetup.Unchanged)) || !again.Token.IsZero() || !again.Secret.IsZero() {
		t.Errorf("again %v", actions)
	}
	if after := n.Administered(); !slices.Equal(before, after) {
		t.Errorf("there was %v, and is %v", before, after)
	}
}

// TestANewTokenIsUsedFromWhereTheOldOneWas: the networks stay where nothing is said about them.
func TestANewTokenIsUsedFromWhereTheOldOneWas(t *testing.T) {
	t.Parallel()
	n := newInstallation(t)
	wish := plain()
	wish.Networks = []string{"192.0.2.0/24"}
	n.setUp(wish)
	again := plain()
	again.NewToken = true
	if done, _ := n.setUp(again); done.Token.IsZero() {
		t.Fatal("no token was made")
	}
	user, err := n.admin.UsersNamed(t.Context(), netboxsetup.UserName)
	if err != nil || len(user) != 1 {
		t.Fatal(user, err)
	}
	tokens, err := n.admin.Tokens(t.Context(), user[0].ID)
	if err != nil || len(tokens) != 1 || !slices.Equal(tokens[0].Networks, wish.Networks) {
		t.Errorf("there is %+v, %v", tokens, err)
	}
}

// TestANetBoxThatHangsIsSaidSo: nobody waits for it longer than a few seconds, and no error is about a sync.
func TestANetBoxThatHangsIsSaidSo(t *testing.T) {
	t.Parallel()
	n := newInstallation(t)
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	n.URL = hanging.URL
	_, err := netboxsetup.SetUp(t.Context(), n.client(secret.New(netboxserver.Token)), plain(), time.Now())
	if err = netboxsetup.Explain(err); !errs.HasCode(err, errs.NetBoxUnavailable) ||
		errs.From(err).Message != "NetBox does not answer within 3 s." {
		t.Error(err)
	}
	n.URL = "https" + strings.TrimPrefix(newInstallation(t).URL, "http")
	_, err = netboxsetup.SetUp(t.Context(), n.client(secret.New(netboxserver.Token)), plain(), time.Now())
	if said := netboxsetup.Sentence(err); said != "What is there does not speak https." {
		t.Error(said)
	}
}

// TestAPlanWritesNothing: it says what would be made, or removed, and what is there stays as it is.
func TestAPlanWritesNothing(t *testing.T) {
	t.Parallel()
	n := newInstallation(t)
	plan := hooked()
	plan.PlanOnly = true
	if done, actions := n.setUp(plan); fmt.Sprint(actions) != fmt.Sprint(all(netboxsetup.Created)) ||
		!done.Token.IsZero() || len(n.Administered()) > 0 {
		t.Errorf("planned %v, and there is %v", actions, n.Administered())
	}
	n.setUp(hooked())
	before := n.Administered()
	would, err := netboxsetup.Remove(t.Context(), n.admin, own, true)
	if err != nil || len(would) != len(before) || !slices.Equal(before, n.Administered()) {
		t.Errorf("%d would be removed, %v; there is %v", len(would), err, n.Administered())
	}
}

// TestRemovingLeavesNothing: of what was made nothing is left, what others have stays, and doing it again does nothing.
func TestRemovingLeavesNothing(t *testing.T) {
	t.Parallel()
	n := newInstallation(t)
	somebody, err := n.admin.PutUser(t.Context(), 0, map[string]any{"username": "other", "password": "x"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.admin.PutToken(t.Context(), 0, map[string]any{"user": somebody.ID, "description": "FGD Sync"})
	if err != nil {
		t.Fatal(err)
	}
	before := n.Administered()
	n.setUp(hooked())
	for range 2 {
		if _, err := netboxsetup.Remove(t.Context(), n.admin, own, false); err != nil {
			t.Fatal(err)
		}
		if left := n.Administered(); !slices.Equal(left, before) {
			t.Errorf("there was %v, and is %v", before, left)
		}
	}
}

// TestWhatDiffersIsPutRight, and nothing else is touched.
func TestWhatDiffersIsPutRight(t *testing.T) {
	t.Parallel()
	const permissions = "users/permissions"
	for name, c := range map[string]struct {
		path, object string
		values       map[string]any
		wish         func(*netboxsetup.Wish)
	}{
		"user fgd-sync":                {"users/users", "fgd-sync", map[string]any{"is_active": false}, nil},
		"permission FGD Sync: records": {permissions, "FGD Sync: records", map[string]any{"actions": []any{"view"}}, nil},
		"permission FGD Sync: fabrics": {permissions, "FGD Sync: fabrics", map[string]any{"enabled": false}, nil},
		"permission FGD Sync: changes": {permissions, "FGD Sync: changes", map[string]any{"users": []any{}}, nil},
		"webhook FGD Sync":             {"extras/webhooks", "FGD Sync", map[string]any{"payload_url": "https://x"}, nil},
		"event_rule FGD Sync":          {"extras/event-rules", "FGD Sync", map[string]any{"enabled": false}, nil},
		"token FGD Sync":               {wish: func(w *netboxsetup.Wish) { w.Networks = []string{"192.0.2.7"} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInstallation(t)
			n.setUp(hooked())
			wish := hooked()
			if c.wish != nil {
				c.wish(&wish)
			} else {
				n.Amend(c.path, c.object, c.values)
			}
			want := all(netboxsetup.Unchanged)
			want[name] = netboxsetup.Updated
			if _, actions := n.setUp(wish); fmt.Sprint(actions) != fmt.Sprint(want) {
				t.Errorf("mended %v", actions)
			}
			if _, actions := n.setUp(wish); fmt.Sprint(actions) != fmt.Sprint(all(netboxsetup.Unchanged)) {
				t.Errorf("again %v", actions)
			}
		})
	}
}

// TestTheTokenMayDoWhatItHasTo, and no more; a new one takes the place of the old one.
func TestTheTokenMayDoWhatItHasTo(t *testing.T) {
	t.Parallel()
	n := newInstallation(t)
	fabric := int64(n.AddFabric("f"))
	done, _ := n.setUp(plain())
	token := n.client(done.Token)
	content := hnp.Content{Spec: map[string]any{"a": 1}}
	identity := hnp.Identity{Fabric: fabric, Namespace: "default", Name: "a"}
	if _, err := token.Put(t.Context(), "VPC", identity, nil, content, "made"); err != nil {
		t.Errorf("make a record: %v", err)
	}
	if _, err := token.UsersNamed(t.Context(), "admin"); !hnp.Is(err, hnp.Forbidden) {
		t.Errorf("see users: %v", err)
	}
	if _, err := netboxsetup.SetUp(t.Context(), token, plain(), time.Now()); !errs.HasCode(
		netboxsetup.Explain(err), errs.NetBoxRefused) {
		t.Errorf("set up with it: %v", err)
	}
	fresh, actions := n.setUp(netboxsetup.Wish{Installation: own, NewToken: true})
	if actions["token FGD Sync"] != netboxsetup.Created || fresh.Token == done.Token {
		t.Errorf("another token: %v", actions)
	}
	if _, err := token.Status(t.Context()); !hnp.Is(err, hnp.Denied) {
		t.Errorf("the old token: %v", err)
	}
	if _, err := n.client(fresh.Token).Status(t.Context()); err != nil {
		t.Errorf("the new token: %v", err)
	}
}

// TestWhatCannotBeWished is refused by its field, before anything is asked.
func TestWhatCannotBeWished(t *testing.T) {
	t.Parallel()
	n := newInstallation(t)
	for field, wish := range map[string]netboxsetup.Wish{
		"allowed_networks[1]": {Networks: []string{"192.0.2.0/24", "192.0.2.1/24"}},
		"webhook_address":     {Webhook: "https://fgd.example.com/{{ x }}"},
	} {
		_, err := netboxsetup.SetUp(t.Context(), n.admin, wish, time.Now())
		if errs.From(err).Meta[errs.FieldKey] != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if made := n.Administered(); len(made) > 0 {
		t.Errorf("made %v", made)
	}
}

// checks returns what a look has come to, by the names of its steps.
func (i *installation) checks(client *hnp.Client) (map[string]netboxsetup.Check, bool) {
	i.t.Helper()
	return i.hookChecks(client, netboxsetup.Hook{})
}

func (i *installation) hookChecks(
	client *hnp.Client, hook netboxsetup.Hook,
) (map[string]netboxsetup.Check, bool) {
	i.t.Helper()
	found := netboxsetup.Look(i.t.Context(), client, hook, time.Now)
	byName := map[string]netboxsetup.Check{}
	for _, c := range found.Checks {
		byName[c.Name] = c
		if c.Status != netboxsetup.OK && c.Status != netboxsetup.Skipped && c.Remedy == "" {
			i.t.Errorf("%s is %s, and nothing is said to do: %s", c.Name, c.Status, c.Message)
		}
	}
	return byName, found.OK()
}

// TestLookingSaysWhatIsWrong: each thing that keeps records from being delivered, or from being heard of, is named.
func TestLookingSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	n := newInstallation(t)
	done, _ := n.setUp(hooked())
	token := n.client(done.Token)
	good, ok := n.checks(token)
	if !ok {
		t.Errorf("all is well: %+v", good)
	}
	for name, want := range map[string]netboxsetup.Status{
		"version": netboxsetup.OK, "token": netboxsetup.OK, "permissions": netboxsetup.OK, "plugin": netboxsetup.OK,
		"quirks": netboxsetup.Warning, "workers": netboxsetup.OK, "clock": netboxsetup.OK, "webhook": netboxsetup.Skipped,
	} {
		if good[name].Status != want {
			t.Errorf("%s: %+v", name, good[name])
		}
	}
	if admin, ok := n.checks(n.admin); !ok || admin["permissions"].Status != netboxsetup.Warning ||
		admin["webhook"].Status != netboxsetup.Skipped {
		t.Errorf("with an administrator's token: %+v", admin)
	}
	n.Amend("users/permissions", "FGD Sync: records", map[string]any{
		"actions": []any{"view", "add"}, "object_types": []any{"netbox_hedgehog.vpc"},
	})
	n.Neglect(time.Hour)
	bad, ok := n.checks(token)
	for _, part := range []string{
		"change netbox_hedgehog.vpc", "view, add, change netbox_hedgehog.server", "delete netbox_hedgehog.",
	} {
		if !strings.Contains(bad["permissions"].Message, part) {
			t.Errorf("no %q in %s", part, bad["permissions"].Message)
		}
	}
	if ok || bad["permissions"].Status != netboxsetup.Failed || bad["workers"].Status != netboxsetup.Warning ||
		bad["clock"].Status != netboxsetup.Warning {
		t.Errorf("neglected: %+v", bad)
	}
	n.Amend("users/tokens", "FGD Sync", map[string]any{"enabled": false})
	if denied, ok := n.checks(token); ok || denied["version"].Status != netboxsetup.Failed {
		t.Errorf("with a token that is not taken: %+v", denied)
	}
}
