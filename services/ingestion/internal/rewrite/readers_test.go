package rewrite

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"testing"
)

// readerScript reads a document of each line, which is a JSON text, and writes what PyYAML makes of it as JSON. Its
// scanner in C is quick, the one in Python is what yaml.safe_load has.
const readerScript = `
import json, sys, yaml
loader = getattr(yaml, sys.argv[1], yaml.SafeLoader)
for line in sys.stdin:
    try:
        out = json.dumps(yaml.load(json.loads(line), loader), default=str)
    except (yaml.YAMLError, ValueError) as error:
        out = json.dumps({"error": str(error)})
    print(out, flush=True)
`

// python is PyYAML, which reads YAML 1.1, in a process of its own.
type python struct {
	in  io.Writer
	out *bufio.Reader
}

// startPython returns a reader with a loader of PyYAML, or nil where Python has no PyYAML.
func startPython(t *testing.T, loader string) *python {
	t.Helper()
	const program = "/usr/bin/python3"
	if exec.CommandContext(t.Context(), program, "-c", "import yaml").Run() != nil {
		return nil
	}
	command := exec.CommandContext(t.Context(), program, "-c", readerScript, loader)
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = command.Wait()
	})
	return &python{in, bufio.NewReader(out)}
}

// failer is what tests and properties fail by.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// read returns what PyYAML reads in a document.
func (p *python) read(t failer, doc []byte) any {
	t.Helper()
	line, err := json.Marshal(string(doc))
	if err != nil {
		t.Fatalf("%v", err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		t.Fatalf("ask PyYAML: %v", err)
	}
	var got any
	answer, err := p.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("read with PyYAML: %v", err)
	}
	if got, err = decode(answer); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
	return got
}
