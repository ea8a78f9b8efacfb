package plan

import (
	"bytes"
	"fmt"
	"path"
	"strconv"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/shelf"
)

const yamlExt = ".yaml"

// path is where the resource belongs.
func (g *group) path() string {
	base := g.base()
	if shelf.Fits(base, yamlExt) {
		return layout.Managed + "/" + g.plural + "/" + base + yamlExt
	}
	return g.folder() + shelf.Clip(base, yamlExt)
}

// longPath is where it goes when the name is taken by another resource. "_" occurs in no name, so it can't be the
// path of a third one.
func (g *group) longPath() string {
	return g.folder() + shelf.Clip(g.base()+"_"+g.id.Namespace+"_"+g.id.Group, yamlExt)
}

func (g *group) folder() string { return layout.Managed + "/" + g.plural + "/" }

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
		if !file.Managed {
			p.shelf.Remove(file.Path)
		}
	}
	for _, item := range p.items {
		if item.File.Managed && len(item.File.Docs) < 2 && !p.stays(item) {
			p.shelf.Remove(item.File.Path)
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
	return p.groups[item.Doc.Resource].settled(item)
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
		p.shelf.Remove(file.Path)
		if len(kept) > 0 {
			content := joinDocuments(kept)
			p.shelf.Put(file.Path, content, shelf.BlobID(content))
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

// placeManaged returns every resource its file: those that have one first, then those that move, then new ones.
func (p *planner) placeManaged() {
	var moving, fresh []*group
	for _, g := range p.order {
		switch {
		case g.holder == nil:
		case g.holder.File.Managed && g.settled(g.holder):
			g.holder.Destination = g.holder.File.Path
		case g.holder.File.Managed:
			moving = append(moving, g)
		case g.holder.Destination != "":
			p.put(g)
		default:
			fresh = append(fresh, g)
		}
	}
	for _, g := range moving {
		p.move(g)
	}
	for _, g := range fresh {
		if short := g.path(); p.shelf.Add(short, g.holder.Doc.Final, g.holder.Doc.Blob) {
			g.holder.Destination = short
			continue
		}
		g.holder.Destination = p.shelf.Spot(g.longPath(), "", yamlExt)
		p.put(g)
	}
}

// put writes a new or changed resource.
func (p *planner) put(g *group) {
	p.shelf.Put(g.holder.Destination, g.holder.Doc.Final, g.holder.Doc.Blob)
}

// move brings a managed document to its place: a whole file as it is, one of several as a file of its own.
func (p *planner) move(g *group) {
	item := g.holder
	item.Outcome, item.Destination = Moved, p.spot(g)
	if item.File.Alone() {
		p.shelf.PutEntry(item.Destination, item.File.Entry)
	} else {
		p.shelf.Put(item.Destination, item.Doc.Final, item.Doc.Blob)
	}
	p.loose = append(p.loose, finding.Finding{
		Code: errs.ManagedMoved, Warning: true, File: item.File.Path, Document: item.Doc.Number, Line: item.Doc.Line,
		Message: fmt.Sprintf("%s moved to %s", describe(g), item.Destination),
	})
}

// spot finds a free path for a resource.
func (p *planner) spot(g *group) string {
	if short := g.path(); p.shelf.Free(short) {
		return short
	}
	return p.shelf.Spot(g.longPath(), "", yamlExt)
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
			item.Destination = p.shelf.Spot(mirror, file.Blob, ext)
			p.shelf.PutEntry(item.Destination, file.Entry)
			continue
		}
		wanted := strings.TrimSuffix(mirror, ext) + part(item.Doc) + yamlExt
		blob := shelf.BlobID(item.Doc.Bytes)
		item.Destination = p.shelf.Spot(wanted, blob, yamlExt)
		p.shelf.Put(item.Destination, item.Doc.Bytes, blob)
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
			p.shelf.PutEntry(kept[file], file.Entry)
		}
		item.Archived = kept[file]
	}
}

func (p *planner) archivePath(file *document.File) string {
	switch p.in.Options.Archive {
	case ArchiveMove:
		return p.shelf.Spot(layout.ArchiveDir+"/"+file.Path, file.Blob, path.Ext(file.Path))
	case ArchiveBackup:
		ext := "." + p.in.Time.UTC().Format(inventory.BackupTime) + ".bak"
		return p.shelf.Spot(file.Path+ext, file.Blob, ext)
	default:
		return p.shelf.Spot(file.Path+layout.ArchiveExt, file.Blob, layout.ArchiveExt)
	}
}
