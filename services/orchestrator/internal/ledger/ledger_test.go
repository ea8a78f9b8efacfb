package ledger_test

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/ledger"
)

// TestMain lets one goroutine pass: the library leaves it behind when it gives up a damaged file.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("go.etcd.io/bbolt.(*DB).freepages.func2"))
}

func open(t *testing.T, path string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(path)
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTheRegisterIsWhatIsNewest is the law of the register: in whatever order definitions and deletions of a fabric
// come, and however often the file is opened anew in between, the one with the largest generation counts.
func TestTheRegisterIsWhatIsNewest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(t.TempDir(), "ledger.db")
		l := open(t, path)
		newest, deleted := map[int32]int64{}, map[int32]int64{}
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				id, generation := rapid.Int32Range(1, 3).Draw(rt, "id"), rapid.Int64Range(1, 20).Draw(rt, "generation")
				must(t, l.PutFabric(&fabricv1.Fabric{FabricId: id, Generation: generation}))
				if generation > max(newest[id], deleted[id]) {
					newest[id] = generation
					delete(deleted, id)
				}
			},
			"delete": func(rt *rapid.T) {
				id, generation := rapid.Int32Range(1, 3).Draw(rt, "id"), rapid.Int64Range(1, 20).Draw(rt, "generation")
				must(t, l.DeleteFabric(id, generation))
				if generation >= newest[id] && generation > deleted[id] {
					deleted[id] = generation
					delete(newest, id)
				}
			},
			"reopen": func(*rapid.T) {
				must(t, l.Close())
				l = open(t, path)
			},
			"": func(rt *rapid.T) {
				register, err := l.Register()
				must(t, err)
				if len(register.Fabrics) != len(newest) || len(register.Deleted) != len(deleted) {
					rt.Fatalf("%v, want %v and deleted %v", register, newest, deleted)
				}
				for _, f := range register.Fabrics {
					if newest[f.GetFabricId()] != f.GetGeneration() {
						rt.Fatalf("fabric %v, want generation %d", f, newest[f.GetFabricId()])
					}
				}
				for id, generation := range register.Deleted {
					if deleted[id] != generation {
						rt.Fatalf("fabric %d was deleted up to %d, want %d", id, generation, deleted[id])
					}
				}
			},
		})
		must(t, l.Close())
	})
}

func TestAcceptedSyncsAreKeptUntilTheyAreSettled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "ledger.db")
	l := open(t, path)
	var work sync.WaitGroup
	ids := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for _, id := range ids {
		work.Go(func() {
			if err := l.Accept(&syncv1.Sync{SyncId: id, RequestedBy: "Jo"}); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	must(t, l.Accept(&syncv1.Sync{SyncId: "a", RequestedBy: "Ada"}))
	l.Settle("b", "c", "never accepted")
	must(t, l.Accept(&syncv1.Sync{SyncId: "i"})) // comes after what does not wait
	must(t, l.Close())
	l = open(t, path)
	accepted, err := l.Accepted()
	must(t, err)
	var got []string
	for _, record := range accepted {
		got = append(got, record.GetSyncId())
	}
	if !slices.Equal(got, []string{"a", "d", "e", "f", "g", "h", "i"}) ||
		!proto.Equal(accepted[0], &syncv1.Sync{SyncId: "a", RequestedBy: "Ada"}) {
		t.Errorf("kept %v", accepted)
	}
}

func TestALedgerThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	taken := filepath.Join(folder, "taken.db")
	open(t, taken)
	file := filepath.Join(folder, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for name, path := range map[string]string{
		"in use": taken, "below a file": filepath.Join(file, "ledger.db"),
	} {
		_, err := ledger.Open(path)
		if !errs.HasCode(err, errs.LedgerUnusable) || errs.From(err).RemedyText() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAClosedLedgerTakesNothing(t *testing.T) {
	t.Parallel()
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"))
	must(t, l.Close())
	if err := l.Accept(&syncv1.Sync{SyncId: "a"}); !errs.HasCode(err, errs.DatabaseError) {
		t.Errorf("accept: %v", err)
	}
	if _, err := l.Accepted(); !errs.HasCode(err, errs.DatabaseError) {
		t.Errorf("read: %v", err)
	}
	l.Settle("a")
}
