package hnp_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// TestWhateverFails, in whatever order: what is said to be made is there, what is there was not made twice, and when
// nothing fails any more, all of it is there.
func TestWhateverFails(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.3.0", netboxserver.Version} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := setupVersion(t, version)
			rapid.Check(t, func(r *rapid.T) { p.withstands(r) })
		})
	}
}

// withstands makes records in a fabric of their own while requests fail.
func (p *plugin) withstands(r *rapid.T) {
	p.Mend()
	p.fabric = int64(p.AddFabric(fmt.Sprintf("fabric of %d", p.Changes())))
	before := p.Changes()
	drafts := p.drafts(rapid.IntRange(1, 12).Draw(r, "records"))
	for range rapid.IntRange(0, 4).Draw(r, "faults") {
		fault := illAnswers()[rapid.SampledFrom(slices.Sorted(maps.Keys(illAnswers()))).Draw(r, "fault")]
		fault.Method = rapid.SampledFrom([]string{http.MethodPost, http.MethodPost, http.MethodGet}).Draw(r, "of")
		fault.Done, fault.Times = rapid.Bool().Draw(r, "done"), 1
		p.Break(fault)
	}
	p.holds(r, drafts)
	p.holds(r, drafts)
	p.Mend()
	left, err := p.create(drafts)
	if here := p.here(r); err != nil || len(left) != 0 || here != len(drafts) || p.Changes()-before != here {
		r.Fatalf("%v, %v: %d there, %d changes", left, err, here, p.Changes()-before)
	}
	p.Remove("fabrics", int(p.fabric))
}

// holds makes records, and holds that what is said of each is so.
func (p *plugin) holds(r *rapid.T, drafts []hnp.Draft) {
	made, _ := p.Create(p.t.Context(), "Server", drafts)
	for i, one := range made {
		switch there := p.Has("servers", int(one.Effect.Record.ID)); {
		case one.Err == nil && !there:
			r.Fatalf("%v is said to be made, and is not there", one)
		case hnp.Is(one.Err, hnp.Refused) || hnp.Is(one.Err, hnp.Changed):
			r.Fatalf("%v: %v", drafts[i], one.Err)
		}
	}
}

// here returns how many servers there are in the fabric.
func (p *plugin) here(r *rapid.T) int {
	all, err := p.List(p.t.Context(), "Server")
	if err != nil {
		r.Fatal(err)
	}
	number := 0
	for _, record := range all {
		if record.Fabric == p.fabric {
			number++
		}
	}
	return number
}
