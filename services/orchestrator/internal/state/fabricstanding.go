package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// Standing is what is remembered of the syncs of a fabric, for those who look at it.
type Standing struct {
	// Active is the sync that is active, of whatever kind; empty when none is.
	Active string
	// Last is the last sync of the whole directory that ended; nil when none did.
	Last *fabricv1.LastSync
	// LastSuccess is when one completed last, wherever the directory was then; zero when none did.
	LastSuccess time.Time
	// Published is what that one left; nil when the fabric has had another place since.
	Published *fabricv1.PublishedState
}

// FabricStandings reads what is remembered of the syncs of fabrics, in their order, in one round trip.
func (s *Store) FabricStandings(ctx context.Context, fabrics []*fabricv1.Fabric) ([]Standing, error) {
	if len(fabrics) == 0 {
		return nil, nil
	}
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, f := range fabrics {
			p.HMGet(ctx, RunKey(f.GetFabricId()), "active", "last_sync", "published", "published_place")
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read how fabrics are: %w", err)
	}
	out := make([]Standing, len(fabrics))
	for i, f := range fabrics {
		if out[i], err = fabricStandingOf(f, replies[i].(*redis.SliceCmd).Val()); err != nil {
			return nil, fmt.Errorf("decode how fabric %d is: %w", f.GetFabricId(), err)
		}
	}
	return out, nil
}

func fabricStandingOf(f *fabricv1.Fabric, fields []any) (Standing, error) {
	var out Standing
	out.Active, _ = fields[0].(string)
	var err error
	if raw, known := fields[1].(string); known {
		out.Last = &fabricv1.LastSync{}
		err = proto.Unmarshal([]byte(raw), out.Last)
	}
	if raw, known := fields[2].(string); known {
		out.Published = &fabricv1.PublishedState{}
		err = errors.Join(err, proto.Unmarshal([]byte(raw), out.Published))
		out.LastSuccess = out.Published.GetCompletedAt().AsTime()
	}
	if fields[3] != PlaceOf(f) {
		out.Published = nil
	}
	return out, err
}
