package conflictapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

const (
	isOpen     = netboxv1.ConflictState_CONFLICT_STATE_OPEN
	isResolved = netboxv1.ConflictState_CONFLICT_STATE_RESOLVED
)

func placeOf(r *netboxv1.Receipt) string {
	return strings.Join([]string{r.GetKind(), r.GetNamespace(), r.GetName()}, "\x00")
}

// TestEachConflictIsListedOnce: whatever there is and however large pages are, they have those that were asked for, in
// order and once.
func TestEachConflictIsListedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"a", "a-b", "b"})
		all := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) *netboxv1.Receipt {
			r := at(rapid.SampledFrom([]string{"VPC", "Server"}).Draw(t, "kind"), word.Draw(t, "namespace"),
				word.Draw(t, "name"), rapid.SampledFrom([]netboxv1.ConflictState{isOpen, isResolved}).Draw(t, "state"))
			if rapid.Bool().Draw(t, "none") {
				r.Conflict = nil
			}
			return r
		}), 0, 12, placeOf).Draw(t, "receipts")
		w.outbox.set(func(f *fakeOutbox) { f.receipts = all })
		request := &bridgev1.ListConflictsRequest{
			FabricId: linked, Limit: rapid.Int32Range(1, 5).Draw(t, "limit"),
			State: rapid.SampledFrom([]string{"", "open", "resolved", "all"}).Draw(t, "of state"),
			Kind:  rapid.SampledFrom([]string{"", "VPC", "Connection"}).Draw(t, "of kind"),
		}
		var want, got []string
		for _, r := range all {
			state := map[netboxv1.ConflictState]string{isOpen: "open", isResolved: "resolved"}[r.GetConflict().GetState()]
			asked := request.GetState()
			if asked == "" {
				asked = "open"
			}
			if state != "" && (asked == "all" || asked == state) &&
				(request.GetKind() == "" || request.GetKind() == r.GetKind()) {
				want = append(want, placeOf(r))
			}
		}
		slices.Sort(want)
		for {
			page, err := w.ListConflicts(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if int(page.GetTotal()) != len(want) || len(page.GetConflicts()) > int(request.GetLimit()) {
				t.Fatalf("a page of %d of %d, and %d are wanted", len(page.GetConflicts()), page.GetTotal(), len(want))
			}
			for _, c := range page.GetConflicts() {
				got = append(got, strings.Join([]string{c.GetKind(), c.GetNamespace(), c.GetName()}, "\x00"))
			}
			if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("listed %q, not %q", got, want)
		}
	})
}

// TestPagesAreBounded: a few conflicts of whole resources don't make an answer that nobody can take.
func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	var all []*netboxv1.Receipt
	for i := range 5 {
		r := at("VPC", "default", fmt.Sprint("vpc-", i), isOpen)
		text := fmt.Appendf(nil, "%q", strings.Repeat("x", 400<<10))
		r.Conflict.Paths = []*netboxv1.ConflictPath{{Path: ".", Git: text, Netbox: text}}
		all = append(all, r)
	}
	w := newWorld(t, all...)
	page, err := w.ListConflicts(t.Context(), &bridgev1.ListConflictsRequest{FabricId: linked})
	if err != nil || len(page.GetConflicts()) != 1 || page.GetTotal() != 5 || page.GetNextPageToken() == "" {
		t.Errorf("%d conflicts of %d: %v", len(page.GetConflicts()), page.GetTotal(), err)
	}
}

// TestAConflictIsShown with the values of all sides: one that a side does not have is absent, and null is a value.
func TestAConflictIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twoPlaces())
	found, err := w.GetConflict(t.Context(), &bridgev1.GetConflictRequest{FabricId: linked, ConflictId: "c-1"})
	if err != nil {
		t.Fatal(err)
	}
	c := found.GetConflict()
	if c.GetState() != "open" || c.GetVersion() != "v-1" || c.GetPathsTotal() != 2 ||
		c.GetKind() != "VPC" || c.GetNamespace() != "default" ||
		c.GetName() != "vpc-1" || c.GetPath() != "managed/vpcs/vpc-1.yaml" || c.GetRecordId() != 7 ||
		c.GetOpenedAt() == nil || c.GetResolvedAt() != nil || c.GetGit().GetSubject() != "Renumber" ||
		c.GetNetbox().GetUser() != "grace" || c.GetNetbox().GetChangeId() != 12 {
		t.Errorf("shown is %v", c)
	}
	vlan, owner := c.GetPaths()[0], c.GetPaths()[1]
	if vlan.GetReason() != "both_changed" || vlan.GetBase().GetNumberValue() != 1001 ||
		vlan.GetNetbox().GetNumberValue() != 4294967295 {
		t.Errorf("the VLAN is %v", vlan)
	}
	if _, null := owner.GetNetbox().GetKind().(*structpb.Value_NullValue); !null || owner.GetGit() != nil ||
		owner.GetBase().GetStringValue() != "a" {
		t.Errorf("the owner is %v", owner)
	}
}

