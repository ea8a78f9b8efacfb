package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/rewrite"
)

// said is what a resource says, as merge patches see it.
type said struct {
	Spec        json.RawMessage `json:"spec,omitempty"`
	Labels      json.RawMessage `json:"labels,omitempty"`
	Annotations json.RawMessage `json:"annotations,omitempty"`
}

// patched returns what a file says with a JSON merge patch (RFC 7396).
func (e *editor) patched(path string, content, patch []byte) (*rewrite.Content, error) {
	source := inventory.Source{Managed: true}
	source.Path = path
	file := e.reader.Open(source, content)
	if file.Problem != nil {
		return nil, errors.New(file.Problem.Message)
	}
	now, problem := e.reader.Content(e.parser, &file, &file.Docs[0])
	if problem != nil {
		return nil, errors.New(problem.Message)
	}
	raw, err := json.Marshal(said{now.Spec, now.Labels, now.Annotations})
	if err != nil {
		return nil, fmt.Errorf("encode what it says: %w", err)
	}
	merged, err := jsonpatch.MergePatch(raw, patch)
	if err != nil {
		return nil, fmt.Errorf("the patch is none: %w", err)
	}
	return contentOf(merged)
}

// contentOf reads an object with spec, labels and annotations.
func contentOf(raw []byte) (*rewrite.Content, error) {
	var parts struct{ Spec, Labels, Annotations json.RawMessage }
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&parts); err != nil {
		return nil, fmt.Errorf("it is to be an object with spec, labels and annotations: %w", err)
	}
	out, errs := &rewrite.Content{}, make([]error, 3)
	out.Spec, errs[0] = Object(parts.Spec)
	out.Labels, errs[1] = Object(parts.Labels)
	out.Annotations, errs[2] = Object(parts.Annotations)
	return out, errors.Join(errs...)
}

// Object reads a JSON object, with numbers as they are written; nothing for nothing.
func Object(raw []byte) (map[string]any, error) {
	if len(raw) == 0 {
		return nil, nil //nolint:nilnil // nothing is said
	}
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	return object, nil
}
