package structure

import (
	"bytes"
	"fmt"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
)

const legacyStem = layout.Metadata + "/manifest.legacy"

// manifestIssues judges the manifest against what it has to state. A manifest that states it is left alone, whatever
// its layout, its comments and its further keys are.
func manifestIssues(ix index, content []byte, fabric Fabric, wanted Manifest) []Issue {
	if _, blocked := ix.blocker(layout.Metadata); blocked {
		return nil // an issue already
	}
	entry, exists := ix.leaves[layout.Manifest]
	switch {
	case ix.folders[layout.Manifest]:
		return []Issue{blockedManifest("a folder")}
	case !exists:
		return []Issue{missingManifest(wanted)}
	case entry.Mode == gittree.Symlink || entry.Mode == gittree.Submodule:
		return []Issue{blockedManifest(noun(entry.Mode))}
	case entry.Size > MaxManifestBytes:
		return []Issue{wrongManifest(ix, entry, wanted, "it is too large")}
	}
	if owner, others := belongsToOther(content, fabric); others && !fabric.TakeOver {
		return []Issue{ownedManifest(owner, fabric)}
	}
	stated, err := ParseManifest(content)
	if err != nil {
		return []Issue{wrongManifest(ix, entry, wanted, err.Error())}
	}
	differences := stated.differences(wanted)
	if len(differences) == 0 {
		return nil
	}
	issue := wrongManifest(ix, entry, wanted, "it states something else for "+strings.Join(differences, ", "))
	// What the system itself wrote holds nothing worth keeping beside its successor.
	if bytes.Equal(stated.Render(), content) {
		issue.Changes = issue.Changes[:1]
		issue.Repair = fmt.Sprintf("Rewrote %s.", layout.Manifest)
	}
	return []Issue{issue}
}

func missingManifest(wanted Manifest) Issue {
	return Issue{
		Error: true, Code: errs.StructureIncomplete, Path: layout.Manifest, AutoRepair: true,
		Message: fmt.Sprintf("The manifest %s is missing.", layout.Manifest),
		Remedy:  errs.StructureIncomplete.Remedy,
		Repair:  fmt.Sprintf("Wrote %s.", layout.Manifest),
		Changes: []gittree.Change{{Path: layout.Manifest, Content: wanted.Render()}},
	}
}

func blockedManifest(noun string) Issue {
	return Issue{
		Error: true, Code: errs.DirectoryRepairFailed, Path: layout.Manifest,
		Message: fmt.Sprintf("%s is %s where a file has to be.", layout.Manifest, noun),
		Remedy:  fmt.Sprintf("Rename or remove %s in the repository.", layout.Manifest),
	}
}

// ownedManifest is mended by a person: two who take one directory for theirs would commit against each other for ever.
func ownedManifest(owner Owner, fabric Fabric) Issue {
	return Issue{
		Error: true, Code: errs.DirectoryOwned, Path: layout.Manifest,
		Message: fmt.Sprintf("The directory belongs to fabric %d, %q, as %s says, and not to fabric %d, %q.", owner.ID,
			owner.Name, layout.Manifest, fabric.ID, fabric.Name),
		Remedy: errs.DirectoryOwned.Remedy,
	}
}

// wrongManifest is mended by a new manifest; the old one is kept beside it, so that nothing it said is lost.
func wrongManifest(ix index, old gittree.Entry, wanted Manifest, why string) Issue {
	issue := Issue{
		Error: true, Code: errs.ManifestInvalid, Path: layout.Manifest, AutoRepair: true,
		Message: fmt.Sprintf("The manifest %s is not right: %s.", layout.Manifest, why),
		Remedy:  errs.ManifestInvalid.Remedy,
		Repair:  fmt.Sprintf("Rewrote %s.", layout.Manifest),
		Changes: []gittree.Change{{Path: layout.Manifest, Mode: old.Mode, Content: wanted.Render()}},
	}
	if legacy, kept := legacyPath(ix, old.Blob); !kept {
		issue.Changes = append(issue.Changes, gittree.Change{Path: legacy, Blob: old.Blob})
		issue.Repair = fmt.Sprintf("Rewrote %s and kept the old one as %s.", layout.Manifest, legacy)
	}
	return issue
}

// legacyPath returns the next free name, or reports that the same content is kept already.
func legacyPath(ix index, blob string) (p string, kept bool) {
	for n := 1; ; n++ {
		p = legacyStem + ".yaml"
		if n > 1 {
			p = fmt.Sprintf("%s-%d.yaml", legacyStem, n)
		}
		if !ix.taken(p) {
			return p, false
		}
		if e := ix.leaves[p]; e.Blob == blob && e.Mode == gittree.Regular {
			return p, true
		}
	}
}
