package schema

import (
	"math"
	"regexp"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// quick is a structural schema compiled for one question: is this value certainly valid, with no field unknown? A no
// only means that somebody more thorough has to look. So everything unusual is a no: nulls, aliases, merges, explicit
// tags, formats, combined schemas.
type quick struct {
	unsure     bool // never certain
	anything   bool // x-kubernetes-preserve-unknown-fields
	typ        string
	properties map[string]*quick
	additional *quick
	items      *quick
	required   []string
	enum       map[string]bool
	pattern    *regexp.Regexp
	min, max   *float64
	small      bool // integers must fit int32
	unique     bool // list items must differ
	lengths    bounds
	itemCount  bounds
	fieldCount bounds
}

type bounds struct{ min, max *int64 }

func (b bounds) allow(n int) bool {
	return (b.min == nil || int64(n) >= *b.min) && (b.max == nil || int64(n) <= *b.max)
}

// compile returns the quick check of a schema.
func compile(s *structuralschema.Structural) *quick {
	q := &quick{typ: s.Type}
	q.unsure = s.XIntOrString || s.XEmbeddedResource || s.Type == "" || s.XListType != nil && *s.XListType != "atomic"
	if s.XPreserveUnknownFields {
		q.unsure = q.unsure || len(s.Properties) > 0 || s.AdditionalProperties != nil
		q.anything = true
	}
	if len(s.Properties) > 0 {
		q.properties = make(map[string]*quick, len(s.Properties))
		for name := range s.Properties {
			property := s.Properties[name]
			q.properties[name] = compile(&property)
		}
	}
	if a := s.AdditionalProperties; a != nil {
		if a.Structural == nil {
			q.unsure = true
		} else {
			q.additional = compile(a.Structural)
		}
	}
	if s.Items != nil {
		q.items = compile(s.Items)
	}
	if s.ValueValidation != nil {
		q.compileRules(s.ValueValidation)
	}
	return q
}

func (q *quick) compileRules(v *structuralschema.ValueValidation) {
	q.unsure = q.unsure || len(v.AllOf)+len(v.AnyOf)+len(v.OneOf) > 0 || v.Not != nil || v.MultipleOf != nil ||
		v.ExclusiveMaximum || v.ExclusiveMinimum
	switch v.Format {
	case "":
	case "int32":
		q.small = true
	case "int64":
	default:
		q.unsure = true
	}
	q.required, q.unique = v.Required, v.UniqueItems
	q.min, q.max = v.Minimum, v.Maximum
	q.lengths = bounds{v.MinLength, v.MaxLength}
	q.itemCount = bounds{v.MinItems, v.MaxItems}
	q.fieldCount = bounds{v.MinProperties, v.MaxProperties}
	if v.Pattern != "" {
		pattern, err := regexp.Compile(v.Pattern)
		q.pattern, q.unsure = pattern, q.unsure || err != nil
	}
	if len(v.Enum) > 0 {
		q.enum = make(map[string]bool, len(v.Enum))
		for _, allowed := range v.Enum {
			text, isText := allowed.Object.(string)
			q.enum[text], q.unsure = true, q.unsure || !isText
		}
	}
}

// certain reports whether a value is valid beyond doubt.
func (q *quick) certain(n *yaml.Node) bool {
	if q.unsure || n.Style&yaml.TaggedStyle != 0 {
		return false
	}
	switch n.Kind {
	case yaml.MappingNode:
		return q.typ == "object" && q.fields(n)
	case yaml.SequenceNode:
		return q.typ == "array" && q.elements(n)
	case yaml.ScalarNode:
		return q.scalar(yamldoc.Resolve(n))
	}
	return false
}

func (q *quick) fields(n *yaml.Node) bool {
	if !q.fieldCount.allow(len(n.Content)/2) || !hasAll(n, q.required) {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, ok := plainKey(n.Content[i])
		if !ok {
			return false
		}
		field := q.properties[name]
		if field == nil {
			field = q.additional
		}
		switch {
		case field != nil:
			if !field.certain(n.Content[i+1]) {
				return false
			}
		case !q.anything || !harmless(n.Content[i+1]):
			return false
		}
	}
	return true
}

func hasAll(n *yaml.Node, names []string) bool {
	for _, name := range names {
		if key, _ := yamldoc.Field(n, name); key == nil {
			return false
		}
	}
	return true
}

// harmless reports whether a value without a schema holds nothing unusual.
func harmless(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&yaml.TaggedStyle == 0 && yamldoc.Resolve(n).Type != yamldoc.Null
}

func (q *quick) elements(n *yaml.Node) bool {
	if q.items == nil || !q.itemCount.allow(len(n.Content)) || (q.unique && len(n.Content) > 1) {
		return false
	}
	for _, item := range n.Content {
		if !q.items.certain(item) {
			return false
		}
	}
	return true
}

func (q *quick) scalar(s yamldoc.Scalar) bool {
	switch q.typ {
	case "string":
		return s.Type == yamldoc.String && q.text(s.Text)
	case "boolean":
		return s.Type == yamldoc.Bool && q.enum == nil
	case "integer":
		return s.Type == yamldoc.Int && q.number(float64(s.Int)) &&
			(!q.small || s.Int >= math.MinInt32 && s.Int <= math.MaxInt32)
	case "number":
		return s.Type == yamldoc.Int && q.number(float64(s.Int)) || s.Type == yamldoc.Float && q.number(s.Float)
	}
	return false
}

func (q *quick) text(text string) bool {
	if (q.lengths.min != nil || q.lengths.max != nil) && !q.lengths.allow(utf8.RuneCountInString(text)) {
		return false
	}
	return (q.enum == nil || q.enum[text]) && (q.pattern == nil || q.pattern.MatchString(text))
}

func (q *quick) number(f float64) bool {
	return q.enum == nil && (q.min == nil || f >= *q.min) && (q.max == nil || f <= *q.max)
}

// plainKey returns the text of a key that is text to everybody.
func plainKey(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Style&yaml.TaggedStyle != 0 || n.Tag == "!!merge" {
		return "", false
	}
	s := yamldoc.Resolve(n)
	return s.Text, s.Type == yamldoc.String
}

// certainResource is certain for a whole resource, apart from what its metadata says.
func (v *apiVersion) certainResource(root *yaml.Node) bool {
	q := v.quick
	if q == nil || q.anything || q.typ != "object" || !q.fieldCount.allow(len(root.Content)/2) ||
		!hasAll(root, q.required) {
		return false
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		name, ok := plainKey(root.Content[i])
		if !ok {
			return false
		}
		switch name {
		case "apiVersion", "kind":
			continue
		case "metadata":
			if !certainMetadata(root.Content[i+1]) {
				return false
			}
			continue
		case "status":
			return false
		}
		field := q.properties[name]
		if field == nil || !field.certain(root.Content[i+1]) {
			return false
		}
	}
	return true
}
