package rewrite

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// TestCompose: a new document has the order of the samples, and nothing that is not needed.
func TestCompose(t *testing.T) {
	t.Parallel()
	id := Identity{APIVersion: "vpc.githedgehog.com/v1beta1", Kind: "VPC", Namespace: "default", Name: "vpc-1"}
	got, err := Compose(id, Content{
		Spec: tree(t, `{"vlanNamespace": "n", "subnets": {"default": {"dhcp": {"range": {"end": "10.0.0.9", "start": "10.0.0.1"}, "enable": true},
			"vlan": 1001, "subnet": "10.0.0.0/24", "x": "1", "options": {"dnsServers": ["1.1.1.1"], "y": []}}},
			"ipv4Namespace": "i", "permit": [["a", "b"], ["a", {"to": 2, "from": 1}]], "text": "one\ntwo\n"}`),
		Labels:      tree(t, `{"b": "yes", "a": ""}`),
		Annotations: tree(t, `{"hnp.githedgehog.com/x": "y"}`),
	})
	want := `apiVersion: vpc.githedgehog.com/v1beta1
kind: VPC
metadata:
  name: vpc-1
  namespace: default
  labels:
    a: ''
    b: 'yes'
spec:
  ipv4Namespace: i
  vlanNamespace: 'n'
  subnets:
    default:
      subnet: 10.0.0.0/24
      vlan: 1001
      dhcp:
        enable: true
        range:
          start: 10.0.0.1
          end: 10.0.0.9
      options:
        dnsServers:
          - 1.1.1.1
        'y': []
      x: '1'
  permit:
    - - a
      - b
    - - a
      - from: 1
        to: 2
  text: |
    one
    two
`
	if err != nil || string(got) != want {
		t.Errorf("got:\n%s\n%v\nwant:\n%s", got, err, want)
	}
	if got, err := Compose(Identity{Name: "n"}, Content{Spec: tree(t, `{"a": 1e999}`)}); err == nil {
		t.Errorf("got:\n%s", got)
	}
}

// TestComposeSamples: the samples of the project, said anew, have the lines that they have.
func TestComposeSamples(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../../directory/internal/structure/samples/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		requireSample(t, path, data)
	}
}

var note = regexp.MustCompile(`(?m)^#.*\n| +#.*$`)

// requireSample requires that the documents of a file are composed as they are, but for comments and
// double quotes.
func requireSample(t *testing.T, path string, data []byte) {
	t.Helper()
	for _, doc := range yamldoc.Split(data) {
		_, have, err := read(doc.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		meta := have[metadata].(map[string]any)
		id := Identity{APIVersion: have["apiVersion"].(string), Kind: have["kind"].(string), Name: meta["name"].(string)}
		got, err := Compose(id, contentOf(have))
		if want := strings.ReplaceAll(note.ReplaceAllString(string(doc.Bytes), ""), `"`, "'"); err != nil || string(got) != want {
			t.Errorf("%s: got:\n%s\n%v\nwant:\n%s", path, got, err, want)
		}
	}
}
