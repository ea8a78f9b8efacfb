package merge

// Op is what an edit does.
type Op string

// What an edit does: to have something where nothing was, nothing where something was, or something else.
const (
	Insert Op = "insert"
	Remove Op = "remove"
	Set    Op = "set"
)

// Edit is what a side changed at a path.
type Edit struct {
	Path     Path
	From, To Value
}

// Op returns what the edit does.
func (e Edit) Op() Op {
	switch {
	case !e.From.Present:
		return Insert
	case !e.To.Present:
		return Remove
	}
	return Set
}

// script returns what a side changed, as deep as it can be said. A list that the other side has made one value is one
// for both.
func script(rules *rule, base, side, other Value) []Edit {
	var edits []Edit
	var walk func(at Path, r *rule, base, side, other Value, depth int)
	walk = func(at Path, r *rule, base, side, other Value, depth int) {
		shape := r.shapeOf(base, side)
		if depth == deepest || shape == items && other.Present && !r.unique(other) {
			shape = whole
		}
		switch shape {
		case whole:
			edits = append(edits, Edit{at, r.real(base), r.real(side)})
		case objects:
			was, _ := base.object()
			is, _ := side.object()
			others, _ := other.object()
			for _, name := range names(was, is) {
				if from, to, within := field(was, name), field(is, name), r.in(name); !within.equal(from, to) {
					walk(at.field(name), within, from, to, field(others, name), depth+1)
				}
			}
		case items:
			was, is, others := r.ordered(base).items, r.ordered(side).items, r.ordered(other).items
			for _, key := range names(was, is) {
				if from, to := field(was, key), field(is, key); !r.item().equal(from, to) {
					walk(at.item(key), r.item(), from, to, field(others, key), depth+1)
				}
			}
		}
	}
	if !rules.equal(base, side) {
		walk(Whole, rules, base, side, other, 0)
	}
	return edits
}
