package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/rewrite"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// said is what a resource says, as merge patches see it.
type said struct {
	Spec        json.RawMessage `json:"spec,omitempty"`
	Labels      json.RawMessage `json:"labels,omitempty"`
	Annotations json.RawMessage `json:"annotations,omitempty"`
}

// saidIn returns what a file says.
func (e *editor) saidIn(path string, content []byte) ([]byte, error) {
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
	return raw, nil
}

// patched returns what a resource says with a JSON merge patch (RFC 7396).
func patched(now, patch []byte) (*rewrite.Content, error) {
	if err := checkDepth(patch); err != nil {
		return nil, err
	}
	merged, err := jsonpatch.MergePatch(now, patch)
	if err != nil {
		return nil, fmt.Errorf("the patch is none: %w", err)
	}
	return contentOf(merged)
}

// contentOf reads an object with spec, labels and annotations. Their names are told apart by case, as YAML does it.
func contentOf(raw []byte) (*rewrite.Content, error) {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, fmt.Errorf("it is to be an object with spec, labels and annotations: %w", err)
	}
	out := &rewrite.Content{}
	into := map[string]*map[string]any{"spec": &out.Spec, "labels": &out.Labels, "annotations": &out.Annotations}
	for name, part := range parts {
		if into[name] == nil {
			return nil, fmt.Errorf("it is to be an object with spec, labels and annotations, and has %q", name)
		}
		object, err := Object(part)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		*into[name] = object
	}
	return out, nil
}

// Object reads a JSON object, with numbers as they are written; nothing for nothing.
func Object(raw []byte) (map[string]any, error) {
	if len(raw) == 0 {
		return nil, nil //nolint:nilnil // nothing is said
	}
	if err := checkDepth(raw); err != nil {
		return nil, err
	}
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	return object, nil
}

// checkDepth refuses JSON that is nested deeper than a document may be, before anything follows its levels.
func checkDepth(raw []byte) error {
	limit := yamldoc.DefaultLimits().Depth
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return fmt.Errorf("it is nested more than %d levels deep", limit)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}
