package grpcapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rediskey"
	"fgdsync.dev/libs/state"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	statev1 "fgdsync.dev/proto/fgd/state/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/recovery"
)

const (
	defaultLetters = 100
	maxLetters     = 1000
)

// States serves StateService.
type States struct {
	statev1.UnsafeStateServiceServer
	store    *state.Store
	intake   *Intake
	recovery *recovery.Recovery
	letters  [rediskey.Shards]*events.DeadLetters
}

var _ statev1.StateServiceServer = (*States)(nil)

// NewStates returns the service.
func NewStates(conn *redisconn.Conn, store *state.Store, intake *Intake, recovery *recovery.Recovery) *States {
	s := &States{store: store, intake: intake, recovery: recovery}
	for shard := range s.letters {
		s.letters[shard] = events.NewDeadLetters(conn, rediskey.DeadLetters(shard))
	}
	return s
}

// RebuildState restores what was lost, and syncs every fabric.
func (s *States) RebuildState(ctx context.Context, req *statev1.RebuildStateRequest) (*statev1.RebuildStateResponse,
	error,
) {
	report, err := s.recovery.Look(ctx)
	if err != nil {
		return nil, err
	}
	response := &statev1.RebuildStateResponse{
		FabricsRestored: int32(report.FabricsRestored), SyncsRestored: int32(report.SyncsRestored),
		SyncsRevived: int32(report.SyncsRevived), SyncsExpired: int32(report.SyncsExpired),
	}
	fabrics, err := s.store.Fabrics(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range fabrics {
		if f.GetSuspension() != nil {
			continue
		}
		verdict, err := s.intake.start(ctx, &syncv1.StartSyncRequest{
			FabricId: f.GetFabricId(), Options: &syncv1.SyncOptions{ForceRefresh: true}, RequestedBy: req.GetRequestedBy(),
		})
		if err != nil {
			return nil, fmt.Errorf("sync fabric %d: %w", f.GetFabricId(), err)
		}
		response.SyncIds = append(response.SyncIds, verdict.SyncID)
	}
	return response, nil
}

// ListDeadLetters lists what could not be handled.
func (s *States) ListDeadLetters(ctx context.Context,
	req *statev1.ListDeadLettersRequest,
) (*statev1.ListDeadLettersResponse, error) {
	limit := cmp.Or(int(req.GetLimit()), defaultLetters)
	if limit < 1 || limit > maxLetters {
		return nil, errs.New(errs.InvalidRequest, "limit is %d; allowed is 1 to %d.", limit, maxLetters)
	}
	response := &statev1.ListDeadLettersResponse{}
	for shard, letters := range s.letters {
		list, err := letters.List(ctx, int64(limit))
		if err != nil {
			return nil, err
		}
		for _, l := range list {
			response.DeadLetters = append(response.DeadLetters, deadLetter(shard, l))
		}
	}
	slices.SortFunc(response.DeadLetters, func(a, b *statev1.DeadLetter) int {
		return cmp.Or(a.GetTime().AsTime().Compare(b.GetTime().AsTime()), strings.Compare(a.GetId(), b.GetId()))
	})
	response.DeadLetters = response.GetDeadLetters()[:min(limit, len(response.GetDeadLetters()))]
	return response, nil
}

func deadLetter(shard int, l events.DeadLetter) *statev1.DeadLetter {
	request := requested(l)
	return &statev1.DeadLetter{
		Id: fmt.Sprintf("%d/%s", shard, l.ID), Time: timestamppb.New(l.Time()), Error: l.Error,
		Deliveries: int32(l.Deliveries),
		SyncId:     request.GetSyncId(), FabricId: request.GetFabricId(),
	}
}

// requested is the request for a sync that an entry was; an empty one when it can't be decoded.
func requested(l events.DeadLetter) *eventv1.SyncRequested {
	request := &eventv1.SyncRequested{}
	if err := proto.Unmarshal(l.Payload, request); err != nil {
		return &eventv1.SyncRequested{}
	}
	return request
}

// ReplayDeadLetters has dead letters handled again.
func (s *States) ReplayDeadLetters(ctx context.Context,
	req *statev1.ReplayDeadLettersRequest,
) (*statev1.ReplayDeadLettersResponse, error) {
	response := &statev1.ReplayDeadLettersResponse{}
	var err error
	for _, id := range req.GetIds() { // trouble with one is no reason to leave the others
		replayed, replayErr := s.replay(ctx, id, req.GetRequestedBy())
		if err = errors.Join(err, replayErr); replayErr == nil {
			response.Replayed = append(response.Replayed, replayed)
		}
	}
	return response, err
}

func (s *States) replay(ctx context.Context, id, requestedBy string) (*statev1.Replayed, error) {
	number, entry, _ := strings.Cut(id, "/")
	shard, err := strconv.Atoi(number)
	if err != nil || shard < 0 || shard >= rediskey.Shards {
		return nil, errs.New(errs.DeadLetterNotFound, "There is no dead letter %q.", id)
	}
	letter, err := s.letters[shard].Get(ctx, entry)
	if err != nil {
		return nil, err
	}
	request := requested(letter)
	if request.GetSyncId() == "" {
		_, err := s.letters[shard].Replay(ctx, letter)
		return &statev1.Replayed{Id: id}, err
	}
	started, err := s.again(ctx, id, request, requestedBy)
	if err != nil {
		return nil, err
	}
	return &statev1.Replayed{Id: id, SyncId: started}, s.letters[shard].Remove(ctx, entry)
}

// again starts a sync like the one that was given up. The name of the request makes it one, however often it is asked
// for.
func (s *States) again(ctx context.Context, letterID string, request *eventv1.SyncRequested,
	requestedBy string,
) (string, error) {
	var options *syncv1.SyncOptions
	record, err := s.store.Get(ctx, request.GetSyncId())
	switch {
	case err == nil:
		options = record.GetOptions()
		options.RefuseIfRunning = false
	case !errs.HasCode(err, errs.SyncNotFound): // forgotten by now: one with no options will do
		return "", err
	}
	verdict, err := s.intake.start(ctx, &syncv1.StartSyncRequest{
		FabricId: request.GetFabricId(), Options: options, RequestedBy: requestedBy, RequestId: "dead-letter:" + letterID,
	})
	if errs.HasCode(err, errs.FabricNotFound) {
		return "", nil // deleted since
	}
	return verdict.SyncID, err
}
