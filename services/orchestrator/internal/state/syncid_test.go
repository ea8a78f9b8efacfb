package state_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/orchestrator/internal/state"
)

func TestSyncIDNamesItsFabric(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		fabric := rapid.Int32().Draw(t, "fabric")
		at := time.UnixMilli(rapid.Int64Range(0, 1<<48-1).Draw(t, "ms"))
		id := state.NewSyncID(at, fabric)
		if got, err := state.FabricOfSync(id); err != nil || got != fabric {
			t.Fatalf("%s is of fabric %d, %v; want %d", id, got, err, fabric)
		}
		parsed, err := uuid.Parse(id)
		if err != nil || parsed.Version() != 8 || parsed.Variant() != uuid.RFC4122 {
			t.Fatalf("%s is no UUID of version 8: %v", id, err)
		}
		if seen[id] {
			t.Fatalf("%s came twice", id)
		}
		seen[id] = true
	})
}

func TestSyncIDsOrderByTime(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_770_000_000_000)
	if earlier, later := state.NewSyncID(at, 2), state.NewSyncID(at.Add(time.Millisecond), 1); earlier >= later {
		t.Errorf("%s is not before %s", earlier, later)
	}
}

func TestWhatIsNoSyncIDIsNotFound(t *testing.T) {
	t.Parallel()
	id := state.NewSyncID(time.UnixMilli(1_770_000_000_000), 35)
	for _, text := range []string{
		"", "x", uuid.NewString(), strings.ToUpper(id), "{" + id + "}", "urn:uuid:" + id, strings.ReplaceAll(id, "-", ""),
		id + " ", strings.Repeat("a", 5000),
	} {
		_, err := state.FabricOfSync(text)
		if !errs.HasCode(err, errs.SyncNotFound) || len(errs.From(err).Message) > 200 {
			t.Errorf("%.60q: %.200v", text, err)
		}
	}
}

func FuzzFabricOfSync(f *testing.F) {
	f.Add(state.NewSyncID(time.UnixMilli(1_770_000_000_000), 35))
	f.Add(state.NewSyncID(time.UnixMilli(0), -1))
	f.Add("")
	f.Add("00000000-0000-8000-8000-000000000000")
	f.Fuzz(func(t *testing.T, text string) {
		fabric, err := state.FabricOfSync(text)
		if err != nil {
			if fabric != 0 || !errs.HasCode(err, errs.SyncNotFound) {
				t.Errorf("%q: %d, %v", text, fabric, err)
			}
			return
		}
		// An id has one spelling: keys in Redis are made of it.
		if parsed, err := uuid.Parse(text); err != nil || parsed.String() != text {
			t.Errorf("%q was taken for an id", text)
		}
	})
}