// TestEachValueIsShown: a number that a reader would round is a text, and what can't be told as a value is the text
// that is kept. None keeps people from the others.
func TestEachValueIsShown(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":[`, 4000) + strings.Repeat("]}", 4000)
	for kept, want := range map[string]string{
		`9007199254740992`: `9007199254740992`, `9007199254740993`: `"9007199254740993"`,
		`{"a":[-9007199254740993,0.1]}`: `{"a":["-9007199254740993",0.1]}`, `[1e400,null,true]`: `["1e400",null,true]`,
		strings.Repeat("[", 100) + strings.Repeat("]", 100): strings.Repeat("[", 100) + strings.Repeat("]", 100),
		strings.Repeat("[", 101) + strings.Repeat("]", 101): `"` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + `"`,
		deep: asJSON(t, deep), "{\"a\":\xff": asJSON(t, "{\"a\":\ufffd"),
	} {
		r := twoPlaces()
		r.Conflict.Paths = []*netboxv1.ConflictPath{{Path: "spec.a", Base: []byte(kept), Netbox: []byte(kept)}}
		page, err := newWorld(t, r).ListConflicts(t.Context(), &bridgev1.ListConflictsRequest{FabricId: linked})
		if err != nil {
			t.Errorf("%.100s: %v", kept, err)
			continue
		}
		shown := page.GetConflicts()[0].GetPaths()[0]
		for _, side := range []*structpb.Value{shown.GetBase(), shown.GetNetbox()} {
			if got := asJSON(t, side.AsInterface()); got != want {
				t.Errorf("%.100s is shown as %.100s", kept, got)
			}
		}
	}
}

// asJSON returns a value as JSON.
func asJSON(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestPathsAreBounded: of very many the first are shown, and it is said how many there are. All of them can be settled.
func TestPathsAreBounded(t *testing.T) {
	t.Parallel()
	r := twoPlaces()
	for i := range 1001 {
		r.Conflict.Paths = append(r.Conflict.Paths, &netboxv1.ConflictPath{Path: fmt.Sprint("spec.x", i)})
	}
	w := newWorld(t, r)
	page, err := w.ListConflicts(t.Context(), &bridgev1.ListConflictsRequest{FabricId: linked})
	if err != nil {
		t.Fatal(err)
	}
	shown := page.GetConflicts()[0]
	if n := len(shown.GetPaths()); n != 1000 || shown.GetPathsTotal() != 1003 || shown.GetPaths()[0].GetPath() != vlan {
		t.Errorf("%d paths of %d", n, shown.GetPathsTotal())
	}
	if _, err := w.ResolveConflict(t.Context(), asked("git", choose("spec.x1000", "netbox", nil))); err != nil {
		t.Fatal(err)
	}
	all := w.outbox.asked.GetChoices()
	if n := len(all); n != 1003 || all[n-1].GetTake() != "netbox" || all[n-2].GetTake() != "git" {
		t.Errorf("%d choices: %v", n, all[max(0, n-2):])
	}
}

// TestWhatIsNotThere: a conflict, a link, a fabric, and an outbox that can be read.
func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twoPlaces())
	for fabric, code := range map[int32]errs.Code{
		linked: errs.ConflictNotFound, unlinked: errs.NetBoxNotLinked, 99: errs.FabricNotFound,
	} {
		_, err := w.GetConflict(t.Context(), &bridgev1.GetConflictRequest{FabricId: fabric, ConflictId: "c-2"})
		requireError(t, err, code, "")
		_, err = w.ResolveConflict(t.Context(), &bridgev1.ResolveConflictRequest{
			FabricId: fabric, ConflictId: "c-2", Version: "v-1", Take: "git",
		})
		requireError(t, err, code, "")
	}
	_, err := w.ListConflicts(t.Context(), &bridgev1.ListConflictsRequest{FabricId: unlinked})
	requireError(t, err, errs.NetBoxNotLinked, "")
	_, err = w.ListConflicts(t.Context(), &bridgev1.ListConflictsRequest{FabricId: linked, PageToken: "x"})
	requireError(t, err, errs.InvalidRequest, "page_token")
	w.outbox.set(func(f *fakeOutbox) { f.broken = errs.New(errs.RedisConnectionFailed, "Redis is away.") })
	_, err = w.ListConflicts(t.Context(), &bridgev1.ListConflictsRequest{FabricId: linked})
	requireError(t, err, errs.RedisConnectionFailed, "")
}
