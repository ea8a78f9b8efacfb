package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Damaged returns where a file went that was damaged, and empty when there was none.
func (l *Ledger) Damaged() string { return l.damaged }

// Refuse puts a damaged file back into its place, and returns the error that says so: nobody else has what it had.
func (l *Ledger) Refuse() error {
	err := errs.New(errs.LedgerDamaged, "The ledger %s is damaged, and Redis is empty.", l.path)
	return errors.Join(err, l.Close(), os.Rename(l.damaged, l.path))
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
func examine(path string) (damage error) {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return nil // who opens it says why it can't be
	}
	defer surviving(&damage)()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	switch {
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w: %w", errDamaged, err)
	case err != nil:
		return nil // as above
	}
	defer func() { damage = errors.Join(damage, db.Close()) }()
	if err := db.View(readable); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return nil
}

// readable reports whether everything in the file can be read and is what it should be.
func readable(tx *bbolt.Tx) error {
	for name, valid := range map[string]func(key, value []byte) error{
		bucketFabrics: func(key, value []byte) error {
			f := &fabricv1.Fabric{}
			return check(proto.Unmarshal(value, f), bytes.Equal(key, fabricKey(f.GetFabricId())))
		},
		bucketDeleted: func(key, value []byte) error { return check(nil, len(key) == 4 && len(value) == 8) },
		bucketSyncs: func(key, value []byte) error {
			s := &syncv1.Sync{}
			return check(proto.Unmarshal(value, s), string(key) == s.GetSyncId())
		},
		bucketTokens: func(key, value []byte) error {
			t := &accessv1.Token{}
			return check(proto.Unmarshal(value, t), string(key) == t.GetTokenId())
		},
	} {
		bucket := tx.Bucket([]byte(name))
		if bucket == nil {
			continue // it was never written to
		}
		var last []byte
		if err := bucket.ForEach(func(key, value []byte) error {
			inOrder := last == nil || bytes.Compare(last, key) < 0
			last = key
			return errors.Join(check(nil, inOrder), valid(key, value))
		}); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	return nil
}

var errNotWhatItShouldBe = errors.New("an entry is not what it should be")

func check(err error, right bool) error {
	if err == nil && !right {
		return errNotWhatItShouldBe
	}
	return err
}

// Renew makes the file anew where somebody has taken it away, with all that it had. It reports whether it did.
func (l *Ledger) Renew() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		return false, nil
	default:
	}
	if _, err := os.Stat(l.path); !os.IsNotExist(err) {
		return false, nil
	}
	if err := l.db.View(func(tx *bbolt.Tx) error { return tx.CopyFile(l.path, 0o600) }); err != nil {
		return false, failed(err)
	}
	db, err := openFile(l.path)
	if err != nil {
		return false, err
	}
	old := l.db
	l.db = db
	return true, old.Close()
}
