package schema

import (
	"maps"
	"slices"
	"strings"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

	"fgdsync.dev/libs/nearest"
)

// meant returns the field, beside one that the schema does not know, whose name is most like it; "" when none is.
func (v *apiVersion) meant(path string) string {
	if name, is := strings.CutPrefix(path, "metadata."); is {
		return nearest.To(name, []string{"annotations", "labels", "name", "namespace"}) // what authors write
	}
	parent, name := v.structural, path
	for {
		first, rest, nested := strings.Cut(name, ".")
		if !nested {
			break
		}
		if parent, name = below(parent, first), rest; parent == nil {
			return ""
		}
	}
	return nearest.To(name, slices.Collect(maps.Keys(parent.Properties)))
}

// below returns the schema of a field, or of the items in it that are named by indexes behind it.
func below(parent *structuralschema.Structural, field string) *structuralschema.Structural {
	name, indexes, _ := strings.Cut(field, "[")
	var found *structuralschema.Structural
	switch property, known := parent.Properties[name]; {
	case known:
		found = &property
	case parent.AdditionalProperties != nil:
		found = parent.AdditionalProperties.Structural
	}
	for range strings.Count(indexes, "]") {
		if found != nil {
			found = found.Items
		}
	}
	return found
}
