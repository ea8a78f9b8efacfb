package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
)

// TestAFolderThatCantBeWrittenIsToldOf: a file stands where the folder has to be, until somebody takes it away.
func TestAFolderThatCantBeWrittenIsToldOf(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pool := NewPool(Options{Dir: filepath.Join(folder, "repositories")})
	if err := pool.Check(t.Context()); !errs.HasCode(err, errs.StorageFailed) || !strings.Contains(err.Error(), folder) {
		t.Errorf("a folder that can't be written: %v", err)
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	var little *health.Trouble // of the machine that runs the test
	if err := pool.Check(t.Context()); err != nil && !errors.As(err, &little) {
		t.Errorf("a folder that can be written: %v", err)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 1 {
		t.Errorf("beside the stores there is %v, %v", left, err)
	}
}

func TestADiskThatFillsUpIsToldOfInTime(t *testing.T) {
	t.Parallel()
	if err := judgeSpace("/data", littleSpace); err != nil {
		t.Errorf("enough: %v", err)
	}
	var trouble *health.Trouble
	if err := judgeSpace("/data", 100<<20); !errors.As(err, &trouble) || trouble.Status != health.Degraded ||
		!strings.Contains(trouble.Reason, "/data has 100 MiB left") || trouble.Remedy == "" {
		t.Errorf("too little: %+v", trouble)
	}
}
