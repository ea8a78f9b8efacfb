// Package finding is what the parts of the ingestion have to say about a place in a file. Messages never repeat values
// of documents: a value may be a secret, and the position says where it is.
package finding

import "fgdsync.dev/libs/errs"

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
