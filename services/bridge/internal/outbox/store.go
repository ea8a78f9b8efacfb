package outbox

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/lock"
	"fgdsync.dev/libs/redisconn"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hearing"
)

// Each file says what the script does, and what its keys and arguments are.
var (
	//go:embed write.lua
	writeLua string
	//go:embed forget.lua
	forgetLua string
)

// key is which record it is, within a fabric.
type key struct{ kind, namespace, name string }

func keyOf(r *netboxv1.Receipt) key { return key{r.GetKind(), r.GetNamespace(), r.GetName()} }

// field is what a receipt is called in Redis and in the ledger. No part of a name has a slash.
func (k key) field() string { return k.kind + "/" + k.namespace + "/" + k.name }

// compare orders keys by kind, namespace and name.
func (k key) compare(other key) int { return strings.Compare(k.field(), other.field()) }

// Store keeps receipts: in Redis, where every bridge finds them, and in a ledger, which has what Redis loses. What is
// written is in the ledger first.
type Store struct {
	redis  *redisconn.Conn
	write  *redis.Script
	clear  *redis.Script
	ledger func() (*Ledger, error)
	path   string // of the ledger

	mu   sync.Mutex
	open *Ledger // nil until it is needed
}

// NewStore returns a store. It opens the file of its ledger when there is something to keep.
func NewStore(conn *redisconn.Conn, path string) *Store {
	s := &Store{redis: conn, write: redis.NewScript(writeLua), clear: redis.NewScript(forgetLua), path: path}
	s.ledger = func() (*Ledger, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open != nil {
			return s.open, nil
		}
		ledger, err := OpenLedger(path)
		if err != nil {
			return nil, err
		}
		s.open = ledger
		return ledger, nil
	}
	return s
}

// existing returns the ledger, nil where none was ever needed.
func (s *Store) existing() (*Ledger, error) {
	if _, err := os.Stat(s.path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, fmt.Errorf("look for the ledger of deliveries: %w", err)
	}
	return s.ledger()
}

// Close closes the ledger, if it was needed.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		return nil
	}
	return s.open.Close()
}

func prefixOf(fabricID int32) string {
	return fmt.Sprintf("fgd:bridge:{%d}:fabric:%d:", events.ShardOf(fabricID), fabricID)
}

func receiptsKey(fabricID int32) string { return prefixOf(fabricID) + "receipts" }
func deliveryKey(fabricID int32) string { return prefixOf(fabricID) + "delivery" }

// batchFields is how many receipts are written by one script: it holds Redis up as long as it runs.
const batchFields = 1000

// errLedger says that the ledger of this bridge can't be used: nothing may be begun.
var errLedger = errors.New("the ledger of deliveries can't be used")

// errLost says that Redis does not have what was written there.
var errLost = errors.New("receipts were lost by Redis")

func ledgerError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errLedger, err)
}

// check reports whether receipts can be kept. A ledger that somebody has taken away is made anew.
func (s *Store) check(ctx context.Context) error {
	ledger, err := s.ledger()
	if err == nil {
		_, err = ledger.Renew()
	}
	if err == nil {
		err = ledger.Check(ctx)
	}
	return ledgerError(err)
}

// change is what is new of a delivery.
type change struct {
	fence    int64
	delivery *netboxv1.Delivery
	put      []*netboxv1.Receipt
	gone     []key
}

// keep writes a change to the ledger.
func (s *Store) keep(c change) error {
	failpoint.Hit(failpoint.ReceiptBefore)
	ledger, err := s.ledger()
	if err == nil {
		err = ledger.save(c.delivery, c.put, c.gone)
	}
	if err != nil {
		return ledgerError(err)
	}
	failpoint.Hit(failpoint.ReceiptKept)
	return nil
}

// stored is what Redis has of a fabric.
type stored struct {
	revision int64 // of the delivery; 0 for none
	receipts int   // how many there are; -1 where it is not known
}

// anew has Redis get all receipts, whatever it has.
func anew() stored { return stored{receipts: -1} }

