// Package ledger keeps what must outlive Redis in a small file beside each orchestrator: the fabrics, and the requests
// that were accepted here and whose syncs have not ended. A request is accepted only when it is in the file. Everything
// else that Redis holds follows from these and from Git.
package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	bucketFabrics = "fabrics" // id: definition
	bucketDeleted = "deleted" // id: generation above all that it had
	bucketSyncs   = "syncs"   // sync id: the record as it was accepted
	bucketTokens  = "tokens"  // token id: the token

	lockTimeout = 2 * time.Second
	queueLength = 1024
)

var errClosed = errors.New("the ledger is closed")

// Ledger is the open file. Its methods may be called concurrently; what is written at the same time shares one fsync.
type Ledger struct {
	path    string
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
func Open(path string) (*Ledger, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, unusable(path, err)
	}
	l := &Ledger{
		path: path, writes: make(chan write, queueLength), ended: make(chan struct{}), closed: make(chan struct{}),
	}
	err := l.open()
	if errors.Is(err, errDamaged) {
		l.damaged = fmt.Sprintf("%s.damaged-%s", path, time.Now().UTC().Format("20060102T150405.000"))
		if err := os.Rename(path, l.damaged); err != nil {
			return nil, unusable(path, err)
		}
		err = l.open()
	}
	if err != nil {
		return nil, err
	}
	l.close = sync.OnceValue(l.end)
	go l.write()
	return l, nil
}

// open examines the file and opens it.
func (l *Ledger) open() (err error) {
	if err := examine(l.path); err != nil {
		return err
	}
	defer surviving(&err)()
	l.db, err = openFile(l.path)
	return err
}

func openFile(path string) (*bbolt.DB, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockTimeout, NoFreelistSync: true,
		FreelistType: bbolt.FreelistMapType,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, errs.New(errs.LedgerUnusable, "The ledger %s is in use by another orchestrator.", path).
			WithRemedy("Give every orchestrator a ledger_file of its own.")
	}
	if err != nil {
		return nil, unusable(path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{bucketFabrics, bucketDeleted, bucketSyncs, bucketTokens} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(unusable(path, err), db.Close())
	}
	return db, nil
}

func unusable(path string, err error) error {
	return errs.New(errs.LedgerUnusable, "The ledger %s can't be opened.", path).WithCause(err)
}

func (l *Ledger) end() error {
	close(l.closed)
	<-l.ended
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.db.Close()
}

// Close ends writing and closes the file. Closing twice is no error.
func (l *Ledger) Close() error { return l.close() }

// write is the one that writes. Whatever came while it waited for the disk goes into the next transaction together.
func (l *Ledger) write() {
	defer close(l.ended)
	for {
		select {
		case <-l.closed:
			return
		case first := <-l.writes:
			l.commit(l.collect(first))
		}
	}
}

func (l *Ledger) collect(first write) []write {
	batch := []write{first}
	for len(batch) < queueLength {
		select {
		case next := <-l.writes:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func (l *Ledger) commit(batch []write) {
	l.mu.RLock()
	err := l.db.Update(func(tx *bbolt.Tx) error {
		for _, w := range batch {
			if err := w.apply(tx); err != nil {
				return err
			}
		}
		return nil
	})
	l.broken.Store(&err)
	l.mu.RUnlock()
	for _, w := range batch {
		if w.done != nil {
			w.done <- err
		}
	}
}

// durably returns when the change is on the disk.
func (l *Ledger) durably(apply func(*bbolt.Tx) error) error {
	done := make(chan error, 1)
	select {
	case <-l.closed:
		return failed(errClosed)
	case l.writes <- write{apply, done}:
	}
	select {
	case err := <-done:
		return failed(err)
	case <-l.ended:
		return failed(errClosed)
	}
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return errs.New(errs.DatabaseError, "The ledger can't be written.").WithCause(err)
}

// PutFabric keeps a definition, unless a newer one is known, or that it was deleted since.
func (l *Ledger) PutFabric(f *fabricv1.Fabric) error {
	raw, err := proto.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode fabric: %w", err)
	}
	return l.durably(func(tx *bbolt.Tx) error {
		fabrics, deleted := tx.Bucket([]byte(bucketFabrics)), tx.Bucket([]byte(bucketDeleted))
		key := fabricKey(f.GetFabricId())
		if generation(deleted.Get(key)) >= f.GetGeneration() {
			return nil
		}
		known := &fabricv1.Fabric{}
		if err := proto.Unmarshal(fabrics.Get(key), known); err != nil {
			return err
		}
		if known.GetGeneration() >= f.GetGeneration() {
			return nil
		}
		return errors.Join(deleted.Delete(key), fabrics.Put(key, raw))
	})
}

// DeleteFabric remembers that a fabric was deleted: its definitions up to a generation count no more.
func (l *Ledger) DeleteFabric(id int32, upTo int64) error {
	return l.durably(func(tx *bbolt.Tx) error {
		fabrics, deleted, key := tx.Bucket([]byte(bucketFabrics)), tx.Bucket([]byte(bucketDeleted)), fabricKey(id)
		known := &fabricv1.Fabric{}
		if err := proto.Unmarshal(fabrics.Get(key), known); err != nil {
			return err
		}
		if known.GetGeneration() > upTo || generation(deleted.Get(key)) >= upTo {
			return nil
		}
		return errors.Join(fabrics.Delete(key), deleted.Put(key, binary.BigEndian.AppendUint64(nil, uint64(upTo))))
	})
}

func fabricKey(id int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(id)) }

func generation(raw []byte) int64 {
	if len(raw) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(raw))
}

