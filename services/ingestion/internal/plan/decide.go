package plan

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
)

// decide settles, identity by identity, which document is the managed one.
func (p *planner) decide() {
	for _, g := range p.order {
		p.decideManaged(g)
		p.decideUnlogged(g)
		p.decideInputs(g)
	}
	p.decideHeld()
}

// decideManaged picks one of the managed documents: the one that carries the annotations, else the one in its place,
// else the first by path.
func (p *planner) decideManaged(g *group) {
	if len(g.managed) == 0 {
		return
	}
	p.rank(g, g.managed)
	g.winner = g.managed[0]
	for _, other := range g.managed[1:] {
		if p.meaning(g.winner).Equal(other.Doc) {
			p.copied(g, other, g.winner)
			continue
		}
		other.quarantine(fmt.Sprintf("%s differs from %s, which is managed already", describe(g), g.winner.File.Path))
	}
}

// rank puts the document that stays first.
func (p *planner) rank(g *group, items []*Item) {
	slices.SortStableFunc(items, func(a, b *Item) int {
		return cmp.Or(
			first(a.Doc.Annotated, b.Doc.Annotated),
			first(g.inPlace(a), g.inPlace(b)),
			strings.Compare(a.File.Path, b.File.Path),
			cmp.Compare(a.Doc.Number, b.Doc.Number),
			cmp.Compare(a.Doc.Item, b.Doc.Item))
	})
}

// first orders those that have a property before those that don't.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// inPlace reports whether a managed document stands alone in a file of the right name.
func (g *group) inPlace(item *Item) bool {
	return item.File.Alone() && (item.File.Path == g.path() || isNumbered(item.File.Path, g.longPath()))
}

// isNumbered reports whether a path is the given one, or that with "-2", "-3" … before the extension.
func isNumbered(p, plain string) bool {
	rest, found := strings.CutPrefix(p, strings.TrimSuffix(plain, yamlExt))
	if !found || p == plain {
		return p == plain
	}
	number, found := strings.CutPrefix(strings.TrimSuffix(rest, yamlExt), "-")
	_, err := strconv.Atoi(number)
	return found && err == nil && strings.HasSuffix(rest, yamlExt)
}

// decideUnlogged lets documents of unmanaged/ of which no log says why they are there give way: it is not known that
// they are newer than what is elsewhere.
func (p *planner) decideUnlogged(g *group) {
	isUnlogged := func(item *Item) bool { return item.File.Unlogged }
	if !slices.ContainsFunc(g.inputs, isUnlogged) {
		return
	}
	known := slices.DeleteFunc(slices.Clone(g.inputs), isUnlogged)
	other := g.winner
	if len(known) > 0 {
		other = known[0]
	}
	if other == nil {
		return
	}
	for _, item := range g.inputs {
		switch {
		case !item.File.Unlogged:
		case p.meaning(other).Equal(item.Doc):
			p.copied(g, item, other)
		default:
			item.quarantine(fmt.Sprintf("%s differs from %s, and no log says which is newer", describe(g), other.place()))
		}
	}
	g.inputs = known
}

// decideInputs settles what the waiting documents of an identity do.
func (p *planner) decideInputs(g *group) {
	if len(g.inputs) == 0 {
		return
	}
	if rival := p.rival(g.inputs); rival != nil {
		for _, item := range g.inputs {
			item.quarantine(fmt.Sprintf("%s is declared differently in %s and %s", describe(g), g.inputs[0].place(),
				rival.place()))
		}
		return
	}
	p.bestFirst(g.inputs)
	wish, managed := g.inputs[0], g.winner
	for _, item := range g.inputs[1:] {
		p.copied(g, item, wish)
	}
	if managed == nil && len(g.broken) > 0 && !p.in.Options.QuarantineManaged {
		p.rank(g, g.broken)
		managed = g.broken[0]
	}
	switch {
	case managed == nil:
		wish.Outcome, g.winner = Created, wish
	case managed.Doc.Valid && p.in.Says(managed.Doc, wish.Doc):
		p.copied(g, wish, managed)
	default:
		p.conflict(g, managed)
	}
}

// bestFirst puts the one of several documents of equal meaning first that is kept: an author's word before a dump of a
// cluster, then the one with the most comments.
func (p *planner) bestFirst(items []*Item) {
	if len(items) < 2 {
		return
	}
	comments := make(map[*Item]int, len(items))
	for _, item := range items {
		comments[item] = len(p.in.Comments(item.Doc))
	}
	slices.SortStableFunc(items, func(a, b *Item) int {
		return cmp.Or(cmp.Compare(len(a.Doc.Server), len(b.Doc.Server)), cmp.Compare(comments[b], comments[a]))
	})
}

