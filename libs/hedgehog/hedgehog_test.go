package hedgehog_test

import (
	"io/fs"
	"slices"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"fgdsync.dev/libs/hedgehog"
)

func builtin(t *testing.T) map[string]*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	out := map[string]*apiextensionsv1.CustomResourceDefinition{}
	files := hedgehog.BuiltinCRDs()
	names, err := fs.Glob(files, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(raw, definition); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = definition
	}
	return out
}

// TestStructural holds what the Kubernetes API server asks of every definition.
func TestStructural(t *testing.T) {
	t.Parallel()
	for name, definition := range builtin(t) {
		if want := definition.Spec.Group + "_" + definition.Spec.Names.Plural + ".yaml"; name != want {
			t.Errorf("%s should be %s", name, want)
		}
		if len(definition.Spec.Versions) != 1 || !definition.Spec.Versions[0].Served || !definition.Spec.Versions[0].Storage {
			t.Fatalf("%s: versions %+v", name, definition.Spec.Versions)
		}
		var internal apiextensions.JSONSchemaProps
		convert := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps
		if err := convert(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, &internal, nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		structural, err := schema.NewStructural(&internal)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if errs := schema.ValidateStructural(field.NewPath("schema"), structural); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	var plurals []string
	for name, definition := range builtin(t) {
		plurals = append(plurals, definition.Spec.Names.Plural)
		if !hedgehog.IsHedgehogGroup(definition.Spec.Group) {
			t.Errorf("%s: %s is not a group of Hedgehog's", name, definition.Spec.Group)
		}
		if hedgehog.OperatorWritten(definition.Spec.Group, definition.Spec.Names.Kind) {
			t.Errorf("%s: operators write it", name)
		}
	}
	for _, folder := range hedgehog.CoreKindFolders() {
		if !slices.Contains(plurals, folder) {
			t.Errorf("%s is defined by nothing", folder)
		}
	}
	if !hedgehog.OperatorWritten("agent.githedgehog.com", "Agent") || hedgehog.IsHedgehogGroup("notgithedgehog.com") ||
		!hedgehog.IsHedgehogGroup("vpc.githedgehog.com") {
		t.Error("groups or operators' kinds are confused")
	}
}
