package pipeline_test

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/corpus"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

var limits = yamldoc.DefaultLimits()

func schemas(t testing.TB) *schema.Set {
	t.Helper()
	set, err := loadOnce(corpus.Dir(t, "crds"))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

var loadOnce = func() func(dir string) (*schema.Set, error) {
	var once sync.Once
	var set *schema.Set
	var err error
	return func(dir string) (*schema.Set, error) {
		once.Do(func() { set, err = schema.Load(os.DirFS(dir), func(string, string) bool { return false }) })
		return set, err
	}
}()

func request(tree pipeline.Tree, options plan.Options) pipeline.Request {
	return pipeline.Request{
		Tree: tree, Fabric: "fabric-1", Plan: options, Schema: schema.Options{Upgrade: true},
		Commit: "0123456789012345678901234567890123456789", Time: commitTime, Notify: func(pipeline.Progress) error { return nil },
	}
}

// requireNothingLost looks for every document that was there: by meaning in managed/, by bytes in unmanaged/ or where
// it was. Managed documents may give way to a newer wish.
func requireNothingLost(t testing.TB, before, after map[string]string, options plan.Options) {
	t.Helper()
	meanings, texts := map[string]bool{}, map[string]bool{}
	for p, content := range after {
		texts[content] = true
		if layout.Part(p) == layout.Metadata {
			continue
		}
		for _, doc := range yamldoc.Split([]byte(content)) {
			texts[string(doc.Bytes)] = true
			if layout.Part(p) == layout.Managed {
				meanings[meaning(doc.Bytes)] = true
			}
		}
	}
	for p, content := range before {
		if part := layout.Part(p); part == layout.Metadata || !layout.IsYAML(p) || part == layout.Managed && options.Conflict == plan.ConflictUpdate {
			continue
		}
		docs := yamldoc.Split([]byte(content))
		if len(docs) == 0 && !texts[content] {
			t.Errorf("%s is lost", p)
		}
		for _, doc := range docs {
			if m := meaning(doc.Bytes); !texts[content] && !texts[string(doc.Bytes)] && (m == "" || !meanings[m]) {
				t.Errorf("document %d of %s is lost:\n%s", doc.Number, p, doc.Bytes)
			}
		}
	}
}

// meaning is a document as a cluster sees it, without what makes no difference.
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
	if metadata, ok := object["metadata"].(map[string]any); ok {
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
