// Package rewrite makes a document say something else, with the least change to its text: only the lines of the fields
// that differ are touched. Comments, blank lines, order, styles, indentation and line ends stay as their author wrote
// them. Where that can't be done with certainty, the document is refused with the path and the reason; it is never
// written anew. What comes out was read back and says what it shall.
package rewrite

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Content is what a resource says, as JSON trees whose numbers are json.Number. Nothing and an empty object are the
// same for the three.
type Content struct {
	Spec, Labels, Annotations map[string]any
}

// Keys returns the path of the field that tells the items of a list apart, inside each of them; nothing for a list
// whose items are told apart by all that they say. The list is named by its path in the document, in which every item
// of a list is "*". A field that is missing or not unique counts for nothing.
type Keys func(path []string) []string

// OwnPrefix begins the annotations that the system writes. They are left as they are, whatever is asked for.
const OwnPrefix = "hnp.githedgehog.com/"

// Error says why a document is not changed.
type Error struct {
	Path         string // of the field, as people write it; empty for the document
	Line, Column int    // in the document, from 1; 0 when there is no place
	Reason       string
}

func (e *Error) Error() string {
	where := cmp.Or(e.Path, "the document")
	if e.Line > 0 {
		where = fmt.Sprintf("%s (line %d, column %d)", where, e.Line, e.Column)
	}
	return where + ": " + e.Reason
}

const (
	metadata    = "metadata"
	annotations = "annotations"
	spec        = "spec"
	labels      = "labels"
)

// Apply returns the document such that it says what it shall. A document that says it already is returned as it is, in
// the same memory. The error is an *Error.
func Apply(doc []byte, want Content, keys Keys) ([]byte, error) {
	root, have, err := read(doc)
	if err != nil {
		return nil, err
	}
	whole, err := wanted(have, want)
	if err != nil {
		return nil, err
	}
	if equal(have, whole) {
		return doc, nil
	}
	e, err := newEditor(doc, root, keys)
	if err != nil {
		return nil, err
	}
	e.value(root, have, whole, &place{flow: isFlow(root)})
	out, err := e.result(doc)
	if err != nil {
		return nil, err
	}
	// A line break that was not there stays only where a text needs it.
	for _, out := range [][]byte{bytes.TrimSuffix(out, []byte(e.added)), out} {
		if _, again, err := read(out); err == nil && equal(again, whole) {
			return out, nil
		}
	}
	return nil, &Error{Reason: "it is written in a form that can't be changed with certainty"}
}

// maxExpansion is how many bytes what a document says may have beside four times its own size: aliases repeat what they
// stand for.
const maxExpansion = 1 << 20

// read returns the nodes of a document and what it says.
func read(doc []byte) (*yaml.Node, map[string]any, error) {
	limits := yamldoc.DefaultLimits()
	root, err := yamldoc.Parse(doc, limits)
	if err != nil {
		return nil, nil, unreadable(err)
	}
	if root == nil || root.Kind != yaml.MappingNode {
		return nil, nil, &Error{Reason: "it is no mapping"}
	}
	text, err := yamldoc.JSON(root, maxExpansion+4*len(doc))
	if err != nil {
		return nil, nil, &Error{Reason: err.Error()}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var have map[string]any
	if err := decoder.Decode(&have); err != nil {
		return nil, nil, &Error{Reason: err.Error()}
	}
	return root, have, nil
}

func unreadable(err error) *Error {
	var syntax *yamldoc.SyntaxError
	if errors.As(err, &syntax) {
		return &Error{Line: syntax.Line, Column: syntax.Column, Reason: "it can't be read: " + syntax.Message}
	}
	return &Error{Reason: "it can't be read: " + err.Error()}
}

// wanted returns all that a document is to say, given what it says.
func wanted(have map[string]any, want Content) (map[string]any, error) {
	meta, ok := have[metadata].(map[string]any)
	if !ok {
		return nil, &Error{Path: metadata, Reason: "it is no mapping"}
	}
	whole, newMeta := shallow(have), shallow(meta)
	if len(want.Spec) > 0 || !saysNothing(have[spec]) {
		whole[spec] = nonNil(want.Spec)
	}
	set(newMeta, labels, want.Labels)
	set(newMeta, annotations, withOwn(meta[annotations], want.Annotations))
	whole[metadata] = newMeta
	return whole, nil
}

// set gives a field of the metadata its value. One that says nothing goes, and stays away.
func set(meta map[string]any, name string, value map[string]any) {
	switch {
	case len(value) > 0:
		meta[name] = value
	case !saysNothing(meta[name]):
		delete(meta, name)
	}
}

// withOwn returns annotations with those of the system as they are.
func withOwn(have any, want map[string]any) map[string]any {
	all := map[string]any{}
	for key, value := range want {
		if !strings.HasPrefix(key, OwnPrefix) {
			all[key] = value
		}
	}
	there, _ := have.(map[string]any)
	for key, value := range there {
		if strings.HasPrefix(key, OwnPrefix) {
			all[key] = value
		}
	}
	return all
}

// saysNothing reports whether a value is null or an empty object.
func saysNothing(value any) bool {
	object, isObject := value.(map[string]any)
	return value == nil || isObject && len(object) == 0
}

func nonNil(object map[string]any) map[string]any {
	if object == nil {
		return map[string]any{}
	}
	return object
}

func shallow(object map[string]any) map[string]any {
	out := make(map[string]any, len(object)+1)
	for key, value := range object {
		out[key] = value
	}
	return out
}
