package state

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	requestMemory = 24 * time.Hour
	// fullRetry is when to ask again after a refusal: some of what waits is done by then.
	fullRetry = 10 * time.Second
)

// Admission is the answer to a request for a sync.
type Admission struct {
	SyncID  string // the sync that serves the request, or that stands in its way
	Queued  bool   // it waits for the active one to end
	Refused bool   // nothing was accepted
}

// Start accepts a sync: it becomes the active one of its fabric, or waits, or joins the one that waits. The record
// holds the request; its id is chosen by the caller. Repeating a request id gives the first answer again.
func (s *Store) Start(ctx context.Context, record *syncv1.Sync, requestID, traceparent string) (Admission, error) {
	id := record.GetFabricId()
	raw, err := proto.Marshal(record)
	if err != nil {
		return Admission{}, fmt.Errorf("encode sync: %w", err)
	}
	entry, err := workEntry(record, traceparent)
	if err != nil {
		return Admission{}, err
	}
	keys := []string{
		FabricKey(id), RunKey(id), SyncKey(id, record.GetSyncId()), events.WorkStream(events.ShardOf(id)), historyKey(id),
		requestKey(id, requestID), syncsKey(events.ShardOf(id), record.GetTrigger(), outcomeActive),
	}
	options, accepted := record.GetOptions(), record.GetAcceptedAt().AsTime()
	reply, err := s.conn.Run(ctx, s.scripts.start, keys,
		record.GetSyncId(), raw, accepted.UnixMilli(), lane(record), flag(options.GetRefuseIfRunning()), entry,
		strconv.Itoa(int(record.GetTrigger())), coalescable(options), requestMemory.Milliseconds(),
		accepted.Add(-s.limits.Load().Retention).UnixMilli(), s.limits.Load().perShard(), target(record))
	if err != nil {
		return Admission{}, fmt.Errorf("start sync: %w", err)
	}
	return admission(id, reply)
}

func workEntry(record *syncv1.Sync, traceparent string) ([]byte, error) {
	entry, err := proto.Marshal(&eventv1.SyncRequested{
		SyncId: record.GetSyncId(), FabricId: record.GetFabricId(), Traceparent: traceparent,
	})
	if err != nil {
		return nil, fmt.Errorf("encode work entry: %w", err)
	}
	return entry, nil
}

func admission(fabricID int32, reply any) (Admission, error) {
	pair, _ := reply.([]any)
	if len(pair) != 2 {
		return Admission{}, fmt.Errorf("start sync: the script answered %v", reply)
	}
	verdict, _ := pair[0].(string)
	syncID, _ := pair[1].(string)
	switch verdict {
	case "missing":
		return Admission{}, FabricMissing(fabricID)
	case "full":
		return Admission{}, errs.New(errs.WorkerPoolExhausted, "Too many syncs wait for a worker.").WithRetryAfter(fullRetry)
	}
	return Admission{SyncID: syncID, Queued: verdict == "queued", Refused: verdict == "refused"}, nil
}

// lane returns which requests may share a run: a dry run can't stand in for a real one, and neither a restore nor an
// edit is for those who have not asked for it.
func lane(record *syncv1.Sync) string {
	o := record.GetOptions()
	switch {
	case record.GetEditSet() != nil && o.GetValidateOnly():
		return "dry_edit"
	case record.GetEditSet() != nil:
		return "edit"
	case o.GetRestoreCommit() != "" && o.GetValidateOnly():
		return "dry_restore"
	case o.GetRestoreCommit() != "":
		return "restore"
	case o.GetValidateOnly():
		return "dry"
	case o.GetScope() == syncv1.Scope_SCOPE_DIRECTORY:
		return "directory"
	default:
		return "full"
	}
}

// target returns what a sync is for that not everybody wants who waits; empty for nothing. A restore is shared by those
// who restore the same, and allow it to take many resources away or not; an edit has a commit of its own.
func target(record *syncv1.Sync) string {
	o := record.GetOptions()
	switch {
	case record.GetEditSet() != nil:
		return record.GetSyncId()
	case o.GetRestoreCommit() == "":
		return ""
	}
	paths := slices.Sorted(slices.Values(o.GetRestorePaths()))
	return strings.Join(append([]string{o.GetRestoreCommit(), flag(o.GetForce())}, slices.Compact(paths)...), "\n")
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
