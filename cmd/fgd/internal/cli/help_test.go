package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// program returns this program as fgd, a process of its own.
func program(ctx context.Context, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = append([]string{"fgd"}, args...)
	return cmd
}

// mostAtStart is how many bytes packages may allocate before a command line is looked at. It is 5 MiB; the rest is for
// what tests bring along, and for what comes with a new version of a library.
const mostAtStart = 8 << 20

// TestHelpStartsLittle: help, version and completion pay for what packages do when the program starts, and for nothing
// else, so that has to stay little.
func TestHelpStartsLittle(t *testing.T) {
	t.Parallel()
	var trace bytes.Buffer
	help := program(t.Context(), "--help")
	help.Env, help.Stderr = append(os.Environ(), "GODEBUG=inittrace=1"), &trace
	if err := help.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &trace)
	}
	total, packages := 0, 0
	for line := range strings.Lines(trace.String()) {
		var name, at, clock string
		var began, took float64
		var size int
		if n, _ := fmt.Sscanf(line, "init %s @%f %s %f ms %s %d bytes", &name, &began, &at, &took, &clock, &size); n < 6 {
			continue
		}
		total, packages = total+size, packages+1
	}
	allowed := mostAtStart
	if raced {
		allowed *= 2
	}
	if packages < 100 || total > allowed {
		t.Errorf("%d packages allocate %d bytes at the start, %d are allowed:\n%s", packages, total, allowed, &trace)
	}
}
