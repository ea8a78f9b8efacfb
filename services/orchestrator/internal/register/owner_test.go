package register_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/redistest"
)

// place registers a fabric with a directory of its own, a number and a name, each of which may be missing.
func (o *office) place(directory string, id int32, name string, takeOver bool) (*fabricv1.Fabric, error) {
	fabric, _, err := o.Create(o.t.Context(), &fabricv1.CreateFabricRequest{
		Fabric: &fabricv1.Fabric{FabricId: id, Name: name, Location: &gitv1.Location{
			RepositoryUrl: "https://host/r.git", Branch: "main", Directory: directory,
			Credentials: &gitv1.Credentials{Source: &gitv1.Credentials_Sealed{Sealed: []byte("sealed")}},
		}},
		FirstSync: &syncv1.SyncOptions{TakeOver: takeOver},
	})
	return fabric, err
}

// TestTheManifestNamesTheFabric: a registration gets what it leaves out from the manifest, and is refused where it says
// something else, unless it takes the directory over.
func TestTheManifestNamesTheFabric(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		o := newOffice(t, conn)
		for i, test := range []struct {
			what     string
			owner    int32 // named "theirs"; 0 for none
			plugin   bool
			id       int32
			name     string
			takeOver bool
			want     string // number, name and the fabric that the credentials were bound to
			code     errs.Code
		}{
			{what: "neither", owner: 35, want: "35 theirs [35]"},
			{what: "the number alone", owner: 36, id: 36, want: "36 theirs []"},
			{what: "the name alone", owner: 37, name: "theirs", want: "37 theirs [37]"},
			{what: "both", owner: 38, id: 38, name: "theirs", want: "38 theirs []"},
			{what: "another number", owner: 39, id: 7, name: "theirs", code: errs.DirectoryOwned},
			{what: "another name", owner: 39, id: 39, name: "ours", code: errs.DirectoryOwned},
			{what: "another name and no number", owner: 39, name: "ours", code: errs.DirectoryOwned},
			{what: "taken over", owner: 39, id: 7, name: "ours", takeOver: true, want: "7 ours []"},
			{what: "taken over without a number", owner: 40, name: "ours", takeOver: true, want: "40 ours [40]"},
			{what: "of the plugin", owner: 41, plugin: true, id: 8, name: "ours", want: "8 ours []"},
			{what: "no name anywhere", id: 9, code: errs.InvalidRequest},
			{what: "no manifest", id: 10, name: "ours", want: "10 ours []"},
		} {
			o.host.owner, o.host.plugin, o.host.resealed = nil, test.plugin, nil
			name := strings.Replace(test.name, "theirs", fmt.Sprintf("theirs-%d", i), 1)
			name = strings.Replace(name, "ours", fmt.Sprintf("ours-%d", i), 1)
			if test.owner != 0 {
				o.host.owner = &directoryv1.FabricIdentity{FabricId: test.owner, Name: fmt.Sprintf("theirs-%d", i)}
			}
			got, err := o.place(fmt.Sprintf("f%d", i), test.id, name, test.takeOver)
			if test.code != (errs.Code{}) {
				if !errs.HasCode(err, test.code) {
					t.Errorf("%s: %v", test.what, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", test.what, err)
				continue
			}
			name = strings.TrimSuffix(got.GetName(), fmt.Sprintf("-%d", i))
			if said := fmt.Sprint(got.GetFabricId(), " ", name, " ", o.host.resealed); said != test.want ||
				got.GetLocation().GetFabricId() != got.GetFabricId() {
				t.Errorf("%s: %s, not %s", test.what, said, test.want)
			}
		}
	})
}

// TestTheNumberOfAManifestIsTaken: that is said, and who takes the directory over gets another number.
func TestTheNumberOfAManifestIsTaken(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		o := newOffice(t, conn)
		o.created()
		o.host.owner = &directoryv1.FabricIdentity{FabricId: 35, Name: "elsewhere"}
		for _, id := range []int32{0, 35} {
			_, err := o.place("f2", id, "", false)
			if e := errs.From(err); !errs.HasCode(err, errs.FabricExists) || !strings.Contains(e.Message, "manifest") ||
				!strings.Contains(e.Message, `"first"`) || !strings.Contains(e.RemedyText(), "take_over") {
				t.Errorf("number %d: %v", id, err)
			}
		}
		if _, err := o.place("f1", 0, "", false); !errs.HasCode(err, errs.DirectoryOverlap) {
			t.Errorf("the same directory again: %v", err)
		}
		got, err := o.place("f2", 0, "", true)
		must(t, err)
		if got.GetFabricId() == 35 || got.GetName() != "elsewhere" || !slices.Equal(o.host.resealed,
			[]int32{got.GetFabricId()}) {
			t.Errorf("taken over: %v, bound to %v", got, o.host.resealed)
		}
	})
}

// TestARegistrationDoesNotNeedTheHost: where the directory can't be read, or not in time, the first sync says so.
func TestARegistrationDoesNotNeedTheHost(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		o := newOffice(t, conn)
		o.host.owner = &directoryv1.FabricIdentity{FabricId: 35, Name: "theirs"}
		o.host.open = func(context.Context) error { return errs.New(errs.GitHubConnectionFailed, "Nobody is there.") }
		if got, err := o.place("f1", 7, "ours", false); err != nil || got.GetFabricId() != 7 {
			t.Errorf("a host that is away: %v, %v", got, err)
		}
		o.breakLedger()
		o.patience = time.Millisecond
		o.open()
		o.round()
		o.host.open = func(ctx context.Context) error {
			if until, bounded := ctx.Deadline(); !bounded || time.Until(until) > time.Minute {
				t.Errorf("it is waited for until %v", until)
				return errs.New(errs.GitHubConnectionFailed, "Nobody answers.")
			}
			<-ctx.Done()
			return ctx.Err()
		}
		if got, err := o.place("f2", 0, "mine", false); err != nil || got.GetName() != "mine" {
			t.Errorf("a host that is silent: %v, %v", got, err)
		}
	})
}
