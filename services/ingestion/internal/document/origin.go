package document

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// from returns the path where the file was first.
func (f *File) from() string {
	if f.Origin != nil {
		return f.Origin.Path
	}
	return f.Path
}

// number returns the number that a document had where the file was first.
func (f *File) number(doc *Doc) int {
	if f.Origin != nil && f.Origin.Document != nil {
		return *f.Origin.Document
	}
	return doc.Number
}

// Foreign reports whether nothing in the file is Hedgehog's, as far as it could be read.
func (f *File) Foreign() bool {
	if f.Problem != nil {
		return !f.mentions
	}
	for i := range f.Docs {
		if !f.Docs[i].Foreign {
			return false
		}
	}
	return true
}

// isForeign reports whether a document that is not valid belongs to somebody else: it is of no API group of Hedgehog's.
// Where that can't be told, in what is no YAML and in lists, the name of the API decides.
func isForeign(doc *Doc, root *yaml.Node) bool {
	if root == nil || yamldoc.IsList(root) {
		return !mentions(doc.Bytes)
	}
	group, _, _ := strings.Cut(doc.APIVersion, "/")
	return !hedgehog.IsHedgehogGroup(group)
}

func mentions(content []byte) bool { return bytes.Contains(content, []byte(hedgehog.Domain)) }
