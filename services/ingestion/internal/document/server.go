package document

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// lastApplied is the annotation in which kubectl keeps what it applied.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// serverPaths are the fields that only a cluster writes.
var serverPaths = [][]string{
	{"metadata", "resourceVersion"},
	{"metadata", "uid"},
	{"metadata", "generation"},
	{"metadata", "creationTimestamp"},
	{"metadata", "deletionTimestamp"},
	{"metadata", "deletionGracePeriodSeconds"},
	{"metadata", "managedFields"},
	{"metadata", "ownerReferences"},
	{"metadata", "selfLink"},
	{"metadata", "annotations", lastApplied},
	{"status"},
}

// serverFields returns those of the fields that only a cluster writes which are there. What is null says nothing.
func serverFields(root *yaml.Node) [][]string {
	if !mayHaveServerFields(root) {
		return nil
	}
	var there [][]string
	for _, path := range serverPaths {
		if _, value := field(root, path); value != nil && !isNull(value) {
			there = append(there, path)
		}
	}
	return there
}

// mayHaveServerFields reports whether a document has more than people's documents have as a rule.
func mayHaveServerFields(root *yaml.Node) bool {
	if key, _ := yamldoc.Field(root, "status"); key != nil {
		return true
	}
	_, metadata := yamldoc.Field(root, "metadata")
	if metadata == nil {
		return false
	}
	for i := 0; i+1 < len(metadata.Content); i += 2 {
		switch metadata.Content[i].Value {
		case "name", "namespace", "labels":
		case "annotations":
			if key, _ := yamldoc.Field(metadata.Content[i+1], lastApplied); key != nil {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// field finds a field by its path.
func field(root *yaml.Node, path []string) (key, value *yaml.Node) {
	value = root
	for _, name := range path {
		key, value = yamldoc.Field(value, name)
	}
	return key, value
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && yamldoc.Resolve(n).Type == yamldoc.Null
}

// warnOfServer says which fields only a cluster writes, and what became of them.
func (r *Reader) warnOfServer(doc *Doc, root *yaml.Node, stripped bool) {
	if len(doc.Server) == 0 {
		return
	}
	names := make([]string, len(doc.Server))
	for i, path := range doc.Server {
		names[i] = strings.Join(path, ".")
	}
	f := finding.Finding{
		Code: errs.ServerFields, Warning: true, Field: names[0],
		Message: fmt.Sprintf("only a cluster writes %s", strings.Join(names, ", ")),
	}
	if stripped {
		f.Message += "; managed/ has the document without"
		f.Remedy = "Nothing to do; export documents without these fields to have no such warning."
	}
	if key, _ := field(root, doc.Server[0]); key != nil {
		f.Line, f.Column = key.Line, key.Column
	}
	doc.Findings = append(doc.Findings, f)
}
