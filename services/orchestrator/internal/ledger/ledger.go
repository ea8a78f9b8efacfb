// Package ledger keeps what must outlive Redis in a small file beside each orchestrator: the fabrics, and the requests
// that were accepted here and whose syncs have not ended. A request is accepted only when it is in the file. Everything
// else that Redis holds follows from these and from Git.
package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/ledgerfile"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	bucketFabrics = "fabrics" // id: definition
	bucketDeleted = "deleted" // id: generation above all that it had
	bucketSyncs   = "syncs"   // sync id: the record as it was accepted
	bucketTokens  = "tokens"  // token id: the token
	bucketNetBox  = "netbox"  // "netbox": the NetBox of the installation
)

// Ledger is the open file. Its methods may be called concurrently.
type Ledger struct{ *ledgerfile.File }

// Open opens the file and makes it when there is none. A damaged one is put aside.
func Open(path string) (*Ledger, error) {
	file, err := ledgerfile.Open(ledgerfile.Config{
		Path: path, Key: "ledger_file", Owner: "orchestrator", Buckets: buckets(),
	})
	if err != nil {
		return nil, err
	}
	return &Ledger{file}, nil
}

func buckets() []ledgerfile.Bucket {
	return []ledgerfile.Bucket{
		{Name: bucketFabrics, Valid: func(key, value []byte) error {
			f := &fabricv1.Fabric{}
			return ledgerfile.Check(proto.Unmarshal(value, f), bytes.Equal(key, fabricKey(f.GetFabricId())))
		}},
		{Name: bucketDeleted, Valid: func(key, value []byte) error {
			return ledgerfile.Check(nil, len(key) == 4 && len(value) == 8)
		}},
		{Name: bucketSyncs, Valid: func(key, value []byte) error {
			s := &syncv1.Sync{}
			return ledgerfile.Check(proto.Unmarshal(value, s), string(key) == s.GetSyncId())
		}},
		{Name: bucketTokens, Valid: func(key, value []byte) error {
			t := &accessv1.Token{}
			return ledgerfile.Check(proto.Unmarshal(value, t), string(key) == t.GetTokenId())
		}},
		{Name: bucketNetBox, Valid: func(key, value []byte) error {
			return ledgerfile.Check(proto.Unmarshal(value, &fabricv1.NetBox{}), string(key) == netboxName)
		}},
	}
}

// PutFabric keeps a definition, unless a newer one is known, or that it was deleted since.
func (l *Ledger) PutFabric(f *fabricv1.Fabric) error {
	raw, err := proto.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode fabric: %w", err)
	}
	return l.Durably(func(tx *bbolt.Tx) error {
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
	return l.Durably(func(tx *bbolt.Tx) error {
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
	err := l.View(func(tx *bbolt.Tx) error {
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
	return r, err
}

// Accept keeps a sync that was accepted, until it is settled. Accepting it again keeps the later record.
func (l *Ledger) Accept(record *syncv1.Sync) error {
	raw, err := proto.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode sync: %w", err)
	}
	return l.Durably(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketSyncs)).Put([]byte(record.GetSyncId()), raw)
	})
}

// Settle forgets syncs that need nothing any more. It does not wait: what is not forgotten now, is later.
func (l *Ledger) Settle(syncIDs ...string) {
	l.Later(func(tx *bbolt.Tx) error {
		var err error
		for _, id := range syncIDs {
			err = errors.Join(err, tx.Bucket([]byte(bucketSyncs)).Delete([]byte(id)))
		}
		return err
	})
}

// Accepted reads the syncs that are not settled.
func (l *Ledger) Accepted() ([]*syncv1.Sync, error) {
	var out []*syncv1.Sync
	err := l.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketSyncs)).ForEach(func(_, raw []byte) error {
			record := &syncv1.Sync{}
			out = append(out, record)
			return proto.Unmarshal(raw, record)
		})
	})
	return out, err
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
	err = l.View(func(tx *bbolt.Tx) error {
		found = tx.Bucket([]byte(bucket)).Get(key) != nil
		return nil
	})
	return found, err
}
