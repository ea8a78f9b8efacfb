package outbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/services/bridge/internal/merge"
)

// keptContent is a content as receipts keep it.
type keptContent struct {
	Spec        map[string]any `json:"spec,omitempty"`
	Labels      map[string]any `json:"labels,omitempty"`
	Annotations map[string]any `json:"annotations,omitempty"`
}

// packed returns a content as receipts keep it; nothing for none.
func packed(c *merge.Content) []byte {
	if c == nil {
		return nil
	}
	raw, _ := json.Marshal(keptContent{c.Spec, c.Labels, c.Annotations}) // it came from JSON
	return raw
}

// unpacked returns a content that a receipt keeps; nil for none.
func unpacked(raw []byte) (*merge.Content, error) {
	if len(raw) == 0 {
		return nil, nil //nolint:nilnil // no resource is what is meant, and no error
	}
	var c keptContent
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&c); err != nil {
		return nil, fmt.Errorf("decode what a record says: %w", err)
	}
	return &merge.Content{Spec: c.Spec, Labels: c.Labels, Annotations: c.Annotations}, nil
}

// mergeable returns a content as it is merged: annotations of ours are of no side.
func mergeable(c hnp.Content) *merge.Content {
	annotations := maps.Clone(c.Annotations)
	for name := range annotations {
		if strings.HasPrefix(name, ownAnnotations) {
			delete(annotations, name)
		}
	}
	return &merge.Content{Spec: c.Spec, Labels: c.Labels, Annotations: annotations}
}

// packedValue returns a value as JSON; nothing for none.
func packedValue(v merge.Value) []byte {
	if !v.Present {
		return nil
	}
	raw, _ := json.Marshal(v.JSON) // it came from JSON
	return raw
}

// unpackedValue returns a value that is given as JSON; none for nothing.
func unpackedValue(raw []byte) (merge.Value, error) {
	if len(raw) == 0 {
		return merge.Value{}, nil
	}
	v := merge.Value{Present: true}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&v.JSON); err != nil {
		return merge.Value{}, fmt.Errorf("decode a value: %w", err)
	}
	return v, nil
}
