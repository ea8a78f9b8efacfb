package pipeline_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"sigs.k8s.io/yaml"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/stage"
)

// BenchmarkScale shows what a document costs in small and in large directories, 46 in a file. The first ingestion of
// each size, for which the process gets its memory, does not count.
func BenchmarkScale(b *testing.B) {
	for _, documents := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(documents), func(b *testing.B) {
			p := benchPipeline(b, newMemoryTrees(inRaw(wiring(documents), 46)))
			ingest := func() {
				if result, err := p.Ingest(b.Context(), request(gittree.Ref{ID: "before"}, plan.Options{})); err != nil ||
					result.Documents != documents {
					b.Fatalf("%+v, %v", result, err)
				}
			}
			ingest()
			for b.Loop() {
				ingest()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(documents), "ns/document")
		})
	}
}

// BenchmarkMemory shows how much memory an ingestion has at most, beside its input.
func BenchmarkMemory(b *testing.B) {
	trees := newMemoryTrees(inRaw(wiring(benchDocuments), 46))
	p := benchPipeline(b, trees)
	highest := uint64(0)
	for b.Loop() {
		runtime.GC()
		before := heap()
		watched := watchHeap()
		if _, err := p.Ingest(b.Context(), request(gittree.Ref{ID: "before"}, plan.Options{})); err != nil {
			b.Fatal(err)
		}
		highest = max(highest, watched()-before)
	}
	b.ReportMetric(float64(highest)/(1<<20), "MiB")
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// watchHeap looks at the heap until the function that it returns is called, which returns the most that it saw.
func watchHeap() func() uint64 {
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		highest := heap()
		ticker := time.NewTicker(200 * time.Microsecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				most <- max(highest, heap())
				return
			case <-ticker.C:
				highest = max(highest, heap())
			}
		}
	}()
	return func() uint64 { close(done); return <-most }
}

// BenchmarkStock is the peer: what the usual libraries do with the same documents on the same two processors: decode
// strictly, validate by the same schemas, write out, hash.
func BenchmarkStock(b *testing.B) {
	validators := stockValidators(b)
	docs := wiring(1000)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if err := stock(validators, []byte(docs[i%len(docs)])); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "documents/s")
}

func stock(validators map[string]validation.SchemaValidator, doc []byte) error {
	var object map[string]any
	if err := yaml.UnmarshalStrict(doc, &object); err != nil {
		return err
	}
	kind, _ := object["kind"].(string)
	if problems := validation.ValidateCustomResource(nil, object, validators[kind]); len(problems) > 0 {
		return problems.ToAggregate()
	}
	out, err := yaml.Marshal(object)
	stage.BlobID(out)
	return err
}

func stockValidators(b *testing.B) map[string]validation.SchemaValidator {
	b.Helper()
	out := map[string]validation.SchemaValidator{}
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
		if err := yaml.UnmarshalStrict(bytes.TrimSpace(raw), &crd); err != nil {
			b.Fatal(err)
		}
		var props apiextensions.JSONSchemaProps
		convert := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps
		if err := convert(crd.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
			b.Fatal(err)
		}
		validator, _, err := validation.NewSchemaValidator(&props)
		if err != nil {
			b.Fatal(err)
		}
		out[crd.Spec.Names.Kind] = validator
	}
	return out
}
