package state

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"fgdsync.dev/libs/errs"
)

// NewSyncID returns the id of a sync: a UUID of version 8 (RFC 9562, section 5.8) that holds the time, the fabric and
// 42 random bits. With the fabric in it, a sync is found in the fabric's shard without an index of its own.
//
//	48 bits milliseconds | version | 12 random | variant | 30 random | 32 fabric id
func NewSyncID(now time.Time, fabricID int32) string {
	var id uuid.UUID
	// crypto/rand.Read never fails since Go 1.24; it ends the process instead.
	_, _ = rand.Read(id[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(id[:6], ms[2:])
	binary.BigEndian.PutUint32(id[12:], uint32(fabricID))
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// FabricOfSync reads the fabric out of a sync's id.
func FabricOfSync(syncID string) (int32, error) {
	id, err := uuid.Parse(syncID)
	if err != nil || id.Version() != 8 || id.String() != syncID {
		return 0, errs.New(errs.SyncNotFound, "There is no sync %q.", clip(syncID))
	}
	return int32(binary.BigEndian.Uint32(id[12:])), nil
}

// timeOfSync reads the time of its acceptance out of a sync's id.
func timeOfSync(id uuid.UUID) time.Time {
	var ms [8]byte
	copy(ms[2:], id[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:])))
}

func clip(s string) string {
	const longest = 64
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}
