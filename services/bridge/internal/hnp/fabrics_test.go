package hnp_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/services/bridge/internal/hnp"
)

func (p *plugin) fabricNow() hnp.Fabric {
	p.t.Helper()
	found, err := p.Fabric(p.t.Context(), p.fabric)
	if err != nil || found == nil {
		p.t.Fatal(found, err)
	}
	return *found
}

// state writes one, and returns whether something was written.
func (p *plugin) state(s hnp.FabricState) bool {
	p.t.Helper()
	changed, err := p.PutFabricState(p.t.Context(), p.fabric, p.fabricNow(), s, "0123abcd: synced")
	if err != nil {
		p.t.Fatal(err)
	}
	return changed
}

// TestTheStateOfAFabric is written when it is another one, and not again.
func TestTheStateOfAFabric(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(p *plugin) {
		counts := hnp.CountsOf(map[string]int{"VPC": 2, "Server": 3, "External": 1})
		at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.FixedZone("", 3600))
		wanted := hnp.FabricState{SyncStatus: hnp.InSync, LastSync: at, Counts: &counts}
		if g, err := p.Generation(p.t.Context()); err != nil || g.Eager { // of fabrics too there is no page
			_, err := p.PutFabricState(p.t.Context(), p.fabric, p.fabricNow(), wanted, "")
			if !hnp.Is(err, hnp.Refused) || p.Changes() != 0 {
				p.t.Errorf("got %v", err)
			}
			return
		}
		first, again := p.state(wanted), p.state(wanted)
		failed := p.state(hnp.FabricState{SyncStatus: hnp.SyncFailed, SyncError: " no\x00 way\n"})
		failedAgain := p.state(hnp.FabricState{SyncStatus: hnp.SyncFailed, SyncError: " no\x00 way\n"})
		if !first || again || !failed || failedAgain || p.Changes() != 2 {
			p.t.Errorf("%v, %v, %v, %v, %d changes", first, again, failed, failedAgain, p.Changes())
		}
		now := p.fabricNow()
		if now.SyncStatus != hnp.SyncFailed || now.SyncError != "no  way" || now.Counts != counts || now.CachedAll != 6 ||
			now.LastSync == nil || !now.LastSync.Equal(at.Truncate(time.Microsecond)) || now.Name != "fabric-1" {
			p.t.Errorf("got %+v", now)
		}
	})
}

// TestFabrics are all of a NetBox, with whatever words they have.
func TestFabrics(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.AddFabric("fabric-0")
	all, err := p.Fabrics(t.Context())
	none, noneErr := p.Fabric(t.Context(), 4711)
	if err != nil || len(all) != 2 || all[0].Name != "fabric-1" || all[1].SyncStatus != hnp.NeverSynced ||
		none != nil || noneErr != nil {
		t.Errorf("%v, %v; %v, %v", all, err, none, noneErr)
	}
	p.Break(netboxserver.Fault{Status: http.StatusOK, Times: 1, Body: `{"id":1,"name":"f","sync_status":"synced"}`})
	if odd := p.fabricNow(); odd.SyncStatus != "synced" {
		t.Errorf("got %v", odd)
	}
	_, err = p.PutFabricState(t.Context(), p.fabric, all[0], hnp.FabricState{SyncStatus: "synced"}, "")
	if !hnp.Is(err, hnp.Refused) || !strings.Contains(err.Error(), "sync_status") {
		t.Errorf("got %v", err)
	}
}

// TestWhatComesOfAState that nobody answers well: it is looked up.
func TestWhatComesOfAState(t *testing.T) {
	t.Parallel()
	for name, f := range illAnswers() {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", done ", done), func(t *testing.T) {
				t.Parallel()
				p, f := setup(t), f
				f.Done, f.Times, f.Method = done, 1, http.MethodPatch
				p.Break(f)
				changed, err := p.PutFabricState(t.Context(), p.fabric, p.fabricNow(),
					hnp.FabricState{SyncStatus: hnp.Syncing}, "")
				if changed != done || done == hnp.Is(err, hnp.Away) || done != (err == nil) {
					t.Errorf("done %v: %v, %v", done, changed, err)
				}
			})
		}
	}
}
