package pipeline_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"sync"
	"testing"
)

// readerScript reads documents twice: as PyYAML does, which is YAML 1.1, and with the core schema of YAML 1.2, in which
// a scalar is its type and its text. The system's own annotations are left out, and text that can't be read is its
// error.
const readerScript = `
import json, re, sys, yaml

class Core(yaml.SafeLoader):
    yaml_implicit_resolvers = {}

for tag, pattern in (
    ("null", r"^(~|null|Null|NULL|)$"),
    ("bool", r"^(true|True|TRUE|false|False|FALSE)$"),
    ("int", r"^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    ("float", r"^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"),
):
    tag = "tag:yaml.org,2002:" + tag
    Core.add_implicit_resolver(tag, re.compile(pattern), None)
    if "null" not in tag: Core.add_constructor(tag, lambda loader, node: (node.tag, node.value))

def without_ours(document):
    metadata = document.get("metadata") if isinstance(document, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict):
        ours = [k for k in annotations if isinstance(k, str) and k.startswith("hnp.githedgehog.com/")]
        if not all(isinstance(annotations[k], str) for k in ours):
            raise Exception("an annotation is no text")
        for k in ours:
            del annotations[k]
    if isinstance(metadata, dict) and not metadata.get("annotations"):
        metadata.pop("annotations", None)
    return document

def read(text, loader):
    try:
        documents = [without_ours(d) for d in yaml.load_all(text, loader)]
        return repr([d for d in documents if d is not None])
    except yaml.YAMLError as error:
        return "error: " + type(error).__name__

json.dump([[read(t, yaml.SafeLoader), read(t, Core)] for t in json.load(sys.stdin)], sys.stdout)
`

const python = "/usr/bin/python3"

// pyYAML reports whether Python and PyYAML are there.
var pyYAML = sync.OnceValue(func() bool { return exec.Command(python, "-c", "import yaml").Run() == nil })

// readings returns what the readers of YAML 1.1 and 1.2 make of documents, or nothing when there are none or Python has
// no PyYAML.
func readings(t testing.TB, docs []string) [][2]string {
	t.Helper()
	if len(docs) == 0 || !pyYAML() {
		return nil
	}
	in, err := json.Marshal(docs)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), python, "-c", readerScript)
	command.Stdin = bytes.NewReader(in)
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		t.Fatalf("read with PyYAML: %v\n%s", err, &problems)
	}
	var got [][2]string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got
}
