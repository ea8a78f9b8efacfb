package inventory

import (
	"fmt"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
)

// tellTwins warns of files of raw/ and managed/ that are one file in a checkout on Windows or macOS: who commits from
// there takes one for the other. A sync takes each for what it is.
func (t *taking) tellTwins(sorted []gittree.Entry) {
	spelled := map[string]string{} // the first path of those that fold to one, if one of them is not what it folds to
	for _, e := range sorted {
		folded := layout.Folded(e.Path)
		if folded == e.Path || !tellsTwins(e.Path) {
			continue
		}
		first, there := spelled[folded]
		if !there {
			spelled[folded] = e.Path
			if _, there = gittree.Find(sorted, folded); there {
				first = folded
			}
		}
		if there {
			t.warn(e.Path, errs.NamesCollide, fmt.Sprintf("%s and %s are one file in a checkout on Windows or macOS",
				first, e.Path))
		}
	}
}

func tellsTwins(p string) bool {
	part := layout.Part(p)
	return (part == layout.Raw || part == layout.Managed) && !layout.Hidden(p)
}
