// Package finding is what the parts of the ingestion have to say about a place in a file. Messages never repeat values
// of documents: a value may be a secret, and the position says where it is.
package finding

import (
	"cmp"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
)

// Finding is one thing found in one place.
type Finding struct {
	Code     errs.Code
	Warning  bool // worth knowing, and nothing more
	File     string
	Document int    // number in the file, -1 for the whole file
	Line     int    // line of the file from 1, 0 for the whole file
	Column   int    // from 1, 0 when unknown
	Field    string // field path in the document
	Message  string
	Remedy   string // the one of the code when empty
}

// RemedyText returns the remedy: its own, or that of its code.
func (f Finding) RemedyText() string {
	if f.Remedy != "" {
		return f.Remedy
	}
	return f.Code.Remedy
}

// weight is how late a finding comes in a report: after what keeps documents out comes what they name and collide with,
// then the rest, and last what says that something is not listed.
func (f Finding) weight() int {
	switch {
	case !f.Warning:
		return 0
	case errs.IsAboutOthers(f.Code.ID):
		return 1
	case f.Code != errs.FindingsCut:
		return 2
	}
	return 3
}

// Sort orders findings by their weight, then by file and line.
func Sort(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.weight(), b.weight()), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
}

// Count is how many findings of a code there are.
type Count struct {
	Code    errs.Code
	Warning bool
	Number  int
}

// Counts are numbers of findings, by code.
type Counts []Count

// Add counts more findings that are like one.
func (c *Counts) Add(code errs.Code, warning bool, number int) {
	for i := range *c {
		if (*c)[i].Code == code && (*c)[i].Warning == warning {
			(*c)[i].Number += number
			return
		}
	}
	*c = append(*c, Count{code, warning, number})
}