// store writes a change to Redis, and returns what it has then. An errLost says that it does not have what was there
// before.
func (s *Store) store(ctx context.Context, c change, before stored) (stored, error) {
	raw, err := proto.Marshal(c.delivery)
	if err != nil {
		return anew(), fmt.Errorf("encode the delivery of fabric %d: %w", c.delivery.GetFabricId(), err)
	}
	b := batch{fabricID: c.delivery.GetFabricId(), fence: c.fence, before: before}
	put, gone := c.put, c.gone
	for last := false; !last; {
		b.put, put = split(put, batchFields)
		b.gone, gone = split(gone, batchFields-len(b.put))
		if last = len(put)+len(gone) == 0; last { // with its revision all of them are there
			b.delivery, b.revision = raw, c.delivery.GetRevision()
		}
		if b.before, err = s.put(ctx, b); err != nil {
			return anew(), err
		}
	}
	failpoint.Hit(failpoint.ReceiptStored)
	return b.before, nil
}

// say notes in Redis alone what stands in the way of a delivery whose receipts can't be kept.
func (s *Store) say(ctx context.Context, fence int64, now *netboxv1.Delivery) error {
	d, receipts, err := s.read(ctx, now.GetFabricId())
	if err != nil || d == nil {
		return err
	}
	d.Problem, d.Remedy, d.ProblemCode = now.GetProblem(), now.GetRemedy(), now.GetProblemCode()
	_, err = s.store(ctx, change{fence: fence, delivery: d}, stored{d.GetRevision(), len(receipts)})
	return err
}

func split[T any](list []T, at int) (head, tail []T) {
	at = min(at, len(list))
	return list[:at], list[at:]
}

// batch is what one script writes.
type batch struct {
	fabricID int32
	fence    int64
	before   stored
	delivery []byte // nil to leave it as it is
	revision int64
	put      []*netboxv1.Receipt
	gone     []key
}

func (s *Store) put(ctx context.Context, b batch) (stored, error) {
	args := []any{
		b.fence, lock.Furthest.Microseconds(), b.before.revision, b.before.receipts, b.delivery, b.revision,
		uuid.NewString(), len(b.gone),
	}
	for _, k := range b.gone {
		args = append(args, k.field())
	}
	for _, r := range b.put {
		raw, err := proto.Marshal(r)
		if err != nil {
			return anew(), fmt.Errorf("encode a receipt of fabric %d: %w", b.fabricID, err)
		}
		args = append(args, keyOf(r).field(), raw)
	}
	verdict, err := s.redis.Run(ctx, s.write, []string{receiptsKey(b.fabricID), deliveryKey(b.fabricID)}, args...)
	switch {
	case err != nil:
		return anew(), fmt.Errorf("store receipts of fabric %d: %w", b.fabricID, err)
	case verdict == "fenced":
		return anew(), errs.New(errs.LockLost, "Another bridge delivers the records of fabric %d now.", b.fabricID)
	case verdict == "lost":
		return anew(), errLost
	}
	after := stored{revision: b.before.revision}
	if b.delivery != nil {
		after.revision = b.revision
	}
	count, is := verdict.(int64)
	if !is {
		return anew(), fmt.Errorf("store receipts of fabric %d: the answer is %v", b.fabricID, verdict)
	}
	after.receipts = int(count)
	return after, nil
}

