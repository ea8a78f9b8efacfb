package outbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hearing"
)

func idText(r *netboxv1.Receipt) string { return fmt.Sprint(r.GetRecordId()) }

// ofFirst reports whether a request makes records of the first fabric.
func ofFirst(r *http.Request) bool {
	if r.Method != http.MethodPost || r.GetBody == nil {
		return false
	}
	body, err := r.GetBody()
	if err != nil {
		return false
	}
	said, _ := io.ReadAll(body)
	return strings.Contains(string(said), `"fabric":1,`)
}

const (
	proven = netboxv1.State_STATE_PROVEN
	held   = netboxv1.State_STATE_HELD
)

// TestALongFirstPassHoldsUpNoOther: while the first pass of one fabric waits for NetBox, what happens to the records of
// another one is heard, with who did it; and what happened to the first one meanwhile is found afterwards.
func TestALongFirstPassHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	s, a, theirs := newRunning(t, 2), server("a"), server("theirs")
	s.git.now[a] = 1
	s.publish(1, 2)
	letGo := s.brake.hold(ofFirst)
	defer letGo()
	s.run()
	<-s.brake.came
	s.await(2, a, proven)
	s.person(http.MethodPost, 1, theirs, `{"fabric":1,"name":"theirs","namespace":"default","spec":{"a":7}}`)
	s.editUntilHeard(2, a)
	if r := s.receipt(1, a); r.GetState() == proven {
		t.Errorf("the first pass is not under way any more: %v", r)
	}
	letGo()
	s.await(1, a, proven)
	s.await(1, theirs, held)
}

// TestALongPassHoldsUpNoOther: while a pass waits for the answer to a write, what happens to other records is heard, of
// its fabric and of others. The write itself is known to be ours.
func TestALongPassHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	s, a, b := newRunning(t, 2), server("a"), server("b")
	s.git.now[a], s.git.now[b] = 1, 1
	s.publish(1, 2)
	s.run()
	for _, k := range []key{a, b} {
		s.await(1, k, proven)
		s.await(2, k, proven)
	}
	s.editUntilHeard(2, b)
	letGo := s.brake.hold(func(r *http.Request) bool {
		return r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/servers/")
	})
	defer letGo()
	s.git.now[a] = 2
	s.publish(1)
	<-s.brake.came // it is done, and nobody here knows
	s.person(http.MethodPatch, 1, b, `{"spec":{"a":"people"}}`)
	s.editUntilHeard(2, a)
	if names := s.changed(1); !slices.Equal(names, []string{"b"}) {
		t.Errorf("heard are changes of %v", names)
	}
	if r := s.receipt(1, a); r.GetState() == proven {
		t.Errorf("the pass is not under way any more: %v", r)
	}
	letGo()
	s.await(1, a, proven)
	if r := s.await(1, b, held); r.GetProblem().GetUser() != "admin" {
		t.Errorf("nobody knows who did it: %v", r)
	}
	if names := s.changed(1); !slices.Equal(names, []string{"b"}) {
		t.Errorf("heard are changes of %v", names)
	}
}

// TestALeaseThatEndsInAPass is no reason to rest longer and longer, as a NetBox that does not answer is.
func TestALeaseThatEndsInAPass(t *testing.T) {
	t.Parallel()
	s := newRunning(t, 1)
	s.git.now[server("a")] = 1
	s.publish(1)
	letGo := s.brake.hold(ofFirst)
	defer letGo()
	n := newNetBox(s.box, place{s.netbox.URL, "env:T"}, nil)
	n.give([]*fabricv1.LinkedFabric{s.git.linked[1]})
	ended := make(chan error, 1)
	go func() { ended <- n.lead(t.Context()) }()
	<-s.brake.came
	if err := s.redis.Main.Set(t.Context(), n.key(), "somebody else", 0).Err(); err != nil {
		t.Fatal(err)
	}
	err := <-ended
	if !errs.HasCode(err, errs.LockLost) {
		t.Fatalf("it ended with %v", err)
	}
	lost, fenced, away := newPause(), newPause(), newPause()
	var longest time.Duration
	for range 20 {
		for _, rest := range []time.Duration{
			restAfterLease(lost, time.Second, err), restAfterLease(fenced, time.Second, hearing.ErrFenced),
		} {
			if rest > 2*firstPause {
				t.Errorf("it rests for %s", rest)
			}
		}
		longest = max(longest, restAfterLease(away, time.Second, errResting))
	}
	if longest < longestPause/3 {
		t.Errorf("a NetBox that does not answer is asked every %s", longest)
	}
}

