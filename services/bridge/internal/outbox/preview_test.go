package outbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/services/bridge/internal/merge"
)

// kept is all that there is: what Redis has of a fabric, the commits, and the records.
func (p *pair) kept() string {
	p.t.Helper()
	all := map[string]string{}
	for _, k := range p.redis.Main.Keys(context.Background(), prefixOf(p.fabric)+"*").Val() {
		raw, err := p.redis.Main.Dump(context.Background(), k).Result()
		if err != nil {
			p.t.Fatal(err)
		}
		all[k] = raw
	}
	return fmt.Sprintf("%q; %d commits, %v; %d writes, %v", all, len(p.branch.commits), p.branch.files,
		len(p.wire.writes), p.records())
}

// preview tries a resolution by a bridge that delivers nothing, and holds that nothing comes of it.
func (p *pair) preview(wanted *netboxv1.Resolution) (Preview, error) {
	p.t.Helper()
	before := p.kept()
	preview, err := New(*p.deps).Preview(context.Background(), p.fabric, wanted)
	if after := p.kept(); after != before {
		p.t.Fatalf("a preview made\n%s\nof\n%s", after, before)
	}
	return preview, err
}

// fieldsChanged returns the paths at which a record is another one.
func fieldsChanged(before, after hnp.Record) (paths []merge.Path) {
	if (before.ID == 0) != (after.ID == 0) {
		return []merge.Path{merge.Whole}
	}
	was, _ := before.Spec.(map[string]any)
	is, _ := after.Spec.(map[string]any)
	for _, name := range []string{"a", "b", "c"} {
		if fmt.Sprint(was[name]) != fmt.Sprint(is[name]) {
			paths = append(paths, merge.Path("spec."+name))
		}
	}
	return paths
}

// TestAPreviewIsWhatBecomes is the law of previews: whatever both sides have made of a resource and whatever is taken,
// a preview changes nothing, and what it says is what the resolution then changes, in Git and in the record.
func TestAPreviewIsWhatBecomes(t *testing.T) {
	t.Parallel()
	conn, folder, fabric, a := redisFor(t), t.TempDir(), int32(0), server("a")
	rapid.Check(t, func(rt *rapid.T) {
		fabric++
		p := newPair(t, rt, conn, fmt.Sprint(folder, "/", fabric), fabric)
		defer p.end()
		p.branch.files[a] = `{"a":1,"b":1,"c":1}`
		p.pushed()
		p.step(t.Context())
		said := func(side string) string {
			fields := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.IntRange(1, 3), 1, 3).Draw(rt, side)
			return specText(fields)
		}
		if p.branch.files[a] = said("Git"); rapid.IntRange(0, 9).Draw(rt, "deleted in Git") == 0 {
			delete(p.branch.files, a)
		}
		p.pushed()
		if rapid.IntRange(0, 9).Draw(rt, "deleted in NetBox") == 0 {
			p.person("alice", "DELETE", a, "")
		} else {
			p.person("alice", "PATCH", a, `{"spec":`+said("NetBox")+`}`)
		}
		p.step(t.Context())
		c := p.d.receipts[a].GetConflict()
		if !isOpen(c) {
			return
		}
		wanted := chosenOf(rt, c)
		wanted.AskedAt = p.d.now()
		preview, err := p.preview(wanted)
		if err != nil || !isOpen(preview.Receipt.GetConflict()) {
			rt.Fatalf("%v: %v", err, preview)
		}
		files, record := maps.Clone(p.branch.files), p.records()[a]
		if err := p.answer(t, wanted); err != nil {
			rt.Fatalf("%v after %v", err, preview)
		}
		if diff := diffOf(files, p.branch.files); diff != preview.Diff {
			rt.Fatalf("the commit is\n%s\nand was to be\n%s", diff, preview.Diff)
		}
		p.step(t.Context())
		if paths := fieldsChanged(record, p.records()[a]); !slices.Equal(paths, preview.RecordFields) || p.differ() != "" {
			rt.Fatalf("the record changes at %v, and was to at %v; %s", paths, preview.RecordFields, p.differ())
		}
	})
}

