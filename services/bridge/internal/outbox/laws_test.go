package outbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// people are those who edit resources on both sides, and what each field was set to last, by whichever of them.
type people struct {
	*pair
	t    *rapid.T
	last map[key]map[string]int // nil for a resource that was deleted last
	next int                    // no two values are alike
	// twice are resources that were made on one side while the other had one, or may have: what was made before in NetBox
	// is in Git when it was told. Who takes the one away there means no other.
	twice map[key]bool
	made  map[key]bool // in NetBox
}

func (p *people) fieldsIn(spec map[string]any) map[string]int {
	out := map[string]int{}
	for f, v := range spec {
		switch n := v.(type) {
		case json.Number:
			i, _ := n.Int64()
			out[f] = int(i)
		case float64:
			out[f] = int(n)
		}
	}
	return out
}

func specText(fields map[string]int) string {
	raw, _ := json.Marshal(fields)
	return string(raw)
}

func (p *people) file(k key) (map[string]int, bool) {
	text, there := p.branch.files[k]
	var spec map[string]any
	_ = json.Unmarshal([]byte(text), &spec)
	return p.fieldsIn(spec), there
}

func (p *people) record(k key) (map[string]int, bool) {
	record, there := p.records()[k]
	spec, _ := record.Spec.(map[string]any)
	return p.fieldsIn(spec), there
}

func (p *people) set(k key, field string) int {
	p.next++
	if p.last[k] == nil {
		p.last[k] = map[string]int{}
	}
	p.last[k][field] = p.next
	return p.next
}

// inGit has somebody edit a file.
func (p *people) inGit(k key) {
	fields, there := p.file(k)
	switch what := rapid.IntRange(0, 9).Draw(p.t, "what in Git"); {
	case there && what == 0:
		delete(p.branch.files, k)
		p.last[k] = nil
	case there:
		f := rapid.SampledFrom([]string{"x", "y"}).Draw(p.t, "field")
		fields[f] = p.set(k, f)
		p.branch.files[k] = specText(fields)
	default:
		if _, other := p.record(k); other {
			p.twice[k] = true
		}
		p.last[k] = nil
		p.branch.files[k] = specText(map[string]int{"x": p.set(k, "x"), "y": p.set(k, "y")})
	}
	p.branch.commit("Ada", nil)
	if rapid.Bool().Draw(p.t, "a sync follows") {
		p.clock = p.clock.Add(time.Second)
		p.left("sync of a push")
	}
}

// inNetBox has somebody edit a record.
func (p *people) inNetBox(k key) {
	fields, there := p.record(k)
	switch what := rapid.IntRange(0, 9).Draw(p.t, "what in NetBox"); {
	case there && what == 0:
		p.person("alice", "DELETE", k, "")
		p.last[k] = nil
	case there:
		f := rapid.SampledFrom([]string{"x", "y"}).Draw(p.t, "field")
		fields[f] = p.set(k, f)
		p.person("alice", "PATCH", k, `{"spec":`+specText(fields)+`}`)
	default:
		if _, other := p.file(k); other || p.made[k] {
			p.twice[k] = true
		}
		p.made[k] = true
		p.last[k] = nil
		spec := specText(map[string]int{"x": p.set(k, "x"), "y": p.set(k, "y")})
		p.person("bob", "POST", k, fmt.Sprintf(`{"fabric":%d,"name":%q,"namespace":"default","spec":%s}`,
			p.linked.GetNetbox().GetFabric(), k.name, spec))
	}
}

// quiet has everything mended, told, compared and delivered until nothing happens any more.
func (p *people) quiet() {
	p.branch.broken, p.wire.faults = nil, nil
	before := ""
	for range 30 {
		p.clock = p.clock.Add(2 * foundGrace)
		p.left("sync of all")
		if p.d == nil {
			p.must()
		}
		p.hear(p.t.Context())
		p.must()
		if err := p.compare(p.t.Context()); err != nil {
			p.t.Fatal(err)
		}
		for range 3 {
			p.must()
		}
		now := fmt.Sprint(p.branch.files, p.records(), p.states())
		if now == before {
			return
		}
		before = now
	}
	p.t.Fatalf("it never comes to rest: %s", before)
}

