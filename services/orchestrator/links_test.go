package orchestrator_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// create registers a fabric that a NetBox shows.
func (n *node) create(id int32, directory string, link *fabricv1.NetBoxLink) (*fabricv1.Fabric, error) {
	fabric := definition(id, directory)
	fabric.Netbox = link
	created, err := n.CreateFabric(n.t.Context(), &fabricv1.CreateFabricRequest{Fabric: fabric})
	return created.GetFabric(), err
}

func (n *node) update(fabric *fabricv1.Fabric, link *fabricv1.NetBoxLink) (*fabricv1.Fabric, error) {
	fabric = proto.CloneOf(fabric)
	fabric.Netbox = link
	updated, err := n.UpdateFabric(n.t.Context(), &fabricv1.UpdateFabricRequest{Fabric: fabric})
	return updated.GetFabric(), err
}

// TestLinks: a fabric is shown by one record of one NetBox, which shows no other, however the address is spelled.
func TestLinks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		first, err := b.create(35, "f1", linkTo("HTTPS://NetBox.example.com:443/dcim/"))
		got := must(t, first, err).GetNetbox()
		if got.GetUrl() != "https://netbox.example.com/dcim" || got.GetFabric() != 35 {
			t.Errorf("linked as %v", got)
		}
		same := linkTo("https://netbox.example.com/dcim")
		same.Fabric = 35
		_, err = b.create(0, "f2", proto.CloneOf(same))
		fails(t, "another fabric in the same record", err, errs.InvalidRequest)
		if e := errs.From(err); e.Meta[errs.FieldKey] != "netbox.fabric" || e.Meta[errs.OtherFabricKey] != "35" {
			t.Errorf("the refusal says %v", e.Meta)
		}
		second, err := b.create(0, "f2", linkTo("https://netbox.example.com/dcim")) // of the number that it is given
		if must(t, second, err).GetNetbox().GetFabric() != second.GetFabricId() {
			t.Errorf("linked as %v", second)
		}
		_, err = b.update(second, proto.CloneOf(same))
		fails(t, "a change to the same record", err, errs.InvalidRequest)
		changed, err := b.update(first, nil)
		if must(t, changed, err).GetNetbox() != nil || changed.GetGeneration() <= first.GetGeneration() {
			t.Errorf("unlinked it is %v", changed)
		}
		taken, err := b.update(second, same)
		if must(t, taken, err).GetNetbox().GetFabric() != 35 {
			t.Errorf("the record that is free: %v", taken)
		}
		b.flush() // the link comes back with the definition
		if shown := b.shown(); len(shown) != 1 || !proto.Equal(shown[0].GetNetbox(), taken.GetNetbox()) {
			t.Errorf("shown is %v", shown)
		}
	})
}

func TestLinksThatAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		good := linkTo("https://netbox.example.com")
		for name, c := range map[string]struct {
			change func(*fabricv1.NetBoxLink)
			field  string
		}{
			"no address":     {func(l *fabricv1.NetBoxLink) { l.Url = "" }, "url"},
			"no host":        {func(l *fabricv1.NetBoxLink) { l.Url = "https://" }, "url"},
			"another scheme": {func(l *fabricv1.NetBoxLink) { l.Url = "ftp://netbox" }, "url"},
			"no scheme":      {func(l *fabricv1.NetBoxLink) { l.Url = "netbox.example.com" }, "url"},
			"a user":         {func(l *fabricv1.NetBoxLink) { l.Url = "https://u:p@netbox" }, "url"},
			"a query":        {func(l *fabricv1.NetBoxLink) { l.Url = "https://netbox/?a=b" }, "url"},
			"a fragment":     {func(l *fabricv1.NetBoxLink) { l.Url = "https://netbox/#" }, "url"},
			"of the API":     {func(l *fabricv1.NetBoxLink) { l.Url = "https://netbox/api/" }, "url"},
			"a token":        {func(l *fabricv1.NetBoxLink) { l.TokenRef = "0123456789abcdef" }, "token_ref"},
			"no name":        {func(l *fabricv1.NetBoxLink) { l.TokenRef = "env:" }, "token_ref"},
			"a record":       {func(l *fabricv1.NetBoxLink) { l.Fabric = -1 }, "fabric"},
			"a direction":    {func(l *fabricv1.NetBoxLink) { l.Direction = 99 }, "direction"},
			"a winner":       {func(l *fabricv1.NetBoxLink) { l.ConflictWinner = 99 }, "conflict_winner"},
		} {
			link := proto.CloneOf(good)
			c.change(link)
			_, err := b.create(35, "f1", link)
			fails(t, name, err, errs.InvalidRequest)
			field := errs.From(err).Meta[errs.FieldKey]
			if field != "netbox."+c.field && field != "fabric.netbox."+c.field {
				t.Errorf("%s: the field is %q", name, field)
			}
		}
		if shown := b.shown(); len(shown) != 0 {
			t.Errorf("shown is %v", shown)
		}
	})
}

// TestAFabricThatIsRegisteredSuspended: nothing of it is published, and people see what would be.
func TestAFabricThatIsRegisteredSuspended(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.drop("f1", "a")
		before := b.headID()
		request := &fabricv1.CreateFabricRequest{Fabric: definition(35, "f1"), SuspendReason: "first look\n"}
		_, err := b.CreateFabric(b.as("Jo"), request)
		fails(t, "a reason of two lines", err, errs.InvalidRequest)
		request.SuspendReason = "first look at it "
		created, err := b.CreateFabric(b.as("Jo"), request)
		s := must(t, created, err).GetFabric().GetSuspension()
		if s.GetReason() != "first look at it" || s.GetSuspendedBy() != "Jo" || !s.GetSuspendedAt().IsValid() {
			t.Errorf("suspended as %v", s)
		}
		first := b.await(created.GetSyncId())
		b.expect(first, completed)
		if !first.GetOptions().GetValidateOnly() || first.GetTrigger() != syncv1.Trigger_TRIGGER_FABRIC_CREATED {
			t.Errorf("the first sync is %v", first)
		}
		if diff := b.diff(first.GetSyncId()); diff == "" || b.headID() != before || len(b.published()) != 0 {
			t.Errorf("the branch is at %s, and was at %s; %q", b.headID(), before, b.published())
		}
		_, err = b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35})
		fails(t, "a sync", err, errs.FabricSuspended)
		resumed, err := b.ResumeFabric(t.Context(), &fabricv1.ResumeFabricRequest{FabricId: 35})
		b.expect(b.await(must(t, resumed, err).GetSyncId()), completed)
		if len(b.published()) != 1 {
			t.Errorf("commits %q", b.published())
		}
	})
}
