package schema

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/version"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	apiversion "k8s.io/apimachinery/pkg/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	kyaml "sigs.k8s.io/yaml"
)

type groupKind struct{ group, kind string }

// Set holds what the loaded definitions know. It is safe for concurrent use.
type Set struct {
	kinds           map[groupKind]*kind
	groups          map[string]bool
	operatorWritten func(group, kind string) bool
}

type kind struct {
	plural     string
	namespaced bool
	versions   map[string]*apiVersion
	preferred  string // the newest served version
}

type apiVersion struct {
	structural *structuralschema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator // nil when the schema has none
	fast       *fastPath      // nil when only the validators can judge
	hasStatus  bool           // status is a subresource: a create drops it
}

// Load reads every *.yaml and *.yml file at the root of a file system. operatorWritten reports whether operators
// write a kind, and people don't. The error names the file that is no set of valid definitions.
func Load(fsys fs.FS, operatorWritten func(group, kind string) bool) (*Set, error) {
	s := &Set{kinds: map[groupKind]*kind{}, groups: map[string]bool{}, operatorWritten: operatorWritten}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("list definitions: %w", err)
	}
	for _, entry := range entries {
		ext := path.Ext(entry.Name())
		if entry.IsDir() || (ext != ".yaml" && ext != ".yml") {
			continue
		}
		if err := s.loadFile(fsys, entry.Name()); err != nil {
			return nil, fmt.Errorf("definition file %s: %w", entry.Name(), err)
		}
	}
	if len(s.kinds) == 0 {
		return nil, errors.New("no custom resource definitions found")
	}
	return s, nil
}

func (s *Set) loadFile(fsys fs.FS, name string) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		doc, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("split: %w", err)
		}
		if err := s.loadDocument(doc); err != nil {
			return err
		}
	}
}

func (s *Set) loadDocument(doc []byte) error {
	if text, err := kyaml.YAMLToJSON(doc); err == nil && bytes.Equal(bytes.TrimSpace(text), []byte("null")) {
		return nil
	}
	var external apiextensionsv1.CustomResourceDefinition
	if err := kyaml.Unmarshal(doc, &external); err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	if external.Kind != "CustomResourceDefinition" || external.APIVersion != apiextensionsv1.SchemeGroupVersion.String() {
		return fmt.Errorf("holds %s %s, not a CustomResourceDefinition of %s", external.APIVersion, external.Kind,
			apiextensionsv1.SchemeGroupVersion)
	}
	if external.Spec.Group == "" || external.Spec.Names.Kind == "" || external.Spec.Names.Plural == "" {
		return fmt.Errorf("definition %s lacks its group, kind or plural", external.Name)
	}
	k, err := newKind(&external)
	if err != nil {
		return fmt.Errorf("definition %s: %w", external.Name, err)
	}
	key := groupKind{external.Spec.Group, external.Spec.Names.Kind}
	if s.kinds[key] != nil {
		return fmt.Errorf("definition %s: %s of %s is defined twice", external.Name, key.kind, key.group)
	}
	s.kinds[key] = k
	s.groups[key.group] = true
	return nil
}

func newKind(crd *apiextensionsv1.CustomResourceDefinition) (*kind, error) {
	k := &kind{
		plural:     strings.ToLower(crd.Spec.Names.Plural),
		namespaced: crd.Spec.Scope != apiextensionsv1.ClusterScoped,
		versions:   map[string]*apiVersion{},
	}
	for i := range crd.Spec.Versions {
		external := &crd.Spec.Versions[i]
		if !external.Served {
			continue
		}
		v, err := newVersion(external)
		if err != nil {
			return nil, fmt.Errorf("version %s: %w", external.Name, err)
		}
		k.versions[external.Name] = v
		if k.preferred == "" || apiversion.CompareKubeAwareVersionStrings(external.Name, k.preferred) > 0 {
			k.preferred = external.Name
		}
	}
	if k.preferred == "" {
		return nil, errors.New("no version is served")
	}
	return k, nil
}

func newVersion(external *apiextensionsv1.CustomResourceDefinitionVersion) (*apiVersion, error) {
	if external.Schema == nil || external.Schema.OpenAPIV3Schema == nil {
		return nil, errors.New("it has no schema")
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(external.Schema.OpenAPIV3Schema,
		&props, nil); err != nil {
		return nil, fmt.Errorf("convert schema: %w", err)
	}
	structural, err := structuralschema.NewStructural(&props)
	if err != nil {
		return nil, fmt.Errorf("schema is not structural: %w", err)
	}
	if problems := structuralschema.ValidateStructural(nil, structural); len(problems) > 0 {
		return nil, fmt.Errorf("schema is not structural: %w", problems.ToAggregate())
	}
	validator, _, err := validation.NewSchemaValidatorForVersion(&props, version.MajorMinor(1, 34))
	if err != nil {
		return nil, fmt.Errorf("build validator: %w", err)
	}
	v := &apiVersion{structural: structural, validator: validator}
	v.rules = cel.NewValidator(structural, true, celconfig.PerCallLimit)
	v.hasStatus = external.Subresources != nil && external.Subresources.Status != nil
	if v.rules == nil {
		v.fast = compile(structural)
	}
	return v, nil
}

// Plural returns the plural of a kind, which names its folder; empty when no definition is loaded for it.
func (s *Set) Plural(group, kindName string) string {
	if k := s.kinds[groupKind{group, kindName}]; k != nil {
		return k.plural
	}
	return ""
}