// Register is what is known of fabrics.
type Register struct {
	Fabrics []*fabricv1.Fabric
	Deleted map[int32]int64 // up to which generation
}

// Register reads all that is known of fabrics.
func (l *Ledger) Register() (Register, error) {
	r := Register{Deleted: map[int32]int64{}}
	err := l.view(func(tx *bbolt.Tx) error {
		err := tx.Bucket([]byte(bucketFabrics)).ForEach(func(_, raw []byte) error {
			f := &fabricv1.Fabric{}
			r.Fabrics = append(r.Fabrics, f)
			return proto.Unmarshal(raw, f)
		})
		return errors.Join(err, tx.Bucket([]byte(bucketDeleted)).ForEach(func(key, raw []byte) error {
			r.Deleted[int32(binary.BigEndian.Uint32(key))] = generation(raw)
			return nil
		}))
	})
	return r, unreadable(err)
}

// Accept keeps a sync that was accepted, until it is settled. Accepting it again keeps the later record.
func (l *Ledger) Accept(record *syncv1.Sync) error {
	raw, err := proto.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode sync: %w", err)
	}
	return l.durably(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketSyncs)).Put([]byte(record.GetSyncId()), raw)
	})
}

// Settle forgets syncs that need nothing any more. It does not wait: what is not forgotten now, is later.
func (l *Ledger) Settle(syncIDs ...string) {
	select {
	case l.writes <- write{apply: func(tx *bbolt.Tx) error {
		var err error
		for _, id := range syncIDs {
			err = errors.Join(err, tx.Bucket([]byte(bucketSyncs)).Delete([]byte(id)))
		}
		return err
	}}:
	default:
	}
}

// Accepted reads the syncs that are not settled.
func (l *Ledger) Accepted() ([]*syncv1.Sync, error) {
	var out []*syncv1.Sync
	err := l.view(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketSyncs)).ForEach(func(_, raw []byte) error {
			record := &syncv1.Sync{}
			out = append(out, record)
			return proto.Unmarshal(raw, record)
		})
	})
	return out, unreadable(err)
}

// HasSync reports whether a sync is accepted and not settled.
func (l *Ledger) HasSync(syncID string) (bool, error) {
	return l.has(bucketSyncs, []byte(syncID))
}

// HasFabric reports whether a fabric is registered.
func (l *Ledger) HasFabric(id int32) (bool, error) {
	return l.has(bucketFabrics, fabricKey(id))
}

func (l *Ledger) has(bucket string, key []byte) (found bool, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		found = tx.Bucket([]byte(bucket)).Get(key) != nil
		return nil
	})
	return found, unreadable(err)
}

func (l *Ledger) view(read func(*bbolt.Tx) error) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.db.View(read)
}

func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return errs.New(errs.DatabaseError, "The ledger can't be read.").WithCause(err)
}
