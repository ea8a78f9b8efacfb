package state

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/printable"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Left is what a sync of the whole directory leaves on the branch.
type Left struct {
	Commit      string
	CommitURL   string // empty when no sync made it
	Tree        string // of the directory
	Resources   int    // in managed/
	Quarantined int    // files in unmanaged/
	Place       string // as PlaceOf tells it
}

// PlaceOf returns what tells the directory of a fabric from all others. What a sync has left counts for that alone.
func PlaceOf(f *fabricv1.Fabric) string {
	return f.GetRepositoryKey() + "\n" + f.GetLocation().GetBranch() + "\n" + f.GetLocation().GetDirectory()
}

// Whole reports whether a sync does all there is to do with a directory: it is no dry run, and no repair.
func Whole(s *syncv1.Sync) bool {
	return !s.GetOptions().GetValidateOnly() && s.GetOptions().GetScope() != syncv1.Scope_SCOPE_DIRECTORY
}

// longestError is how much is remembered of why a sync failed, in characters.
const longestError = 1000

// standing returns what a write has to remember of the end of a sync: how it ended, for those who deliver and for those
// who look at its fabric, what it left, and where.
func (v *Record) standing() ([]any, error) {
	if !Terminal(v.GetState()) || !Whole(v.Sync) {
		return []any{"", "", "", ""}, nil
	}
	last, err := v.lastSync()
	if err != nil {
		return nil, err
	}
	end := &fabricv1.LinkedFabric{LastSyncAt: v.GetCompletedAt()}
	if v.GetState() == syncv1.State_STATE_FAILED && len(v.GetErrors()) > 0 {
		end.LastError = printable.Truncate(v.GetErrors()[0].GetMessage(), longestError)
	}
	ended, err := proto.Marshal(end)
	if err != nil {
		return nil, fmt.Errorf("encode how sync %s ended: %w", v.GetSyncId(), err)
	}
	if v.Left == nil || v.GetState() != syncv1.State_STATE_COMPLETED {
		return []any{ended, "", "", last}, nil
	}
	left, err := proto.Marshal(&fabricv1.PublishedState{
		Commit: v.Left.Commit, CompletedAt: v.GetCompletedAt(), ResourcesTotal: int32(v.Left.Resources),
		SyncId: v.GetSyncId(), Forced: v.GetOptions().GetForce(), CommitUrl: v.Left.CommitURL, Tree: v.Left.Tree,
		QuarantinedFiles: proto.Int32(int32(v.Left.Quarantined)),
	})
	if err != nil {
		return nil, fmt.Errorf("encode what sync %s left: %w", v.GetSyncId(), err)
	}
	return []any{ended, left, v.Left.Place, last}, nil
}

// lastSync returns how a sync ended, for those who look at its fabric; nothing of an edit that was refused, which says
// nothing of the fabric.
func (v *Record) lastSync() ([]byte, error) {
	if v.GetEdits() && v.GetState() != syncv1.State_STATE_COMPLETED {
		return nil, nil
	}
	last := &fabricv1.LastSync{
		SyncId: v.GetSyncId(), State: v.GetState(), Trigger: v.GetTrigger(), CompletedAt: v.GetCompletedAt(),
		ErrorsTotal: int32(len(v.GetErrors())),
	}
	if len(v.GetErrors()) > 0 {
		last.Error = proto.CloneOf(v.GetErrors()[0])
		last.Error.Message = printable.Truncate(last.GetError().GetMessage(), longestError)
	}
	raw, err := proto.Marshal(last)
	if err != nil {
		return nil, fmt.Errorf("encode how sync %s ended: %w", v.GetSyncId(), err)
	}
	return raw, nil
}

// Standings tells how the last syncs of fabrics ended and what they left, in the order of the fabrics, in one round
// trip.
func (s *Store) Standings(ctx context.Context, fabrics []*fabricv1.Fabric) ([]*fabricv1.LinkedFabric, error) {
	if len(fabrics) == 0 {
		return nil, nil
	}
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, f := range fabrics {
			p.HMGet(ctx, RunKey(f.GetFabricId()), "active", "last_ended", "published", "published_place")
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read how syncs ended: %w", err)
	}
	out := make([]*fabricv1.LinkedFabric, len(fabrics))
	for i, f := range fabrics {
		if out[i], err = standingOf(f, replies[i].(*redis.SliceCmd).Val()); err != nil {
			return nil, fmt.Errorf("decode how the last sync of fabric %d ended: %w", f.GetFabricId(), err)
		}
	}
	return out, nil
}

func standingOf(f *fabricv1.Fabric, fields []any) (*fabricv1.LinkedFabric, error) {
	out := &fabricv1.LinkedFabric{}
	ended, _ := fields[1].(string)
	if err := proto.Unmarshal([]byte(ended), out); err != nil {
		return nil, err
	}
	out.FabricId, out.Name, out.Netbox, out.Syncing = f.GetFabricId(), f.GetName(), f.GetNetbox(), fields[0] != nil
	out.RegisteredAt = f.GetCreatedAt()
	left, known := fields[2].(string)
	if !known || fields[3] != PlaceOf(f) {
		return out, nil
	}
	out.Published = &fabricv1.PublishedState{}
	return out, proto.Unmarshal([]byte(left), out.Published)
}
