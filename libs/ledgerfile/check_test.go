package ledgerfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"fgdsync.dev/libs/errs"
)

// TestALedgerThatIsGoneIsToldOf: what is accepted would be written to a file that nobody finds again.
func TestALedgerThatIsGoneIsToldOf(t *testing.T) {
	t.Parallel()
	l := opened(t)
	if err := l.Check(t.Context()); err != nil {
		t.Errorf("all is well, and it says %v", err)
	}
	moved := l.cfg.Path + ".moved"
	if err := os.Rename(l.cfg.Path, moved); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(t.Context()); !errs.HasCode(err, errs.LedgerUnusable) || !strings.Contains(err.Error(), l.cfg.Path) {
		t.Errorf("it is gone: %v", err)
	}
	if err := os.Rename(moved, l.cfg.Path); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Errorf("it is back, and says %v", err)
	}
}

// TestALedgerThatCouldNotBeWrittenIsTriedAgain: it is well once a write goes well, and not before.
func TestALedgerThatCouldNotBeWrittenIsTriedAgain(t *testing.T) {
	t.Parallel()
	l := opened(t)
	full := errors.New("no space left on the disk")
	if err := l.Durably(func(*bbolt.Tx) error { return full }); err == nil {
		t.Fatal("the write went well")
	}
	if err := l.Check(t.Context()); err != nil || *l.broken.Load() != nil {
		t.Errorf("there is room again, and it says %v", err)
	}
	if err := l.Durably(func(*bbolt.Tx) error { return full }); err == nil {
		t.Fatal("the write went well")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(t.Context()); !errs.HasCode(err, errs.LedgerUnusable) || !strings.Contains(err.Error(), "written") {
		t.Errorf("it can't be written: %v", err)
	}
}

func opened(t *testing.T) *File {
	t.Helper()
	l, err := Open(Config{
		Path: filepath.Join(t.TempDir(), "ledger.db"), Key: "ledger_file", Owner: "test", Buckets: nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
