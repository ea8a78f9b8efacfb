package netbox

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
)

// console is a shell of NetBox in which a test runs one piece of Python after the other. What it does has no request.
type console struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// served is what the console runs: it executes what comes, and answers with what went wrong.
const served = `
import json, sys, traceback
from contextlib import redirect_stdout
names = {}
exec("from django.db import connections, transaction\nfrom netbox_hedgehog.models import *", names)
for line in sys.stdin:
    said = {}
    try:
        with redirect_stdout(sys.stderr):
            exec(json.loads(line), names)
        said["result"] = names.pop("result", None)
    except BaseException:
        said["error"] = traceback.format_exc()
    print(json.dumps(said), flush=True)
`

// console starts one.
func (n *netbox) console() *console {
	n.t.Helper()
	command := n.Command(n.t.Context(), "nbshell", "-c", served)
	in, err := command.StdinPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	var said strings.Builder
	command.Stderr = &said
	if err := command.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		_ = in.Close() // it ends with that
		if err := command.Wait(); err != nil && n.t.Context().Err() == nil {
			n.t.Errorf("the console: %v\n%s", err, said.String())
		}
	})
	return &console{t: n.t, in: in, out: bufio.NewReader(out)}
}

// run executes Python, and returns what it has called result.
func (c *console) run(format string, args ...any) any {
	c.t.Helper()
	line, err := json.Marshal(fmt.Sprintf(format, args...))
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		c.t.Fatal(err)
	}
	answer, err := c.out.ReadBytes('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	var said struct {
		Result any
		Error  string
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		c.t.Fatalf("%s: %v", answer, err)
	}
	if said.Error != "" {
		c.t.Fatalf("%s\n%s", line, said.Error)
	}
	return said.Result
}
