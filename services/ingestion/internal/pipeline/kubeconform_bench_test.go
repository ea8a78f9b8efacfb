package pipeline_test

import (
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yannh/kubeconform/pkg/validator"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"fgdsync.dev/libs/hedgehog"
)

// BenchmarkKubeconform is the peer that only validates: the same documents by the same schemas on the same two
// processors.
func BenchmarkKubeconform(b *testing.B) {
	peer, err := validator.New([]string{filepath.Join(jsonSchemas(b), "{{.ResourceKind}}_{{.ResourceAPIVersion}}.json")},
		validator.Opts{})
	if err != nil {
		b.Fatal(err)
	}
	const perFile = 500
	file := strings.Join(wiring(perFile), "---\n")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			results := peer.ValidateWithContext(b.Context(), "wiring.yaml", io.NopCloser(strings.NewReader(file)))
			for _, result := range results {
				if len(results) != perFile || result.Status != validator.Valid {
					b.Errorf("%d results; %+v", len(results), result)
					return
				}
			}
		}
	})
	b.ReportMetric(perFile*float64(b.N)/b.Elapsed().Seconds(), "documents/s")
}

// jsonSchemas writes the schemas as kubeconform reads them.
func jsonSchemas(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	definitions := hedgehog.BuiltinCRDs()
	names, err := fs.Glob(definitions, "*")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(definitions, name)
		if err != nil {
			b.Fatal(err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(raw, &crd); err != nil {
			b.Fatal(err)
		}
		for _, version := range crd.Spec.Versions {
			text, err := json.Marshal(version.Schema.OpenAPIV3Schema)
			if err != nil {
				b.Fatal(err)
			}
			file := strings.ToLower(crd.Spec.Names.Kind) + "_" + version.Name + ".json"
			if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	return dir
}