// TestTwoTokensOfOneNetBox share one gate: NetBox has no more to do for it. Another NetBox has one of its own.
func TestTwoTokensOfOneNetBox(t *testing.T) {
	t.Parallel()
	s := newRunning(t, 2)
	s.git.linked[2].Netbox.TokenRef = "env:OTHER"
	s.git.now[server("a")] = 1
	s.publish(1, 2)
	s.run()
	s.await(1, server("a"), proven)
	s.await(2, server("a"), proven)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.gates) != 1 {
		t.Errorf("there are %d gates", len(s.gates))
	}
	if s.gates[s.box.gates.of("http://other.test", s.brake, time.Now)] {
		t.Error("another NetBox has the same gate")
	}
}

// TestARenameIsHeard from either source: the record is gone under its old name, and only NetBox knows the new one, with
// who has renamed it.
func TestARenameIsHeard(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"feed", "log"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			w, a, b := one(t), server("a"), server("b")
			w.git.now[a] = 1
			w.synced(t)
			head, err := w.d.client.FeedHead(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			last, _, err := w.d.client.LogHead(t.Context(), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			w.person(http.MethodPatch, w.records()[a].ID, `{"name":"b"}`)
			page, err := w.d.client.Feed(t.Context(), head, 10, 0)
			changes := page.Changes
			if source == "log" {
				changes, err = w.d.client.LogChanges(t.Context(), []int64{last + 1})
			}
			if err != nil || len(changes) != 1 {
				t.Fatalf("told is %v: %v", changes, err)
			}
			if err := w.d.heard(t.Context(), changes); err != nil {
				t.Fatal(err)
			}
			for k, reason := range map[key]netboxv1.Reason{
				a: netboxv1.Reason_REASON_DELETED_IN_NETBOX, b: netboxv1.Reason_REASON_ONLY_IN_NETBOX,
			} {
				if p := w.d.receipts[k].GetProblem(); p.GetReason() != reason || p.GetUser() != "admin" {
					t.Errorf("%v: %v", k, w.d.receipts[k])
				}
			}
			if echo := w.d.ours.echo(changes[0]); echo != hearing.NotOurs {
				t.Errorf("it is taken for ours: %v", echo)
			}
		})
	}
}

// TestWhatCannotBeOpenedIsSaid, once for each cause, however often it is tried.
func TestWhatCannotBeOpenedIsSaid(t *testing.T) {
	t.Parallel()
	s := newRunning(t, 1)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.box.deps.Store = NewStore(s.redis, filepath.Join(file, "outbox.db")) // which is no folder
	ctx, end := context.WithCancel(t.Context())
	w := newWorker(&s.box.deps, session{compares: &compares{}, end: func(error) {}}, end)
	w.give(s.git.linked[1], Asked{})
	var work sync.WaitGroup
	work.Go(func() { w.run(ctx) })
	for range 4 {
		w.news <- struct{}{}
	}
	end()
	work.Wait()
	if said := s.log.count("the records of a fabric are not all delivered"); said != 1 {
		t.Errorf("it is said %d times", said)
	}
	w.warn(t.Context(), errResting)
	w.warn(t.Context(), nil)
	w.warn(t.Context(), errResting)
	if said := s.log.count("the records of a fabric are not all delivered"); said != 3 {
		t.Errorf("it is said %d times", said)
	}
}
