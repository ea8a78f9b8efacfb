package ledger

import (
	"fmt"

	"go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// netboxName is the key of the one NetBox of the installation.
const netboxName = "netbox"

// PutNetBox keeps the NetBox of the installation, unless one as new or newer is known.
func (l *Ledger) PutNetBox(netbox *fabricv1.NetBox) error {
	raw, err := proto.Marshal(netbox)
	if err != nil {
		return fmt.Errorf("encode the NetBox: %w", err)
	}
	return l.Durably(func(tx *bbolt.Tx) error {
		bucket, known := tx.Bucket([]byte(bucketNetBox)), &fabricv1.NetBox{}
		if err := proto.Unmarshal(bucket.Get([]byte(netboxName)), known); err != nil {
			return err
		}
		if known.GetGeneration() >= netbox.GetGeneration() {
			return nil
		}
		return bucket.Put([]byte(netboxName), raw)
	})
}

// NetBox reads the NetBox of the installation; an empty one when none is kept.
func (l *Ledger) NetBox() (*fabricv1.NetBox, error) {
	netbox := &fabricv1.NetBox{}
	err := l.View(func(tx *bbolt.Tx) error {
		return proto.Unmarshal(tx.Bucket([]byte(bucketNetBox)).Get([]byte(netboxName)), netbox)
	})
	return netbox, err
}