// copied drops a document of which another, of equal meaning, is kept. Comments are an author's words: one that has
// others than that goes to unmanaged/.
func (p *planner) copied(g *group, item, kept *Item) {
	if !p.saysMore(item, kept) {
		item.Outcome = Duplicate
		return
	}
	item.quarantine(fmt.Sprintf("%s means what %s does, which is kept, and has comments that are not there", describe(g),
		kept.place()))
	item.Reason.Warning = true
	item.Reason.Remedy = "Put the comments that matter into the managed file, and delete this one."
}

// saysMore reports whether a document has comments that one of equal meaning has not.
func (p *planner) saysMore(item, kept *Item) bool {
	if bytes.Equal(item.Doc.Bytes, kept.Doc.Bytes) {
		return false
	}
	said := p.in.Comments(item.Doc)
	if len(said) == 0 {
		return false
	}
	there := p.meaning(kept).Comments()
	return slices.ContainsFunc(said, func(comment string) bool {
		_, found := slices.BinarySearch(there, comment)
		return !found
	})
}

// meaning returns what a document means that others are compared with, one after the other.
func (p *planner) meaning(item *Item) *document.Meaning {
	if !p.compared.Of(item.Doc) {
		p.compared = p.in.Meaning(item.Doc)
	}
	return p.compared
}

// rival finds a waiting document that differs from the first.
func (p *planner) rival(items []*Item) *Item {
	for _, item := range items[1:] {
		if !p.meaning(items[0]).Equal(item.Doc) {
			return item
		}
	}
	return nil
}

// conflict does with a wish that differs from the managed document what the fabric has chosen.
func (p *planner) conflict(g *group, managed *Item) {
	switch p.in.Options.Conflict {
	case ConflictKeep:
		p.keepManaged(g, managed)
	case ConflictQuarantine:
		for _, item := range g.inputs {
			item.quarantine(fmt.Sprintf("%s differs from %s, which stays (on_conflict: quarantine)", describe(g),
				managed.File.Path))
		}
	default:
		p.update(g, managed)
	}
}

// keepManaged gives a wish up: its file is in the archive then. Where the fabric archives nothing, it goes to
// unmanaged/.
func (p *planner) keepManaged(g *group, managed *Item) {
	wish := g.inputs[0]
	f := duplicate(wish, fmt.Sprintf("%s differs from %s, which stays (on_conflict: keep_managed)", describe(g),
		managed.File.Path))
	f.Warning, f.Remedy = true, "Change the managed file, or set on_conflict: update and put the document into raw/ again."
	if p.in.Options.Archive == ArchiveNone {
		wish.Outcome, wish.Reason = Quarantined, f
		return
	}
	for _, item := range g.inputs {
		item.Outcome = KeptManaged
	}
	p.planFindings = append(p.planFindings, f)
}

// update lets a wish replace the managed document, unless somebody edited that since the last sync: then nobody knows
// which of the two is meant. An edit that is not valid gives way, and is kept in unmanaged/.
func (p *planner) update(g *group, managed *Item) {
	wish, edited := g.inputs[0], p.in.Edited(g.id, managed.File.Blob)
	switch {
	case edited && managed.Doc.Valid:
		for _, item := range g.inputs {
			item.quarantine(fmt.Sprintf("%s differs from %s, which was edited since the last sync and stays", describe(g),
				managed.File.Path))
		}
		return
	case edited:
		managed.Outcome = Quarantined
	default:
		managed.replaced = true
	}
	p.in.Inherit(wish.File, wish.Doc, managed.Doc)
	wish.Outcome, g.winner = Updated, wish
	if g.inPlace(managed) {
		wish.Destination = managed.File.Path
	}
}

func (item *Item) quarantine(message string) {
	item.Outcome, item.Reason = Quarantined, duplicate(item, message)
}

func duplicate(item *Item, message string) finding.Finding {
	return finding.Finding{
		Code: errs.DuplicateResource, File: item.File.Path, Document: item.Doc.Number,
		Line: item.Doc.Line, Column: 1, Message: message,
	}
}

// place returns the name of a document for people.
func (item *Item) place() string {
	if len(item.File.Docs) == 1 {
		return item.File.Path
	}
	if item.Doc.Item > 0 {
		return fmt.Sprintf("%s (document %d, item %d)", item.File.Path, item.Doc.Number, item.Doc.Item)
	}
	return fmt.Sprintf("%s (document %d)", item.File.Path, item.Doc.Number)
}

func describe(g *group) string {
	return fmt.Sprintf("%s %s/%s", g.id.Kind, g.id.Namespace, g.id.Name)
}
