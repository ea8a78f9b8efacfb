package plan

import (
	"bytes"
	"fmt"
	"path"
	"strconv"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/stage"
)

const yamlExt = ".yaml"

// Places returns where the file of a resource belongs: its path, and the one that it has when that is taken.
func Places(id hedgehog.ResourceID, plural string) []string {
	g := group{id: id, folder: layout.Managed + "/" + plural + "/"}
	return []string{g.path(), g.longPath()}
}

// path returns the path at which the resource belongs.
func (g *group) path() string {
	base := g.base()
	if stage.Fits(base, yamlExt) {
		return g.folder + base + yamlExt
	}
	return g.folder + stage.Truncate(base, yamlExt)
}

// longPath returns the path at which it goes when the name is taken by another resource. "_" occurs in no name, so it
// can't be the path of a third one.
func (g *group) longPath() string {
	return g.folder + stage.Truncate(g.base()+"_"+g.id.Namespace+"_"+g.id.Group, yamlExt)
}

// folder returns the folder of a kind, with a slash at its end: where something else stands in its place, one with a
// number. What stands there is none of the system's files, and so is there afterwards too.
func (p *planner) folder(plural string) string {
	folder, known := p.folders[plural]
	if !known {
		folder = p.staged.Folder(layout.Managed + "/" + plural)
		p.folders[plural] = folder
	}
	return folder
}

func (g *group) base() string {
	if g.id.Namespace == schema.DefaultNamespace {
		return g.id.Name
	}
	return g.id.Namespace + "-" + g.id.Name
}

// clear takes away everything that will not be where it is now, so that all places are free before any is given out.
func (p *planner) clear() {
	for i := range p.in.Files {
		file := &p.in.Files[i]
		if !file.Managed && !p.left[file] {
			p.staged.Remove(file.Path)
		}
	}
	for _, item := range p.items {
		if item.File.Managed && len(item.File.Docs) < 2 && !p.stays(item) {
			p.staged.Remove(item.File.Path)
		}
	}
	p.splitManaged()
}

// stays reports whether the file of a managed item is left untouched.
func (p *planner) stays(item *Item) bool {
	if item.Outcome != Stays || item.replaced {
		return false
	}
	if item.Doc == nil || !item.Doc.Valid {
		return true
	}
	return p.groups[item.Doc.Resource].inPlace(item)
}

// splitManaged takes the documents that go elsewhere out of managed files with several. What is invalid and to be
// left stays in the file, byte for byte.
func (p *planner) splitManaged() {
	rest := map[*document.File][]*Item{}
	for _, item := range p.items {
		if item.File.Managed && len(item.File.Docs) > 1 {
			kept := rest[item.File]
			if item.Outcome == Stays && !item.replaced && !item.Doc.Valid {
				kept = append(kept, item)
			}
			rest[item.File] = kept
		}
	}
	for i := range p.in.Files {
		file := &p.in.Files[i]
		kept, split := rest[file]
		if !split || len(kept) == len(file.Docs) {
			continue
		}
		p.staged.Remove(file.Path)
		if len(kept) > 0 {
			content := joinDocuments(kept)
			p.staged.Put(file.Path, content, stage.BlobID(content))
		}
	}
}