// chosenOf returns a resolution with something for each path of a conflict.
func chosenOf(rt *rapid.T, c *netboxv1.Conflict) *netboxv1.Resolution {
	wanted := &netboxv1.Resolution{ConflictId: c.GetConflictId(), Version: c.GetVersion(), ResolvedBy: "judge"}
	for _, path := range c.GetPaths() {
		takes := []string{"git", "netbox", "value"}
		if path.GetPath() == string(merge.Whole) {
			takes = takes[:2]
		}
		choice := &netboxv1.Choice{Path: path.GetPath(), Take: rapid.SampledFrom(takes).Draw(rt, path.GetPath())}
		if choice.GetTake() == "value" {
			choice.Value = []byte(rapid.SampledFrom([]string{"", "1", "4", `"x"`}).Draw(rt, "value"))
		}
		wanted.Choices = append(wanted.Choices, choice)
	}
	return wanted
}

// TestAPreviewIsRefusedAsAResolutionIs, with the same codes and words.
func TestAPreviewIsRefusedAsAResolutionIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*pair, *netboxv1.Resolution)
		code   errs.Code
	}{
		"no such conflict": {
			func(_ *pair, r *netboxv1.Resolution) { r.ConflictId = "c-9" }, errs.ConflictNotFound,
		},
		"another version": {func(_ *pair, r *netboxv1.Resolution) { r.Version = "v-0" }, errs.ConflictMoved},
		"no choice":       {func(_ *pair, r *netboxv1.Resolution) { r.Choices = nil }, errs.InvalidRequest},
		"not valid": {func(p *pair, r *netboxv1.Resolution) {
			r.Choices[0].Take = "netbox"
			p.branch.judge = func(*editv1.Edit) *reportv1.Finding {
				return errs.ToFinding(errs.New(errs.EditRefused, "A subnet overlaps."), reportv1.Severity_SEVERITY_ERROR)
			}
		}, errs.EditRefused},
		"NetBox moved": {func(p *pair, _ *netboxv1.Resolution) {
			p.person("bob", "PATCH", server("a"), `{"spec":{"a":"third","b":1}}`)
		}, errs.ConflictMoved},
		"Git moved": {func(p *pair, _ *netboxv1.Resolution) {
			p.branch.files[server("a")] = `{"a":"third","b":1}`
			p.branch.commit("Ada", nil)
		}, errs.ConflictMoved},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := twoWays(t)
			seen := p.conflicted(t, server("a")).GetConflict()
			wanted := &netboxv1.Resolution{
				ConflictId: seen.GetConflictId(), Version: seen.GetVersion(), ResolvedBy: "judge", AskedAt: p.d.now(),
				Choices: []*netboxv1.Choice{{Path: "spec.a", Take: "git"}},
			}
			c.change(p, wanted)
			_, previewed := p.preview(wanted)
			resolved := p.answer(t, proto.CloneOf(wanted))
			if !errs.HasCode(previewed, c.code) || !errs.HasCode(resolved, c.code) ||
				errs.From(previewed).Message != errs.From(resolved).Message {
				t.Errorf("previewed: %v; resolved: %v", previewed, resolved)
			}
		})
	}
}

// TestAPreviewWithoutNetBox says that it does not answer, and of a fabric without a link that there is none.
func TestAPreviewWithoutNetBox(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	seen := p.conflicted(t, server("a")).GetConflict()
	wanted := &netboxv1.Resolution{
		ConflictId: seen.GetConflictId(), Version: seen.GetVersion(), AskedAt: p.d.now(),
		Choices: []*netboxv1.Choice{{Path: "spec.a", Take: "git"}},
	}
	box := New(*p.deps)
	if _, err := box.Preview(t.Context(), p.fabric+1, wanted); !errs.HasCode(err, errs.FabricNotFound) {
		t.Errorf("of another fabric: %v", err)
	}
	p.wire.down = true
	if _, err := box.Preview(t.Context(), p.fabric, wanted); !errs.HasCode(err, errs.NetBoxUnavailable) {
		t.Errorf("without NetBox: %v", err)
	}
}
