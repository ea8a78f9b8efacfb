// Package plan decides what becomes of every document of a directory. It is a function of its input alone: no clock, no
// order of arrival, no randomness. Rules it keeps: nothing is lost (each document ends in managed/, in unmanaged/, or
// was identical to one that does), a document that is managed and right is never rewritten, and planning the result
// again plans nothing.
package plan

import (
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/references"
	"fgdsync.dev/services/ingestion/internal/stage"
)

// Archive is what becomes of an original whose documents have all landed.
type Archive int

// Archive strategies.
const (
	ArchiveNone Archive = iota
	ArchiveRename
	ArchiveMove
	ArchiveBackup
)

// Conflict is what a waiting document that differs from the managed one does.
type Conflict int

// Conflict rules.
const (
	ConflictUpdate Conflict = iota
	ConflictKeep
	ConflictQuarantine
)

// Options are the choices of a fabric.
type Options struct {
	Archive           Archive
	Conflict          Conflict
	QuarantineManaged bool // invalid documents in managed/ go to unmanaged/
	QuarantineForeign bool // so do files outside of raw/ that hold nothing of Hedgehog's
}

// Outcome is what became of a document or file.
type Outcome int

// Outcomes.
const (
	Stays Outcome = iota // nothing to report
	Created
	Updated
	Duplicate
	Quarantined
	Moved
	KeptManaged
)

// Item is one document, or a file that has none that could be read, on its way.
type Item struct {
	File        *document.File
	Doc         *document.Doc // nil for a whole file
	Outcome     Outcome
	Destination string
	Reason      finding.Finding // of a quarantine
	Archived    string          // where the original is kept
	replaced    bool            // a newer wish takes its place
	holds       []*group        // resources that it held before it became unreadable
}

// Resource is one resource in managed/ as it is afterwards.
type Resource struct {
	Identity   hedgehog.ResourceID
	Path       string
	APIVersion string
	Blob       string
	Valid      bool
}

// Plan is what to do, and what there is to say.
type Plan struct {
	Items     []*Item // in path and document order
	Findings  []finding.Finding
	Resources []Resource // by identity
	// names of resources that are not there, by who names them; once FindDangling was called
	Dangling []references.Dangling
	// Held says that files of managed/ can't be read, so that the plan depends on what the last sync left.
	Held bool

	planner *planner
}

// Input is what a plan is made of.
type Input struct {
	Files   []document.File // in path order
	Index   *document.Index // of what they declare
	Order   []int           // its numbers in order
	Options Options
	Time    time.Time // of the commit that is ingested
	Held    []document.Held
	Edited  func(id hedgehog.ResourceID, blob string) bool // a managed file, since the last sync
	Meaning func(doc *document.Doc) *document.Meaning
	Says    func(managed, wish *document.Doc) bool // what the wish says
	// the comments of a document, in the order of their texts
	Comments func(doc *document.Doc) []string
	// what a newer wish takes over from the document it replaces
	Inherit func(file *document.File, wish, managed *document.Doc)
}

// Make decides, and rearranges the staged tree accordingly.
func Make(in Input, s *stage.Tree) (*Plan, error) {
	if err := checkFolders(s); err != nil {
		return nil, err
	}
	p := &planner{in: in, staged: s, groups: make([]group, len(in.Order)), folders: map[string]string{}}
	p.collect()
	p.decide()
	p.clear()
	p.placeManaged()
	p.placeQuarantined()
	p.archive()
	return p.result(), nil
}

// checkFolders refuses a directory in which a file stands where one of its parts has to be.
func checkFolders(s *stage.Tree) error {
	for _, part := range []string{layout.Managed, layout.Unmanaged, layout.Metadata} {
		if _, there := s.Blob(part); there {
			return errs.New(errs.StructureIncomplete, "%s is a file where a folder has to be.", part)
		}
	}
	return nil
}

type planner struct {
	in           Input
	staged       *stage.Tree
	slots        []Item // of the items
	items        []*Item
	groups       []group           // by the number of the resource
	order        []*group          // by identity
	folders      map[string]string // of kinds, by plural
	held         map[unread][]*document.Held
	left         map[*document.File]bool // what is not touched, although it waits
	others       Others
	compared     *document.Meaning // of the document that others were compared with last
	planFindings []finding.Finding
}

// unread is what can't be read: a document, or a file as a whole.
type unread struct {
	file *document.File
	doc  *document.Doc
}

// group is all documents of one identity.
type group struct {
	id         hedgehog.ResourceID
	plural     string
	folder     string  // of its kind in managed/, with a slash at its end
	managed    []*Item // valid, in managed/
	broken     []*Item // invalid, in managed/
	inputs     []*Item // valid, waiting
	held       *Item   // in managed/, and not to be read
	apiVersion string  // of what is held
	listed     bool    // what is held counts among the resources
	winner     *Item   // whose content the managed file has afterwards
	final      *Item   // the winner, or what is left in managed/ although it is not valid
}

// collect makes items and groups of the files.
func (p *planner) collect() {
	most := document.Documents(p.in.Files) + len(p.in.Files)
	p.items, p.slots = make([]*Item, 0, most), make([]Item, 0, most)
	p.held, p.left = map[unread][]*document.Held{}, map[*document.File]bool{}
	for i := range p.in.Held {
		h := &p.in.Held[i]
		p.held[unread{h.File, h.Doc}] = append(p.held[unread{h.File, h.Doc}], h)
	}
	for i := range p.in.Files {
		file := &p.in.Files[i]
		switch {
		case p.leave(file):
			p.left[file] = true
		case file.Problem != nil:
			item := p.item(Item{File: file, Reason: *file.Problem})
			p.refuse(item)
			p.hold(item)
		default:
			for j := range file.Docs {
				p.sort(p.item(Item{File: file, Doc: &file.Docs[j]}))
			}
		}
	}
	p.planFindings = append(p.planFindings, p.others.Findings()...)
	p.order = make([]*group, 0, len(p.groups))
	for _, n := range p.in.Order {
		if g := &p.groups[n]; g.plural != "" {
			p.order = append(p.order, g)
		}
	}
}

// item keeps an item where it stays; there is room for all.
func (p *planner) item(i Item) *Item {
	p.slots = append(p.slots, i)
	return &p.slots[len(p.slots)-1]
}

func (p *planner) sort(item *Item) {
	doc := item.Doc
	if !doc.Valid {
		item.Reason = doc.FirstError()
		p.refuse(item)
		if !p.hold(item) && item.File.Managed && doc.Identity.Name != "" && doc.Plural != "" {
			g := p.group(doc.Resource, doc.Identity, doc.Plural)
			g.broken = append(g.broken, item)
		}
		return
	}
	p.items = append(p.items, item)
	g := p.group(doc.Resource, doc.Identity, doc.Plural)
	if item.File.Managed {
		g.managed = append(g.managed, item)
	} else {
		g.inputs = append(g.inputs, item)
	}
}

// refuse sends an item to unmanaged/, unless it stands in managed/ and the fabric wants only a report.
func (p *planner) refuse(item *Item) {
	if !item.File.Managed || p.in.Options.QuarantineManaged && item.File.Mode.IsFile() {
		item.Outcome = Quarantined
	}
	p.items = append(p.items, item)
}

func (p *planner) group(number int, id hedgehog.ResourceID, plural string) *group {
	g := &p.groups[number]
	if g.plural == "" {
		g.id, g.plural, g.folder = id, plural, p.folder(plural)
	}
	return g
}
