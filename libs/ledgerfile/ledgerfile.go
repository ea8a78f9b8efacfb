// Package ledgerfile is a small file for what has to outlive Redis: entries in named buckets, each write on the disk
// before it returns. What is written at the same time shares one fsync. A damaged file is put aside, and never ends the
// process.
package ledgerfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"fgdsync.dev/libs/errs"
)

const (
	lockTimeout = 2 * time.Second
	queueLength = 1024
)

var errClosed = errors.New("the ledger is closed")

// Bucket is entries of one kind.
type Bucket struct {
	Name string
	// Valid returns an error for an entry that was not written as it is.
	Valid func(key, value []byte) error
}

// Config is which file it is, and what is in it.
type Config struct {
	Path string
	// Key is the key of the configuration that says where the file is.
	Key string
	// Owner is who has the file, as people call it: two of them can't share one.
	Owner   string
	Buckets []Bucket
}

// File is the open file. Its methods may be called concurrently.
type File struct {
	cfg     Config
	damaged string // where a damaged file went; empty when there was none
	writes  chan write
	ended   chan struct{} // closed when nothing is written any more
	closed  chan struct{} // closed to end the writer
	close   func() error
	broken  atomic.Pointer[error] // of the last write

	mu sync.RWMutex // of the file itself, which may be made anew
	db *bbolt.DB
}

type write struct {
	apply func(*bbolt.Tx) error
	done  chan<- error // nil when nobody waits
}

// Open opens the file and makes it when there is none. A damaged one is put aside under another name, and an empty one
// takes its place: what it had is in Redis too, unless that is empty as well.
func Open(cfg Config) (*File, error) {
	f := &File{
		cfg: cfg, writes: make(chan write, queueLength), ended: make(chan struct{}), closed: make(chan struct{}),
	}
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, f.unusable(err)
	}
	err := f.open()
	if errors.Is(err, errDamaged) {
		f.damaged = fmt.Sprintf("%s.damaged-%s", cfg.Path, time.Now().UTC().Format("20060102T150405.000"))
		if err := os.Rename(cfg.Path, f.damaged); err != nil {
			return nil, f.unusable(err)
		}
		err = f.open()
	}
	if err != nil {
		return nil, err
	}
	f.close = sync.OnceValue(f.end)
	go f.write()
	return f, nil
}

// open examines the file and opens it.
func (f *File) open() (err error) {
	if err := f.examine(); err != nil {
		return err
	}
	defer surviving(&err)()
	f.db, err = f.openFile()
	return err
}

func (f *File) openFile() (*bbolt.DB, error) {
	db, err := bbolt.Open(f.cfg.Path, 0o600, &bbolt.Options{
		Timeout: lockTimeout, NoFreelistSync: true,
		FreelistType: bbolt.FreelistMapType,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, errs.New(errs.LedgerUnusable, "The ledger %s is in use by another %s.", f.cfg.Path, f.cfg.Owner).
			WithRemedy("Give every %s a %s of its own.", f.cfg.Owner, f.cfg.Key)
	}
	if err != nil {
		return nil, f.unusable(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, bucket := range f.cfg.Buckets {
			if _, err := tx.CreateBucketIfNotExists([]byte(bucket.Name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(f.unusable(err), db.Close())
	}
	return db, nil
}

func (f *File) unusable(err error) error {
	return errs.New(errs.LedgerUnusable, "The ledger %s can't be opened.", f.cfg.Path).WithCause(err)
}

func (f *File) end() error {
	close(f.closed)
	<-f.ended
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.db.Close()
}

// Close ends writing and closes the file. Closing twice is no error.
func (f *File) Close() error { return f.close() }

// write is the one that writes. Whatever came while it waited for the disk goes into the next transaction together.
func (f *File) write() {
	defer close(f.ended)
	for {
		select {
		case <-f.closed:
			return
		case first := <-f.writes:
			f.commit(f.collect(first))
		}
	}
}

func (f *File) collect(first write) []write {
	batch := []write{first}
	for len(batch) < queueLength {
		select {
		case next := <-f.writes:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func (f *File) commit(batch []write) {
	f.mu.RLock()
	err := f.db.Update(func(tx *bbolt.Tx) error {
		for _, w := range batch {
			if err := w.apply(tx); err != nil {
				return err
			}
		}
		return nil
	})
	f.broken.Store(&err)
	f.mu.RUnlock()
	for _, w := range batch {
		if w.done != nil {
			w.done <- err
		}
	}
}

// Durably returns when a change is on the disk.
func (f *File) Durably(apply func(*bbolt.Tx) error) error {
	done := make(chan error, 1)
	select {
	case <-f.closed:
		return failed(errClosed)
	case f.writes <- write{apply, done}:
	}
	select {
	case err := <-done:
		return failed(err)
	case <-f.ended:
		return failed(errClosed)
	}
}

// Later makes a change without waiting for it. It may be left out when there is much to write.
func (f *File) Later(apply func(*bbolt.Tx) error) {
	select {
	case f.writes <- write{apply: apply}:
	default:
	}
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return errs.New(errs.DatabaseError, "The ledger can't be written.").WithCause(err)
}

// View reads.
func (f *File) View(read func(*bbolt.Tx) error) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if err := f.db.View(read); err != nil {
		return errs.New(errs.DatabaseError, "The ledger can't be read.").WithCause(err)
	}
	return nil
}
