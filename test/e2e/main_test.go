// Package e2e tests the built programs from outside: command line, JSON API and processes, against a real Redis and a
// real Git server.
package e2e

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"fgdsync.dev/test/system"
)

// programs are built once for all tests.
var programs system.Binaries

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "fgd-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if programs, err = system.Build(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if code := m.Run(); code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
