package outbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// TestTheCommitIsThatOfTheFile, whatever else syncs bring, and although a file that is read anew has no author that the
// newest commits tell of.
func TestTheCommitIsThatOfTheFile(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	first := w.linked.GetPublished().GetCommit()
	holds := func() {
		t.Helper()
		r := w.d.receipts[a]
		if r.GetAgreed().GetCommit() != first || r.GetWanted().GetChangedBy().GetCommit() != first {
			t.Errorf("it is %s: %v", first, r)
		}
	}
	holds()
	w.git.now[server("b")] = 1
	w.synced(t)
	holds()
	w.asked = Asked{Number: 1} // the fake names the commit that is read as that of each file
	w.settled(t.Context())
	holds()
	w.linked.Published.Commit = w.git.commit()
	w.git.author = func(commit string) *fabricv1.FileAuthor { return &fabricv1.FileAuthor{Commit: first} }
	w.git.now[a] = 2
	w.synced(t) // the sync's commit is a later one
	holds()
}

// TestAKindWithoutRecords keeps no commit from being proven.
func TestAKindWithoutRecords(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.git.now[server("a")], w.git.now[key{"SwitchProfile", "default", "p"}] = 1, 1
	w.synced(t)
	if proven := w.d.state.GetProvenCommit(); proven != w.linked.GetPublished().GetCommit() {
		t.Errorf("proven is %q: %v", proven, w.d.receipts)
	}
}

// TestBothSidesHaveDeletedIt: the record first, then the file. One that somebody has made anew in between stays.
func TestBothSidesHaveDeletedIt(t *testing.T) {
	t.Parallel()
	w, a, b := one(t), server("a"), server("b")
	w.git.now[a], w.git.now[b] = 1, 1
	w.synced(t)
	for _, k := range []key{a, b} {
		w.person(http.MethodDelete, w.records()[k].ID, "")
	}
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := w.d.receipts[a]; r.GetProblem().GetReason() != netboxv1.Reason_REASON_DELETED_IN_NETBOX {
		t.Fatal(r)
	}
	w.person(http.MethodPost, 0, fmt.Sprintf(`{"fabric":%d,"name":"b","namespace":"default","spec":{"a":1}}`,
		w.linked.GetNetbox().GetFabric()))
	delete(w.git.now, a)
	delete(w.git.now, b)
	w.d.receipts[b].Doubted = nil // nothing is on its way
	w.synced(t)
	if r := w.d.receipts[a]; !buried(r) || r.GetProblem() != nil {
		t.Errorf("both agree: %v", r)
	}
	w.stays(t, b, "1")
}

// TestAChangedRecordOfADeletedFile stays, and what is said of it is so.
func TestAChangedRecordOfADeletedFile(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	w.edited(t, a, "people")
	delete(w.git.now, a)
	w.synced(t)
	w.stays(t, a, "people")
	if p := w.d.receipts[a].GetProblem(); !strings.Contains(p.GetMessage(), "its file was deleted") {
		t.Error(p)
	}
}

// TestWhatIsHeldSaysWhatDiffers, and who did it, also after a second change and after it was looked at again. A record
// of which only a comparison knows says what differs too.
func TestWhatIsHeldSaysWhatDiffers(t *testing.T) {
	t.Parallel()
	w, a, b := one(t), server("a"), server("b")
	w.git.now[a], w.git.now[b] = 1, 1
	w.synced(t)
	says := func(k key, user string, places ...string) {
		t.Helper()
		w.settled(t.Context())
		p := w.d.receipts[k].GetProblem()
		if p.GetReason() != netboxv1.Reason_REASON_CHANGED_IN_NETBOX || !slices.Equal(p.GetDiffering(), places) ||
			int(p.GetDifferingTotal()) != len(places) || p.GetUser() != user || (user == "") != (p.GetChangedAt() == nil) {
			t.Errorf("%v", w.d.receipts[k])
		}
	}
	w.edited(t, b, "people")
	says(b, "", "spec.a")
	for _, edit := range []struct {
		body   string
		places []string
	}{
		{`{"spec":{"a":1,"x.y":"z"}}`, []string{`spec["x.y"]`}},
		{`{"spec":{"a":[7],"x.y":"z"}}`, []string{"spec.a", `spec["x.y"]`}},
	} {
		head, err := w.d.client.FeedHead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.person(http.MethodPatch, w.records()[a].ID, edit.body)
		page, err := w.d.client.Feed(t.Context(), head, 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.d.heard(t.Context(), page.Changes); err != nil {
			t.Fatal(err)
		}
		says(a, "admin", edit.places...)
	}
	w.asked = Asked{Number: 5}
	says(a, "admin", "spec.a", `spec["x.y"]`)
	w.asked = Asked{Number: 6, Overwrite: true, Said: 6}
	w.settled(t.Context())
	if r := w.d.receipts[a]; r.GetState() != proven || r.GetEditor() != nil {
		t.Error(r)
	}
}

// TestAnOverwriteNamesWhoAskedForIt in NetBox's change log, beside the author of the file.
func TestAnOverwriteNamesWhoAskedForIt(t *testing.T) {
	t.Parallel()
	w, a := one(t), server("a")
	w.git.now[a] = 1
	w.synced(t)
	w.edited(t, a, "people")
	if err := w.store.ask(t.Context(), w.fabric, Asked{Number: 3, Overwrite: true, By: "grace"}); err != nil {
		t.Fatal(err)
	}
	all, err := w.store.asked(t.Context(), []int32{w.fabric})
	if err != nil {
		t.Fatal(err)
	}
	last, _, err := w.d.client.LogHead(t.Context(), w.clock)
	if err != nil {
		t.Fatal(err)
	}
	w.asked = all[w.fabric]
	w.settled(t.Context())
	changes, err := w.d.client.LogChanges(t.Context(), []int64{last + 1})
	if err != nil || len(changes) != 1 || !strings.Contains(changes[0].Message, "Ada, overwritten for grace: change it") {
		t.Errorf("%v, %v", changes, err)
	}
}

// TestAFabricThatIsNotThere is named.
func TestAFabricThatIsNotThere(t *testing.T) {
	t.Parallel()
	problem, _ := explain(fmt.Errorf("deliver: %w", noFabricError(7)))
	if !strings.HasPrefix(problem, "NetBox has no fabric 7:") {
		t.Error(problem)
	}
}
