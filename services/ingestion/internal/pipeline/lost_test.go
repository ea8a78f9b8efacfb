package pipeline_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

var limits = yamldoc.DefaultLimits()

func schemas(t testing.TB) *schema.Set {
	t.Helper()
	set, err := loadOnce()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

var loadOnce = sync.OnceValues(func() (*schema.Set, error) {
	return schema.Load(hedgehog.BuiltinCRDs(), hedgehog.OperatorWritten)
})

func request(tree gittree.Ref, options plan.Options) pipeline.Request {
	return pipeline.Request{
		Tree: tree, Fabric: "fabric-1", Plan: options, Schema: schema.Options{Upgrade: true},
		Commit: "0123456789012345678901234567890123456789", Time: commitTime,
		Notify: func(pipeline.Progress) error { return nil },
	}
}

// requireNothingLost looks for every document that was there: by meaning in managed/, by bytes in unmanaged/ or where
// it was; one that was dropped because another one says the same, by meaning in unmanaged/ too. Only a managed document
// for which a newer wish came, and a wish that the fabric turned down, may be gone.
func requireNothingLost(t testing.TB, before, after map[string]string, result *pipeline.Result) {
	t.Helper()
	meanings, waiting, texts := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for p, content := range after {
		texts[content] = true
		if layout.Part(p) == layout.Metadata {
			continue
		}
		for _, doc := range yamldoc.Split([]byte(content)) {
			texts[strings.TrimRight(string(doc.Bytes), "\n")] = true
			switch layout.Part(p) {
			case layout.Managed:
				meanings[meaning(doc.Bytes)] = true
			case layout.Unmanaged:
				waiting[meaning(doc.Bytes)] = true
			}
		}
	}
	gone, twice := givenUp(result), dropped(result)
	for p, content := range before {
		part := layout.Part(p)
		if part == layout.Metadata || !layout.IsYAML(p) {
			continue
		}
		docs := yamldoc.Split([]byte(content))
		if len(docs) == 0 && !texts[content] {
			t.Errorf("%s is lost", p)
		}
		for _, doc := range docs {
			for _, text := range parts(doc.Bytes) {
				m := meaning(text)
				there := texts[content] || texts[strings.TrimRight(string(text), "\n")] || m != "" && meanings[m] ||
					m != "" && waiting[m] && twice[name(text)]
				if !there && !gone[part == layout.Managed][name(text)] {
					t.Errorf("document %d of %s is lost:\n%s", doc.Number, p, text)
				}
			}
		}
	}
}

// parts returns the items of a list, or the document itself.
func parts(doc []byte) [][]byte {
	items := yamldoc.Items(doc, limits)
	if items == nil {
		return [][]byte{doc}
	}
	var out [][]byte
	for _, item := range items {
		out = append(out, parts(item.Bytes)...)
	}
	if rest := yamldoc.Remainder(doc, limits); rest != nil {
		out = append(out, rest)
	}
	return out
}

// givenUp names the resources of which a version may be gone: in managed/ (true), and of those that waited (false).
func givenUp(result *pipeline.Result) map[bool]map[string]bool {
	out := map[bool]map[string]bool{true: {}, false: {}}
	for _, item := range result.Plan.Items {
		if item.Outcome == plan.Updated || item.Outcome == plan.KeptManaged {
			out[item.Outcome == plan.Updated][item.Doc.Identity.Name] = true
		}
	}
	return out
}

// dropped returns the names of the resources of documents that were left out because others say the same.
func dropped(result *pipeline.Result) map[string]bool {
	out := map[string]bool{}
	for _, item := range result.Plan.Items {
		if item.Outcome == plan.Duplicate {
			out[item.Doc.Identity.Name] = true
		}
	}
	return out
}

func name(doc []byte) string {
	root, err := yamldoc.Parse(doc, limits)
	if err != nil {
		return ""
	}
	_, metadata := yamldoc.Field(root, "metadata")
	return yamldoc.Text(metadata, "name")
}

// meaning is a document as a cluster sees it, without what makes no difference and what only a cluster writes.
func meaning(doc []byte) string {
	root, err := yamldoc.Parse(doc, limits)
	if err != nil || root == nil {
		return ""
	}
	object, ok := yamldoc.Value(root).(map[string]any)
	if !ok {
		return ""
	}
	if version, ok := object["apiVersion"].(string); ok {
		object["apiVersion"], _, _ = strings.Cut(version, "/")
	}
	delete(object, "status")
	if metadata, ok := object["metadata"].(map[string]any); ok {
		for _, key := range []string{"creationTimestamp", "generation", "resourceVersion", "uid", "managedFields"} {
			delete(metadata, key)
		}
		if metadata["namespace"] == "default" {
			delete(metadata, "namespace")
		}
		annotations, _ := metadata["annotations"].(map[string]any)
		for key := range annotations {
			if strings.HasPrefix(key, "hnp.githedgehog.com/") {
				delete(annotations, key)
			}
		}
		if len(annotations) == 0 {
			delete(metadata, "annotations")
		}
	}
	text, err := json.Marshal(object)
	if err != nil {
		return ""
	}
	return string(text)
}
