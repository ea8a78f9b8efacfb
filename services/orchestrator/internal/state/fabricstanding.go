package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// Sight is a fabric with what is remembered of its syncs, for those who look at it.
type Sight struct {
	Fabric      *fabricv1.Fabric
	Standing    Standing
	Activity    Activity
	PullRequest *gitv1.PullRequest // the last one; nil when none is known
}

// Standing is what is remembered of the syncs of a fabric.
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

// sightFields are what a run has for a sight.
var sightFields = []string{ //nolint:gochecknoglobals // read only
	"active", "last_sync", "published", "published_place", "last_full", "synced", pullRequestField,
}

// Sight reads a fabric with what is remembered of its syncs, in one round trip.
func (s *Store) Sight(ctx context.Context, id int32) (Sight, error) {
	seen, err := s.Sights(ctx, []int32{id})
	if err == nil && len(seen) == 0 {
		err = FabricMissing(id)
	}
	if err != nil {
		return Sight{}, err
	}
	return seen[0], nil
}

// Sights reads some fabrics, of those that are registered, with what is remembered of their syncs, in their order and
// in one round trip.
func (s *Store) Sights(ctx context.Context, ids []int32) ([]Sight, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, id := range ids {
			p.MGet(ctx, FabricKey(id)) // for which a missing one is no error
			p.HMGet(ctx, RunKey(id), sightFields...)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read fabrics: %w", err)
	}
	var out []Sight
	for i := range ids {
		found, err := appendFabrics(nil, replies[2*i].(*redis.SliceCmd).Val())
		if err != nil {
			return nil, err
		}
		if out, err = appendSights(out, found, replies[2*i+1:]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Look reads what is remembered of the syncs of fabrics, in their order.
func (s *Store) Look(ctx context.Context, fabrics []*fabricv1.Fabric) ([]Sight, error) {
	return sideBySide(ctx, slices.Collect(slices.Chunk(fabrics, readAtOnce)), s.look)
}

func (s *Store) look(ctx context.Context, fabrics []*fabricv1.Fabric) ([]Sight, error) {
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, f := range fabrics {
			p.HMGet(ctx, RunKey(f.GetFabricId()), sightFields...)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read how fabrics are: %w", err)
	}
	return appendSights(make([]Sight, 0, len(fabrics)), fabrics, replies)
}

// appendSights appends fabrics with what the first replies say of their runs.
func appendSights(out []Sight, fabrics []*fabricv1.Fabric, replies []redis.Cmder) ([]Sight, error) {
	for i, f := range fabrics {
		one, err := sightOf(f, replies[i].(*redis.SliceCmd).Val())
		if err != nil {
			return nil, fmt.Errorf("decode how fabric %d is: %w", f.GetFabricId(), err)
		}
		out = append(out, one)
	}
	return out, nil
}

func sightOf(f *fabricv1.Fabric, fields []any) (Sight, error) {
	standing, err := fabricStandingOf(f, fields)
	activity, activityErr := activityOf(fields[4], fields[0], fields[5])
	out := Sight{Fabric: f, Standing: standing, Activity: activity}
	err = errors.Join(err, activityErr)
	if raw, known := fields[6].(string); known {
		var pullErr error
		out.PullRequest, pullErr = decodePullRequest(raw)
		err = errors.Join(err, pullErr)
	}
	return out, err
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
