package ledgerfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"fgdsync.dev/libs/errs"
)

// Damaged returns where a file went that was damaged, and empty when there was none.
func (f *File) Damaged() string { return f.damaged }

// Refuse puts a damaged file back into its place, and returns the error that says so: nobody else has what it had.
func (f *File) Refuse() error {
	err := errs.New(errs.LedgerDamaged, "The ledger %s is damaged, and Redis is empty.", f.cfg.Path)
	return errors.Join(err, f.Close(), os.Rename(f.damaged, f.cfg.Path))
}

// errDamaged says that a file is not what was written into it.
var errDamaged = errors.New("the ledger is damaged")

// surviving turns what a damaged file does into an error: the library panics where a page is none, and the system sends
// a signal where the file ends before its last page. It is for one goroutine, until what it returns is called.
func surviving(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if p := recover(); p != nil {
			*err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}
}

// examine looks at all of a file, and returns errDamaged with what is wrong with it. One that is not there, empty, in
// use or can't be opened is not damaged. It reads in this goroutine all that the library reads in one of its own when
// it opens the file for writing, where nothing could be caught.
func (f *File) examine() (damage error) {
	if info, err := os.Stat(f.cfg.Path); err != nil || info.Size() == 0 {
		return nil // who opens it says why it can't be
	}
	defer surviving(&damage)()
	db, err := bbolt.Open(f.cfg.Path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	switch {
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w: %w", errDamaged, err)
	case err != nil:
		return nil // as above
	}
	defer func() { damage = errors.Join(damage, db.Close()) }()
	if err := db.View(f.readable); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return nil
}

// readable reports whether everything in the file can be read and is what it should be.
func (f *File) readable(tx *bbolt.Tx) error {
	for _, b := range f.cfg.Buckets {
		bucket := tx.Bucket([]byte(b.Name))
		if bucket == nil {
			continue // it was never written to
		}
		var last []byte
		if err := bucket.ForEach(func(key, value []byte) error {
			inOrder := last == nil || bytes.Compare(last, key) < 0
			last = key
			return errors.Join(Check(nil, inOrder), b.Valid(key, value))
		}); err != nil {
			return fmt.Errorf("read %s: %w", b.Name, err)
		}
	}
	return nil
}

var errNotWhatItShouldBe = errors.New("an entry is not what it should be")

// Check returns an error when an entry can't be read, or is not right.
func Check(err error, right bool) error {
	if err == nil && !right {
		return errNotWhatItShouldBe
	}
	return err
}

// Renew makes the file anew where somebody has taken it away, with all that it had. It reports whether it did.
func (f *File) Renew() (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.closed:
		return false, nil
	default:
	}
	if _, err := os.Stat(f.cfg.Path); !os.IsNotExist(err) {
		return false, nil
	}
	if err := f.db.View(func(tx *bbolt.Tx) error { return tx.CopyFile(f.cfg.Path, 0o600) }); err != nil {
		return false, failed(err)
	}
	db, err := f.openFile()
	if err != nil {
		return false, err
	}
	old := f.db
	f.db = db
	return true, old.Close()
}

// littleSpace is by how much the file grows at a time. A small write may go well where there is less.
const littleSpace = 16 << 20

// Check reports whether what is written comes to the disk: the file is there, and the last write went well. After one
// that did not it looks for room, and tries another.
func (f *File) Check(context.Context) error {
	if _, err := os.Stat(f.cfg.Path); err != nil {
		return errs.New(errs.LedgerUnusable, "The ledger %s was removed while it is in use.", f.cfg.Path).WithCause(err).
			WithMeta("file", f.cfg.Path).WithRemedy("Let the %s write to its folder: it makes the ledger anew within seconds, from what it holds.",
			f.cfg.Owner)
	}
	last := f.broken.Load()
	if last == nil || *last == nil {
		return nil
	}
	err := f.room()
	if err == nil {
		err = f.Durably(func(*bbolt.Tx) error { return nil })
	}
	if err != nil {
		return errs.New(errs.LedgerUnusable, "The ledger %s can't be written.", f.cfg.Path).WithCause(err).
			WithMeta("file", f.cfg.Path).WithRemedy("Make room on its disk, and let the %s write to its folder.", f.cfg.Owner)
	}
	return nil
}

// room reports a disk that has little left.
func (f *File) room() error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(f.cfg.Path, &disk); err != nil {
		return fmt.Errorf("look at the disk: %w", err)
	}
	if free := disk.Bavail * uint64(disk.Bsize); free < littleSpace { // another type elsewhere
		return fmt.Errorf("the disk has %d bytes left: %w", free, syscall.ENOSPC)
	}
	return nil
}