// must delivers. On a busy machine Redis may not answer in time; then it is done again, as a bridge does.
func (p *people) must() {
	var err error
	for range 5 {
		if err = p.deliver(p.t.Context()); err == nil {
			return
		}
	}
	p.t.Fatalf("deliver: %v", err)
}

// TestBothWaysWhateverHappens is the law of both directions: over any schedule of edits on both sides, of what is told,
// compared and delivered between them, of deaths of the bridge, of syncs and requests that are lost or done without an
// answer: each record comes to be what was said of each of its fields last, on both sides; or both sides said something
// else without knowing of each other, and then it is held, with a conflict that somebody can settle. No commit is made
// that nobody in NetBox asked for.
func TestBothWaysWhateverHappens(t *testing.T) {
	t.Parallel()
	conn, folder, fabric := redisFor(t), t.TempDir(), int32(0)
	names := []key{server("a"), server("b"), server("c")}
	rapid.Check(t, func(rt *rapid.T) {
		fabric++
		p := &people{
			pair: newPair(t, rt, conn, fmt.Sprint(folder, "/", fabric), fabric), t: rt, last: map[key]map[string]int{},
			twice: map[key]bool{}, made: map[key]bool{},
		}
		defer p.end()
		p.pushed()
		some := func() key { return rapid.SampledFrom(names).Draw(rt, "resource") }
		rt.Repeat(map[string]func(*rapid.T){
			"git":    func(*rapid.T) { p.inGit(some()) },
			"git 2":  func(*rapid.T) { p.inGit(some()) },
			"netbox": func(*rapid.T) { p.inNetBox(some()) },
			"more":   func(*rapid.T) { p.inNetBox(some()) },
			"sync": func(*rapid.T) {
				p.clock = p.clock.Add(time.Second)
				p.left("sync")
			},
			"hear": func(*rapid.T) {
				if p.d != nil {
					p.hear(rt.Context())
				}
			},
			"deliver": func(*rapid.T) { _ = p.deliver(rt.Context()) },
			"again":   func(*rapid.T) { _ = p.deliver(rt.Context()) },
			"compare": func(*rapid.T) {
				if p.d != nil {
					_ = p.compare(rt.Context())
				}
			},
			"later": func(*rapid.T) { p.clock = p.clock.Add(foundGrace) },
			"died":  func(*rapid.T) { p.again() },
			"git is away": func(*rapid.T) {
				p.branch.broken, p.branch.late = errors.New("away"), rapid.Bool().Draw(rt, "late")
			},
			"git is back": func(*rapid.T) { p.branch.broken = nil },
			"faults": func(*rapid.T) {
				p.wire.faults = append(p.wire.faults, rapid.SampledFrom([]fault{lost, unanswered, broken}).Draw(rt, "fault"))
			},
			"": func(*rapid.T) {},
		})
		p.quiet()
		p.judge(names)
	})
}

// judge holds the result against what people said.
func (p *people) judge(names []key) {
	for _, k := range names {
		file, inGit := p.file(k)
		record, inNetBox := p.record(k)
		r := p.d.receipts[k]
		if r.GetState() == netboxv1.State_STATE_HELD {
			if !isOpen(r.GetConflict()) || inGit == inNetBox && maps.Equal(file, record) {
				p.t.Fatalf("%v is held: %v", k, r)
			}
			continue
		}
		said := inGit == (p.last[k] != nil) && (!inGit || maps.Equal(file, p.last[k]))
		if p.twice[k] { // both made it, and who takes theirs away leaves the other's
			said = true
		}
		if inGit != inNetBox || !maps.Equal(file, record) || !said {
			for i, c := range p.branch.commits {
				p.t.Logf("commit %d by %s: %s; %v", i+1, c.author, c.files[k], c.set)
			}
			p.t.Fatalf("%v: %v in Git, %v in NetBox, and said was %v: %v", k, file, record, p.last[k], r)
		}
	}
	for i, c := range p.branch.commits {
		if c.set != nil && (i == 0 || maps.Equal(c.files, p.branch.commits[i-1].files)) {
			p.t.Fatalf("a commit changes nothing: %v", c)
		}
		if c.set != nil && !slices.Contains([]string{"alice", "bob", ""}, c.author) {
			p.t.Fatalf("by %s: %v", c.author, c.set)
		}
	}
}
