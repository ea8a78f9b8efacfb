// Package merge merges what Git and NetBox made of a resource that both knew. What was changed on one side alone is
// taken from it, what both made the same is one, and where they differ nobody guesses: that is a conflict, of a path
// and three values, for a policy or a person to settle. It knows nothing of files, records and clocks.
package merge

import (
	"slices"

	"fgdsync.dev/libs/errs"
)

// Content is what a resource says: trees of what encoding/json makes of JSON, with numbers as json.Number.
type Content struct{ Spec, Labels, Annotations map[string]any }

// Sides are what both sides agreed on last, and what each has now. One that does not have the resource has nil.
type Sides struct{ Base, Git, NetBox *Content }

// Judge returns an error with words for people when a content is none that a resource may have.
type Judge func(Content) error

// Result is what a merge comes to.
type Result struct {
	// Content is what is to be on both sides; nil when there is to be no resource. Where a conflict is open, it has
	// what both sides agreed on last. It shares parts with the contents that it was made of.
	Content *Content
	// Git and NetBox are what each side has changed.
	Git, NetBox []Edit
	// Conflicts are where both sides changed the same in different ways, those that a policy or a choice settled too.
	Conflicts []Conflict
}

// Open returns the conflicts that nobody has settled.
func (r Result) Open() []Conflict {
	return slices.DeleteFunc(slices.Clone(r.Conflicts), func(c Conflict) bool { return c.Taken != Nobody })
}

// Merger merges the resources of a fabric.
type Merger struct {
	rules    map[string]*rule // by kind
	other    *rule            // of kinds of which nothing is known
	policies []Policy
}

// New returns a merger that settles conflicts by policies. Two of them may not be for the same kind and path.
func New(policies ...Policy) (*Merger, error) {
	m := &Merger{rules: map[string]*rule{}, other: rulesOf(nil), policies: slices.Clone(policies)}
	for kind, entries := range keyTable() {
		m.rules[kind] = rulesOf(entries)
	}
	for i, p := range m.policies {
		if err := p.validate(); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(m.policies[:i], func(q Policy) bool { return q.Kind == p.Kind && q.Prefix == p.Prefix }) {
			return nil, errs.Field("policies", "Two policies are for %s.", p.place())
		}
	}
	return m, nil
}

// Merge merges what both sides have of a resource of a kind. What was made of edits of both, and is what neither
// has, is judged: when it may not be, the spec as a whole is a conflict.
func (m *Merger) Merge(kind string, sides Sides, judge Judge) Result {
	result, _ := m.merge(kind, sides, judge, nil) // only a choice can be wrong
	return result
}

// Equal reports whether two contents of a kind, nil for none, mean the same to a merge.
func (m *Merger) Equal(kind string, a, b *Content) bool {
	return m.rulesFor(kind).equal(tree(a), tree(b))
}

// Differences returns the paths at which a content of a kind is another one, in order; Whole alone when one of both is
// none, which nil is.
func (m *Merger) Differences(kind string, from, to *Content) []Path {
	rules, was, is := m.rulesFor(kind), tree(from), tree(to)
	if (from == nil) != (to == nil) {
		return []Path{Whole}
	}
	var paths []Path
	for _, edit := range script(rules, was, is, Value{}) {
		paths = append(paths, edit.Path)
	}
	return paths
}

func (m *Merger) rulesFor(kind string) *rule {
	if known := m.rules[kind]; known != nil {
		return known
	}
	return m.other
}

func (m *Merger) merge(kind string, sides Sides, judge Judge, choices map[Path]Choice) (Result, error) {
	r := run{kind: kind, rules: m.rulesFor(kind), policies: m.policies, choices: choices}
	all := three{tree(sides.Base), tree(sides.Git), tree(sides.NetBox)}
	content, err := ContentOf(r.merge(Whole, r.rules, all))
	if err == nil {
		content = r.judge(all, content, judge)
		err = r.err
	}
	return Result{
		Content: content, Conflicts: r.conflicts,
		Git: script(r.rules, all.base, all.git, all.netbox), NetBox: script(r.rules, all.base, all.netbox, all.git),
	}, err
}

// parts is how many a content has at most.
const parts = 3

// tree returns a content as one value.
func tree(c *Content) Value {
	if c == nil {
		return Value{}
	}
	root := make(map[string]any, parts)
	if c.Spec != nil {
		root["spec"] = c.Spec
	}
	if c.Labels != nil {
		root["labels"] = c.Labels
	}
	if c.Annotations != nil {
		root["annotations"] = c.Annotations
	}
	return present(root)
}

// ContentOf returns a value that is a resource as a whole as its content. Only one that a person gave can be none.
func ContentOf(v Value) (*Content, error) {
	if !v.Present {
		return nil, nil //nolint:nilnil // no resource is what is meant, and no error
	}
	root, is := v.JSON.(map[string]any)
	c := &Content{}
	for name, value := range root {
		part, object := value.(map[string]any)
		is = is && object
		switch name {
		case "spec":
			c.Spec = part
		case "labels":
			c.Labels = part
		case "annotations":
			c.Annotations = part
		default:
			is = false
		}
	}
	if !is {
		return nil, errs.Field("choices",
			"What is given for a resource as a whole has to have objects as spec, labels and annotations, and nothing else.")
	}
	return c, nil
}

// judge has the caller say whether what was made of the edits of both sides may be. Where it may not, the spec as a
// whole is a conflict. What is taken instead is judged once more.
func (r *run) judge(all three, merged *Content, judge Judge) *Content {
	open := func(c Conflict) bool { return c.Taken == Nobody }
	if slices.ContainsFunc(r.conflicts, open) {
		return merged
	}
	words := r.refused(all, merged, judge)
	if words == "" {
		return merged
	}
	c := r.settle(Spec, r.rules.in(string(Spec)), three{specOf(all.base), specOf(all.git), specOf(all.netbox)})
	c.Reason, c.Words = Invalid, words
	if c.Policy != nil && len(r.choices) > 0 { // it does not undo what a person has chosen
		c.Taken, c.Policy = Nobody, nil
	}
	settled := r.withSpec(*merged, c.value())
	if c.Taken != Nobody {
		if words := r.refused(all, settled, judge); words != "" {
			c.Taken, c.Words = Nobody, words
			settled = r.withSpec(*merged, c.value())
		}
	}
	r.conflicts = append(r.conflicts, c)
	return settled
}

// refused returns the words with which a content is refused. What a side has already is not judged.
func (r *run) refused(all three, c *Content, judge Judge) string {
	merged := tree(c)
	if c == nil || r.rules.equal(merged, all.git) || r.rules.equal(merged, all.netbox) {
		return ""
	}
	if err := judge(*c); err != nil {
		return err.Error()
	}
	return ""
}

func specOf(whole Value) Value {
	root, _ := whole.object()
	return field(root, string(Spec))
}

// withSpec returns a content with another spec.
func (r *run) withSpec(content Content, spec Value) *Content {
	object, is := spec.object()
	if !is {
		r.err = errs.Field("choices", "What is given for the spec is an object.")
	}
	content.Spec = object
	return &content
}

// three is what both sides agreed on last at a path, and what each has there now.
type three struct{ base, git, netbox Value }
