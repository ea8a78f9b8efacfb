package schema

import (
	"math"
	"regexp"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// fastPath is a structural schema compiled for one question: is this value certainly valid, with no field unknown? A no
// only means that somebody more thorough has to look. So everything unusual is a no: nulls, aliases, merges, explicit
// tags, formats, combined schemas.
type fastPath struct {
	unsure     bool // never certain
	anything   bool // x-kubernetes-preserve-unknown-fields
	typ        string
	properties map[string]*fastPath
	additional *fastPath
	items      *fastPath
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

// compile returns the fast path of a schema.
func compile(s *structuralschema.Structural) *fastPath {
	p := &fastPath{typ: s.Type}
	p.unsure = s.XIntOrString || s.XEmbeddedResource || s.Type == "" || s.XListType != nil && *s.XListType != "atomic"
	if s.XPreserveUnknownFields {
		p.unsure = p.unsure || len(s.Properties) > 0 || s.AdditionalProperties != nil
		p.anything = true
	}
	if len(s.Properties) > 0 {
		p.properties = make(map[string]*fastPath, len(s.Properties))
		for name := range s.Properties {
			property := s.Properties[name]
			p.properties[name] = compile(&property)
		}
	}
	if a := s.AdditionalProperties; a != nil {
		if a.Structural == nil {
			p.unsure = true
		} else {
			p.additional = compile(a.Structural)
		}
	}
	if s.Items != nil {
		p.items = compile(s.Items)
	}
	if s.ValueValidation != nil {
		p.compileRules(s.ValueValidation)
	}
	return p
}

func (p *fastPath) compileRules(v *structuralschema.ValueValidation) {
	p.unsure = p.unsure || len(v.AllOf)+len(v.AnyOf)+len(v.OneOf) > 0 || v.Not != nil || v.MultipleOf != nil ||
		v.ExclusiveMaximum || v.ExclusiveMinimum
	switch v.Format {
	case "":
	case "int32":
		p.small = true
	case "int64":
	default:
		p.unsure = true
	}
	p.required, p.unique = v.Required, v.UniqueItems
	p.min, p.max = v.Minimum, v.Maximum
	p.lengths = bounds{v.MinLength, v.MaxLength}
	p.itemCount = bounds{v.MinItems, v.MaxItems}
	p.fieldCount = bounds{v.MinProperties, v.MaxProperties}
	if v.Pattern != "" {
		pattern, err := regexp.Compile(v.Pattern)
		p.pattern, p.unsure = pattern, p.unsure || err != nil
	}
	if len(v.Enum) > 0 {
		p.enum = make(map[string]bool, len(v.Enum))
		for _, allowed := range v.Enum {
			text, isText := allowed.Object.(string)
			p.enum[text], p.unsure = true, p.unsure || !isText
		}
	}
}

// certain reports whether a value is valid beyond doubt.
func (p *fastPath) certain(n *yaml.Node) bool {
	if p.unsure || n.Style&yaml.TaggedStyle != 0 {
		return false
	}
	switch n.Kind {
	case yaml.MappingNode:
		return p.typ == "object" && p.fields(n)
	case yaml.SequenceNode:
		return p.typ == "array" && p.elements(n)
	case yaml.ScalarNode:
		return p.scalar(yamldoc.Resolve(n))
	}
	return false
}

func (p *fastPath) fields(n *yaml.Node) bool {
	if !p.fieldCount.allow(len(n.Content)/2) || !hasAll(n, p.required) {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, ok := plainKey(n.Content[i])
		if !ok {
			return false
		}
		field := p.properties[name]
		if field == nil {
			field = p.additional
		}
		switch {
		case field != nil:
			if !field.certain(n.Content[i+1]) {
				return false
			}
		case !p.anything || !harmless(n.Content[i+1]):
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

func (p *fastPath) elements(n *yaml.Node) bool {
	if p.items == nil || !p.itemCount.allow(len(n.Content)) || (p.unique && len(n.Content) > 1) {
		return false
	}
	for _, item := range n.Content {
		if !p.items.certain(item) {
			return false
		}
	}
	return true
}

func (p *fastPath) scalar(s yamldoc.Scalar) bool {
	switch p.typ {
	case "string":
		return s.Type == yamldoc.String && p.text(s.Text)
	case "boolean":
		return s.Type == yamldoc.Bool && p.enum == nil
	case "integer":
		return s.Type == yamldoc.Int && p.number(float64(s.Int)) &&
			(!p.small || s.Int >= math.MinInt32 && s.Int <= math.MaxInt32)
	case "number":
		return s.Type == yamldoc.Int && p.number(float64(s.Int)) || s.Type == yamldoc.Float && p.number(s.Float)
	}
	return false
}

func (p *fastPath) text(text string) bool {
	if (p.lengths.min != nil || p.lengths.max != nil) && !p.lengths.allow(utf8.RuneCountInString(text)) {
		return false
	}
	return (p.enum == nil || p.enum[text]) && (p.pattern == nil || p.pattern.MatchString(text))
}

func (p *fastPath) number(f float64) bool {
	return p.enum == nil && (p.min == nil || f >= *p.min) && (p.max == nil || f <= *p.max)
}

// plainKey returns the text of a key that is text to everybody.
func plainKey(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Style&yaml.TaggedStyle != 0 || n.Tag == "!!merge" {
		return "", false
	}
	s := yamldoc.Resolve(n)
	return s.Text, s.Type == yamldoc.String
}

// certainResource reports whether a whole resource is valid beyond doubt, apart from what its metadata says.
func (v *apiVersion) certainResource(root *yaml.Node) bool {
	p := v.fast
	if p == nil || p.anything || p.typ != "object" || !p.fieldCount.allow(len(root.Content)/2) ||
		!hasAll(root, p.required) {
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
		field := p.properties[name]
		if field == nil || !field.certain(root.Content[i+1]) {
			return false
		}
	}
	return true
}
