package hedgehog_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/hedgehog"
)

// TestUpstream holds the built-in definitions against those that Hedgehog ships, field by field.
func TestUpstream(t *testing.T) {
	t.Parallel()
	upstream := upstreamCRDs(t)
	for name, theirs := range definitions(t, upstream) {
		spec := child(theirs, "spec")
		if hedgehog.OperatorWritten(fmt.Sprint(spec["group"]), fmt.Sprint(child(spec, "names")["kind"])) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, there := definitions(t, hedgehog.BuiltinCRDs())[name]
			if !there {
				t.Fatal("not built in")
			}
			for _, difference := range differences("", essence(ours), essence(theirs)) {
				t.Error(difference)
			}
		})
	}
}

// upstreamCRDs is the folder that is kept beside the project.
func upstreamCRDs(t *testing.T) fs.FS {
	t.Helper()
	for dir, _ := filepath.Abs("."); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if folder := filepath.Join(dir, "shared", "crds"); isDir(folder) {
			return os.DirFS(folder)
		}
	}
	t.Skip("the upstream definitions are not here")
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func definitions(t *testing.T, files fs.FS) map[string]map[string]any {
	t.Helper()
	names, err := fs.Glob(files, "*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	out := map[string]map[string]any{}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		var definition map[string]any
		if err := yaml.Unmarshal(raw, &definition); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = definition
	}
	return out
}

func child(m map[string]any, key string) map[string]any {
	value, _ := m[key].(map[string]any)
	return value
}

// essence is what a definition says of resources, without what it tells people and kubectl.
func essence(definition map[string]any) any {
	spec := child(definition, "spec")
	for _, version := range spec["versions"].([]any) {
		delete(version.(map[string]any), "additionalPrinterColumns")
	}
	return withoutDescriptions(spec)
}

func withoutDescriptions(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, inner := range v {
			if _, isText := inner.(string); key != "description" || !isText {
				out[key] = withoutDescriptions(inner)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = withoutDescriptions(inner)
		}
		if !slices.ContainsFunc(out, func(e any) bool { _, isText := e.(string); return !isText }) {
			slices.SortFunc(out, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		}
		return out
	}
	return value
}

// differences names the fields that are not the same here and upstream.
func differences(path string, ours, theirs any) []string {
	a, isMap := ours.(map[string]any)
	b, areMaps := theirs.(map[string]any)
	as, isList := ours.([]any)
	bs, areLists := theirs.([]any)
	var out []string
	switch {
	case isMap && areMaps:
		for key := range a {
			out = append(out, differences(path+"."+key, a[key], b[key])...)
		}
		for key := range b {
			if _, there := a[key]; !there {
				out = append(out, differences(path+"."+key, nil, b[key])...)
			}
		}
	case isList && areLists && len(as) == len(bs):
		for i := range as {
			out = append(out, differences(fmt.Sprintf("%s[%d]", path, i), as[i], bs[i])...)
		}
	case !reflect.DeepEqual(ours, theirs):
		out = append(out, fmt.Sprintf("%s: %v here, %v upstream", path, ours, theirs))
	}
	return out
}