// read reads what Redis has of a fabric; a nil delivery when it has none.
func (s *Store) read(ctx context.Context, fabricID int32) (*netboxv1.Delivery, []*netboxv1.Receipt, error) {
	d, err := s.delivery(ctx, fabricID)
	if err != nil {
		return nil, nil, err
	}
	fields, err := redisconn.Repeat(ctx, func() (map[string]string, error) {
		return s.redis.Main.HGetAll(ctx, receiptsKey(fabricID)).Result()
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read receipts of fabric %d: %w", fabricID, err)
	}
	receipts := make([]*netboxv1.Receipt, 0, len(fields))
	for field, raw := range fields {
		r := &netboxv1.Receipt{}
		if err := proto.Unmarshal([]byte(raw), r); err != nil {
			return nil, nil, fmt.Errorf("decode the receipt %s of fabric %d: %w", field, fabricID, err)
		}
		receipts = append(receipts, r)
	}
	return d, receipts, nil
}

// deliveries reads how those of fabrics are, in one round trip; nothing of a fabric that Redis has none of.
func (s *Store) deliveries(ctx context.Context, fabricIDs []int32) ([]*netboxv1.Delivery, error) {
	replies, err := redisconn.Repeat(ctx, func() ([]redis.Cmder, error) {
		return s.redis.Main.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, id := range fabricIDs {
				p.HGet(ctx, deliveryKey(id), "delivery")
			}
			return nil
		})
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	var found []*netboxv1.Delivery
	for i, reply := range replies {
		raw, err := reply.(*redis.StringCmd).Result()
		if err != nil {
			continue // there is none: what else may have happened is the error of all
		}
		d := &netboxv1.Delivery{}
		if err := proto.Unmarshal([]byte(raw), d); err != nil {
			return nil, fmt.Errorf("decode the delivery of fabric %d: %w", fabricIDs[i], err)
		}
		found = append(found, d)
	}
	return found, nil
}

func (s *Store) delivery(ctx context.Context, fabricID int32) (*netboxv1.Delivery, error) {
	raw, err := redisconn.Repeat(ctx, func() (string, error) {
		return s.redis.Main.HGet(ctx, deliveryKey(fabricID), "delivery").Result()
	})
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the delivery of fabric %d: %w", fabricID, err)
	}
	d := &netboxv1.Delivery{}
	if err := proto.Unmarshal([]byte(raw), d); err != nil {
		return nil, fmt.Errorf("decode the delivery of fabric %d: %w", fabricID, err)
	}
	return d, nil
}

// load reads what is known of a fabric. Where Redis has lost something, lost is true: what the ledger of this bridge
// has counts, if it was the last to write, and what others have written since is not known. Else the ledger gets what
// others have written: whatever is written from then on, it has all of it.
func (s *Store) load(ctx context.Context, fabricID int32) (*netboxv1.Delivery, []*netboxv1.Receipt, bool, error) {
	d, receipts, err := s.read(ctx, fabricID)
	if err != nil {
		return nil, nil, false, err
	}
	ledger, err := s.ledger()
	if err != nil {
		return nil, nil, false, ledgerError(err)
	}
	kept, known, err := ledger.read(fabricID)
	if err != nil {
		return nil, nil, false, ledgerError(err)
	}
	hasAll, keptAll := d != nil && isWhole(d, receipts), kept != nil && isWhole(kept, known)
	switch {
	case hasAll && kept.GetRevision() <= d.GetRevision():
		if !keptAll || kept.GetRevision() < d.GetRevision() {
			err = ledgerError(ledger.replace(d, receipts))
		}
		return d, receipts, false, err
	case keptAll && kept.GetRevision() >= d.GetRevision():
		return kept, known, true, nil
	}
	if d == nil {
		return nil, nil, true, ledgerError(ledger.forget(fabricID))
	}
	return d, receipts, true, ledgerError(ledger.replace(d, receipts))
}

// isWhole reports whether a delivery has all its receipts.
func isWhole(d *netboxv1.Delivery, receipts []*netboxv1.Receipt) bool {
	return int(d.GetReceipts()) == len(receipts)
}

// forget forgets a fabric that no NetBox shows any more.
func (s *Store) forget(ctx context.Context, fabricID int32) error {
	ledger, err := s.ledger()
	if err == nil {
		err = ledger.forget(fabricID)
	}
	if err != nil {
		return err
	}
	keys := append([]string{deliveryKey(fabricID), receiptsKey(fabricID), askedKey(fabricID)}, hearing.KeysOf(fabricID)...)
	_, err = s.redis.Run(ctx, s.clear, keys, int(2*longestLease.Seconds()))
	if err != nil {
		return fmt.Errorf("forget the delivery of fabric %d: %w", fabricID, err)
	}
	return nil
}
