package document

import (
	"bytes"
	"reflect"
	"strings"

	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Equal reports whether two documents wish for the same thing. The system's own annotations, the version of the API and
// the ways to say "namespace default" make no difference.
func (r *Reader) Equal(a, b *Doc) bool {
	if bytes.Equal(a.Bytes, b.Bytes) {
		return true
	}
	left, right := r.essence(a), r.essence(b)
	return left != nil && right != nil && reflect.DeepEqual(left, right)
}

func (r *Reader) essence(d *Doc) map[string]any {
	root, err := yamldoc.Parse(d.Bytes, r.Limits)
	if err != nil || root == nil {
		return nil
	}
	object, ok := yamldoc.Value(root).(map[string]any)
	if !ok {
		return nil
	}
	if version, ok := object["apiVersion"].(string); ok {
		object["apiVersion"], _, _ = strings.Cut(version, "/")
	}
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		return object
	}
	if metadata["namespace"] == schema.DefaultNamespace || metadata["namespace"] == "" {
		delete(metadata, "namespace")
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	for key := range annotations {
		if strings.HasPrefix(key, AnnotationPrefix) {
			delete(annotations, key)
		}
	}
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return object
}
