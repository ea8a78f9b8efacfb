package render

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"

	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
)

// Validation is what was found in files, as one JSON document.
type Validation struct {
	Files []json.RawMessage `json:"files"`
}

// NewValidation returns one without files.
func NewValidation() *Validation { return &Validation{Files: []json.RawMessage{}} }

// Add adds what was found in a file, which may be nothing.
func (v *Validation) Add(file *ingestionv1.ValidateFilesResponse) error {
	raw, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(file)
	if err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	v.Files = append(v.Files, raw)
	return nil
}
