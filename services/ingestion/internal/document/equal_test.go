package document_test

import (
	"fmt"
	"strings"
	"testing"

	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// TestOneIsReadOnce: a document with which others are compared, one after the other, is read for the first of them. It
// counts allocations of the whole process, and so runs alone.
func TestOneIsReadOnce(t *testing.T) { //nolint:paralleltest // see above
	reader := document.NewReader(document.Settings{Limits: yamldoc.DefaultLimits()})
	var long strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&long, "a%d: x # y\n", i)
	}
	large, small := &document.Doc{Bytes: []byte(long.String())}, &document.Doc{Bytes: []byte("a: x\n")}
	compare := func(meaning *document.Meaning) {
		if meaning.Equal(small) || len(meaning.Comments()) != 1000 {
			t.Error("the documents are taken for others")
		}
	}
	anew := testing.AllocsPerRun(10, func() { compare(reader.Meaning(large)) })
	meaning := reader.Meaning(large)
	again := testing.AllocsPerRun(10, func() { compare(meaning) })
	if again > anew/10 {
		t.Errorf("%v allocations for each, and %v with what was read for the first", anew, again)
	}
}