func joinDocuments(items []*Item) []byte {
	var out bytes.Buffer
	for i, item := range items {
		if i > 0 {
			out.WriteString("---\n")
		}
		out.Write(item.Doc.Bytes)
		if !bytes.HasSuffix(item.Doc.Bytes, []byte("\n")) {
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}

// placeManaged puts every resource into a file of its own: those that have one first, then those that move, then new
// ones.
func (p *planner) placeManaged() {
	var moving, fresh []*group
	for _, g := range p.order {
		switch {
		case g.winner == nil:
		case g.winner.File.Managed && g.inPlace(g.winner):
			g.winner.Destination = g.winner.File.Path
		case g.winner.File.Managed:
			moving = append(moving, g)
		case g.winner.Destination != "":
			p.put(g)
		default:
			fresh = append(fresh, g)
		}
	}
	for _, g := range moving {
		p.move(g)
	}
	for _, g := range fresh {
		if short := g.path(); p.staged.Add(short, g.winner.Doc.Final, g.winner.Doc.Blob) {
			g.winner.Destination = short
			continue
		}
		g.winner.Destination = p.staged.FreePath(g.longPath(), "", yamlExt)
		p.put(g)
	}
}

// put writes a new or changed resource.
func (p *planner) put(g *group) {
	p.staged.Put(g.winner.Destination, g.winner.Doc.Final, g.winner.Doc.Blob)
}

// move brings a managed document to its place: a whole file as it is, one of several as a file of its own.
func (p *planner) move(g *group) {
	item := g.winner
	item.Outcome, item.Destination = Moved, p.spot(g)
	if item.File.Alone() {
		p.staged.PutEntry(item.Destination, item.File.Entry)
	} else {
		p.staged.Put(item.Destination, item.Doc.Final, item.Doc.Blob)
	}
	p.planFindings = append(p.planFindings, finding.Finding{
		Code: errs.ManagedMoved, Warning: true, File: item.File.Path, Document: item.Doc.Number, Line: item.Doc.Line,
		Column: 1, Message: fmt.Sprintf("%s moved to %s", describe(g), item.Destination),
	})
}

// spot finds a free path for a resource.
func (p *planner) spot(g *group) string {
	if short := g.path(); p.staged.Free(short) {
		return short
	}
	return p.staged.FreePath(g.longPath(), "", yamlExt)
}

// placeQuarantined brings what was refused to unmanaged/.
func (p *planner) placeQuarantined() {
	for _, item := range p.items {
		if item.Outcome != Quarantined {
			continue
		}
		file := item.File
		mirror := layout.Unmanaged + "/" + strings.TrimPrefix(strings.TrimPrefix(file.Path, layout.Raw+"/"),
			layout.Unmanaged+"/")
		ext := path.Ext(mirror)
		if len(file.Docs) < 2 {
			item.Destination = p.staged.FreePath(mirror, file.Blob, ext)
			p.staged.PutEntry(item.Destination, file.Entry)
			continue
		}
		wanted := strings.TrimSuffix(mirror, ext) + part(item.Doc) + yamlExt
		blob := stage.BlobID(item.Doc.Bytes)
		item.Destination = p.staged.FreePath(wanted, blob, yamlExt)
		p.staged.Put(item.Destination, item.Doc.Bytes, blob)
	}
}

// part names a document of a file.
func part(doc *document.Doc) string {
	name := ".doc-" + strconv.Itoa(doc.Number)
	if doc.Item > 0 {
		name += ".item-" + strconv.Itoa(doc.Item)
	}
	return name
}

// archive keeps originals whose documents have landed, where the fabric wants that. A file that went to unmanaged/ as a
// whole is kept there.
func (p *planner) archive() {
	if p.in.Options.Archive == ArchiveNone {
		return
	}
	kept := map[*document.File]string{}
	for _, item := range p.items {
		file := item.File
		if file.Managed || item.Outcome == Quarantined && len(file.Docs) < 2 {
			continue
		}
		if kept[file] == "" {
			kept[file] = p.archivePath(file)
			p.staged.PutEntry(kept[file], file.Entry)
		}
		item.Archived = kept[file]
	}
}

func (p *planner) archivePath(file *document.File) string {
	switch p.in.Options.Archive {
	case ArchiveMove:
		return p.staged.FreePath(layout.ArchiveDir+"/"+file.Path, file.Blob, path.Ext(file.Path))
	case ArchiveBackup:
		ext := "." + p.in.Time.UTC().Format(inventory.BackupTime) + ".bak"
		return p.staged.FreePath(file.Path+ext, file.Blob, ext)
	default:
		return p.staged.FreePath(file.Path+layout.ArchiveExt, file.Blob, layout.ArchiveExt)
	}
}
