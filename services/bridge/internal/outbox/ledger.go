package outbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/ledgerfile"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

const (
	bucketDeliveries = "deliveries" // fabric: its delivery
	bucketReceipts   = "receipts"   // fabric and record: its receipt
)

// Ledger keeps the receipts that this bridge has written, for the day on which Redis has lost them.
type Ledger struct{ *ledgerfile.File }

// OpenLedger opens the file and makes it when there is none. A damaged one is put aside.
func OpenLedger(path string) (*Ledger, error) {
	file, err := ledgerfile.Open(ledgerfile.Config{
		Path: path, Key: "outbox_file", Owner: "bridge", Buckets: []ledgerfile.Bucket{
			{Name: bucketDeliveries, Valid: func(key, value []byte) error {
				d := &netboxv1.Delivery{}
				return ledgerfile.Check(proto.Unmarshal(value, d), bytes.Equal(key, fabricKey(d.GetFabricId())))
			}},
			{Name: bucketReceipts, Valid: func(key, value []byte) error {
				r := &netboxv1.Receipt{}
				return ledgerfile.Check(proto.Unmarshal(value, r), bytes.HasSuffix(key, []byte("/"+r.GetName())))
			}},
		},
	})
	if err != nil {
		return nil, err
	}
	return &Ledger{file}, nil
}

func fabricKey(id int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(id)) }

func receiptKey(id int32, k key) []byte { return append(fabricKey(id), k.field()...) }

// save returns when all of it is on the disk.
func (l *Ledger) save(d *netboxv1.Delivery, put []*netboxv1.Receipt, gone []key) error {
	raw, err := proto.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode a delivery: %w", err)
	}
	id, entries := d.GetFabricId(), make([][]byte, len(put))
	for i, r := range put {
		if entries[i], err = proto.Marshal(r); err != nil {
			return fmt.Errorf("encode a receipt: %w", err)
		}
	}
	return l.Durably(func(tx *bbolt.Tx) error {
		receipts := tx.Bucket([]byte(bucketReceipts))
		err := tx.Bucket([]byte(bucketDeliveries)).Put(fabricKey(id), raw)
		for _, k := range gone {
			err = errors.Join(err, receipts.Delete(receiptKey(id, k)))
		}
		for i, r := range put {
			err = errors.Join(err, receipts.Put(receiptKey(id, keyOf(r)), entries[i]))
		}
		return err
	})
}

// replace keeps a delivery with its receipts, and no others of its fabric.
func (l *Ledger) replace(d *netboxv1.Delivery, receipts []*netboxv1.Receipt) error {
	_, known, err := l.read(d.GetFabricId())
	if err != nil {
		return err
	}
	is := make(map[key]bool, len(receipts))
	for _, r := range receipts {
		is[keyOf(r)] = true
	}
	var gone []key
	for _, r := range known {
		if k := keyOf(r); !is[k] {
			gone = append(gone, k)
		}
	}
	return l.save(d, receipts, gone)
}

// read returns what is kept of a fabric; a nil delivery when that is nothing.
func (l *Ledger) read(id int32) (d *netboxv1.Delivery, receipts []*netboxv1.Receipt, err error) {
	err = l.View(func(tx *bbolt.Tx) error {
		raw := tx.Bucket([]byte(bucketDeliveries)).Get(fabricKey(id))
		if raw == nil {
			return nil
		}
		d = &netboxv1.Delivery{}
		if err := proto.Unmarshal(raw, d); err != nil {
			return err
		}
		return each(tx, id, func(_, value []byte) error {
			r := &netboxv1.Receipt{}
			receipts = append(receipts, r)
			return proto.Unmarshal(value, r)
		})
	})
	return d, receipts, err
}

// fabrics returns the deliveries that are kept, by the numbers of their fabrics.
func (l *Ledger) fabrics() (map[int32]*netboxv1.Delivery, error) {
	all := map[int32]*netboxv1.Delivery{}
	err := l.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketDeliveries)).ForEach(func(_, value []byte) error {
			d := &netboxv1.Delivery{}
			err := proto.Unmarshal(value, d)
			all[d.GetFabricId()] = d
			return err
		})
	})
	return all, err
}

// forget forgets a fabric.
func (l *Ledger) forget(id int32) error {
	return l.forgetIf(id, func(*netboxv1.Delivery) bool { return true })
}

// forgetIf forgets a fabric if something is so of its delivery.
func (l *Ledger) forgetIf(id int32, so func(*netboxv1.Delivery) bool) error {
	return l.Durably(func(tx *bbolt.Tx) error {
		d := &netboxv1.Delivery{}
		if err := proto.Unmarshal(tx.Bucket([]byte(bucketDeliveries)).Get(fabricKey(id)), d); err != nil || !so(d) {
			return err
		}
		var keys [][]byte
		err := each(tx, id, func(key, _ []byte) error {
			keys = append(keys, bytes.Clone(key))
			return nil
		})
		for _, key := range keys {
			err = errors.Join(err, tx.Bucket([]byte(bucketReceipts)).Delete(key))
		}
		return errors.Join(err, tx.Bucket([]byte(bucketDeliveries)).Delete(fabricKey(id)))
	})
}

// each calls a function for each receipt of a fabric.
func each(tx *bbolt.Tx, id int32, call func(key, value []byte) error) error {
	cursor, prefix := tx.Bucket([]byte(bucketReceipts)).Cursor(), fabricKey(id)
	for key, value := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
		if err := call(key, value); err != nil {
			return err
		}
	}
	return nil
}
