package document

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// warnOfReader says where PyYAML, with which HNP reads, gives up on a document that a cluster reads: at a tab that is
// in no text.
func (r *Reader) warnOfReader(doc *Doc, root *yaml.Node) {
	if !doc.Valid || bytes.IndexByte(doc.Bytes, '\t') < 0 {
		return
	}
	trivia := yamldoc.TriviaOf(doc.Bytes, root)
	if trivia.TabLine == 0 {
		return
	}
	doc.Findings = append(doc.Findings, finding.Finding{
		Code: errs.ReaderDiffers, Warning: true, Line: trivia.TabLine, Column: trivia.TabColumn,
		Message: "a cluster reads the tab here, and PyYAML, with which HNP reads, does not",
	})
}
