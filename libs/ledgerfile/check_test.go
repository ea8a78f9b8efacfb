package ledgerfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
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

// TestALedgerOnAFullDisk is told of until there is room, and nothing has to be done but to make it.
func TestALedgerOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	resize := func(size string, flags uintptr) error { return unix.Mount("tmpfs", dir, "tmpfs", flags, "size="+size) }
	if err := resize("256k", 0); err != nil {
		t.Skipf("mounting a small disk is not permitted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	l := openedIn(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	grow := func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte("b"))
		return errors.Join(err, bucket.Put([]byte("k"), make([]byte, 1<<20)))
	}
	if err := l.Durably(grow); !errs.HasCode(err, errs.DatabaseError) {
		t.Fatalf("on a full disk: %v", err)
	}
	state := health.StateOf(health.Ledger, l.Check(t.Context()))
	if state.Status != health.Unhealthy || state.Code != errs.LedgerUnusable.ID || state.Remedy == "" ||
		state.Details["file"] != l.cfg.Path {
		t.Errorf("the disk is full, and the ledger is %+v", state)
	}
	if err := resize("64m", unix.MS_REMOUNT); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Errorf("there is room, and it says %v", err)
	}
	if err := l.Durably(grow); err != nil {
		t.Errorf("there is room, and it is not written: %v", err)
	}
}

func opened(t *testing.T) *File { return openedIn(t, t.TempDir()) }

func openedIn(t *testing.T, dir string) *File {
	t.Helper()
	l, err := Open(Config{
		Path: filepath.Join(dir, "ledger.db"), Key: "ledger_file", Owner: "test", Buckets: nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
