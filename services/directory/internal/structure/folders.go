package structure

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/nearest"
)

// index finds what is at a path.
type index struct {
	leaves  map[string]gittree.Entry
	folders map[string]bool
}

func newIndex(entries []gittree.Entry) index {
	ix := index{leaves: make(map[string]gittree.Entry, len(entries)), folders: map[string]bool{}}
	for _, e := range entries {
		ix.leaves[e.Path] = e
		for dir := path.Dir(e.Path); dir != "." && !ix.folders[dir]; dir = path.Dir(dir) {
			ix.folders[dir] = true
		}
	}
	return ix
}

func (ix index) taken(p string) bool {
	_, leaf := ix.leaves[p]
	return leaf || ix.folders[p]
}

// blocker returns a leaf that stands where the given folder, or a folder above it, has to be.
func (ix index) blocker(folder string) (gittree.Entry, bool) {
	for dir := folder; dir != "."; dir = path.Dir(dir) {
		if e, ok := ix.leaves[dir]; ok {
			return e, true
		}
	}
	return gittree.Entry{}, false
}

// requiredFolders returns the folders that hold a .gitkeep at all times: a sync may empty any of them, and Git forgets
// a folder without files.
func requiredFolders(kinds Kinds) []string {
	folders := []string{layout.Raw, layout.Unmanaged}
	for _, kind := range kinds.Required {
		folders = append(folders, layout.Managed+"/"+kind)
	}
	return folders
}

func folderIssues(ix index, kinds Kinds) []Issue {
	var issues []Issue
	blocked := map[string]bool{}
	for _, folder := range append([]string{layout.Metadata}, requiredFolders(kinds)...) {
		if e, ok := ix.blocker(folder); ok {
			if !blocked[e.Path] {
				blocked[e.Path] = true
				issues = append(issues, blockedFolder(e))
			}
			continue
		}
		// The manifest keeps the metadata folder.
		if keep := folder + "/" + layout.Keep; folder != layout.Metadata && !ix.taken(keep) {
			issues = append(issues, missingKeep(folder, keep, ix.folders[folder]))
		}
	}
	return issues
}

func missingKeep(folder, keep string, exists bool) Issue {
	issue := Issue{
		Code: errs.StructureIncomplete, Path: folder, Remedy: errs.StructureIncomplete.Remedy, AutoRepair: true,
		Changes: []gittree.Change{{Path: keep, Content: []byte{}}},
	}
	if exists {
		issue.Message = fmt.Sprintf("The folder %s has no %s; Git forgets the folder when it gets empty.", folder,
			layout.Keep)
		issue.Repair = fmt.Sprintf("Added %s.", keep)
		return issue
	}
	issue.Error = true
	issue.Message = fmt.Sprintf("The folder %s is missing.", folder)
	issue.Repair = fmt.Sprintf("Made the folder %s.", folder)
	return issue
}

func blockedFolder(e gittree.Entry) Issue {
	return Issue{
		Error: true, Code: errs.DirectoryRepairFailed, Path: e.Path,
		Message: fmt.Sprintf("%s is %s where a folder has to be.", e.Path, noun(e.Mode)),
		Remedy:  fmt.Sprintf("Rename or remove %s in the repository.", e.Path),
	}
}

func noun(m gittree.Mode) string {
	switch m {
	case gittree.Symlink:
		return "a symbolic link"
	case gittree.Submodule:
		return "a submodule"
	default:
		return "a file"
	}
}

// unknownFolders warns of what stands in managed/ outside the folders of kinds, once a folder.
func unknownFolders(entries []gittree.Entry, kinds Kinds) []Issue {
	found := map[string]bool{}
	for _, e := range entries {
		if layout.Part(e.Path) != layout.Managed || layout.Hidden(e.Path) {
			continue
		}
		inside := strings.TrimPrefix(e.Path, layout.Managed+"/")
		name, _, isFolder := strings.Cut(inside, "/")
		switch {
		case slices.Contains(kinds.Required, name) || slices.Contains(kinds.Known, name):
		case isFolder || !layout.StaysPut(e.Path):
			found[name] = isFolder
		}
	}
	var issues []Issue
	for _, name := range sortedKeys(found) {
		meant := nearest.To(name, slices.Concat(kinds.Required, kinds.Known))
		issues = append(issues, unknownManaged(name, found[name], meant))
	}
	return issues
}

// unknownManaged warns of something in managed/; meant is the folder of a kind that it is like, if any.
func unknownManaged(name string, isFolder bool, meant string) Issue {
	p := layout.Managed + "/" + name
	message := fmt.Sprintf("The file %s is in no folder of a kind.", p)
	if isFolder {
		message = fmt.Sprintf("The folder %s belongs to no kind.", p)
	}
	if isFolder && meant != "" {
		message = fmt.Sprintf("The folder %s belongs to no kind; perhaps %s/%s is meant.", p, layout.Managed, meant)
	}
	return Issue{
		Code: errs.StrayFile, Path: p, Message: message,
		Remedy: fmt.Sprintf("Move what is in it to %s/ to have it ingested; only the system writes under %s/.", layout.Raw,
			layout.Managed),
	}
}

func sortedKeys(m map[string]bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
