package maintenance

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
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
)

const defaultLimit = 100

// position is where a dead letter is in the list of all: by its time, then by the number of its stream.
type position struct {
	ms, number uint64
	shard      int
}

// parsePosition reads what a position is written as. ok is false of what is none.
func parsePosition(text string) (p position, ok bool) {
	id, shard, found := strings.Cut(text, "/")
	ms, number, _ := strings.Cut(id, "-")
	var err, numberErr, shardErr error
	p.ms, err = strconv.ParseUint(ms, 10, 63) // Redis refuses to list what follows the greatest id of all
	p.number, numberErr = strconv.ParseUint(number, 10, 64)
	p.shard, shardErr = strconv.Atoi(shard)
	return p, found && errors.Join(err, numberErr, shardErr) == nil
}

func (p position) String() string { return fmt.Sprintf("%d-%d/%d", p.ms, p.number, p.shard) }

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.ms, q.ms), cmp.Compare(p.number, q.number), cmp.Compare(p.shard, q.shard))
}

// from returns where a list of the dead letters of a shard begins that leaves out all up to a position.
func (p position) from(shard int) string {
	id := fmt.Sprintf("%d-%d", p.ms, p.number)
	if shard <= p.shard {
		return "(" + id
	}
	return id
}

// letter is a dead letter and where it is.
type letter struct {
	position
	events.DeadLetter
}

// DeadLetters returns a page of what could not be handled, oldest first.
func (m *Maintenance) DeadLetters(
	ctx context.Context, req *adminv1.ListDeadLettersRequest,
) (*adminv1.ListDeadLettersResponse, error) {
	limit := cmp.Or(int(req.GetLimit()), defaultLimit)
	query, err := paging.New(int32(limit), req.GetPageToken(), "dead letters")
	if err != nil {
		return nil, err
	}
	all, err := m.lettersAfter(ctx, query.Last(), limit+1)
	if err != nil {
		return nil, err
	}
	response := &adminv1.ListDeadLettersResponse{}
	for _, l := range all[:min(limit, len(all))] {
		request := requested(l.shard, l.DeadLetter)
		response.DeadLetters = append(response.DeadLetters, &adminv1.DeadLetter{
			Id: fmt.Sprintf("%d/%s", l.shard, l.ID), Time: timestamppb.New(l.Time()), Error: l.Error,
			Deliveries: int32(l.Deliveries), SyncId: request.GetSyncId(), FabricId: request.GetFabricId(),
		})
	}
	if len(all) > limit {
		response.NextPageToken = query.Next(all[limit-1].String())
	}
	return response, nil
}

// lettersAfter reads so many of each shard, in the order of all.
func (m *Maintenance) lettersAfter(ctx context.Context, last string, limit int) ([]letter, error) {
	after, known := parsePosition(last)
	var out []letter
	for shard, letters := range m.letters {
		from := events.FromOldest
		if known {
			from = after.from(shard)
		}
		list, err := letters.List(ctx, from, int64(limit))
		if err != nil {
			return nil, err
		}
		for _, l := range list {
			at, _ := parsePosition(fmt.Sprintf("%s/%d", l.ID, shard)) // Redis gives no other ids
			out = append(out, letter{at, l})
		}
	}
	slices.SortFunc(out, func(a, b letter) int { return a.compare(b.position) })
	return out, nil
}

// requested returns the request for a sync that an entry was; an empty one when it was none or can't be decoded.
func requested(shard int, l events.DeadLetter) *eventv1.SyncRequested {
	request := &eventv1.SyncRequested{}
	if shard >= events.Shards || l.Stream != events.WorkStream(shard) {
		return request
	}
	if err := proto.Unmarshal(l.Payload, request); err != nil {
		return &eventv1.SyncRequested{}
	}
	return request
}

// Replay has dead letters handled again, each once. Trouble with one is no reason to leave the others.
func (m *Maintenance) Replay(ctx context.Context, ids []string) ([]*adminv1.Replayed, error) {
	var out []*adminv1.Replayed
	var err error
	for _, id := range ids {
		replayed, replayErr := m.replay(ctx, id)
		if err = errors.Join(err, replayErr); replayErr == nil {
			out = append(out, replayed)
		}
	}
	return out, err
}

func (m *Maintenance) replay(ctx context.Context, id string) (*adminv1.Replayed, error) {
	number, entry, _ := strings.Cut(id, "/")
	shard, err := strconv.Atoi(number)
	if err != nil || shard < 0 || shard >= len(m.letters) {
		return nil, errs.New(errs.DeadLetterNotFound, "There is no dead letter %q.", id)
	}
	found, err := m.letters[shard].Get(ctx, entry)
	if err != nil {
		return nil, err
	}
	request := requested(shard, found)
	if request.GetSyncId() == "" {
		_, err := m.letters[shard].Replay(ctx, found)
		return &adminv1.Replayed{Id: id}, err
	}
	started, err := m.startAgain(ctx, id, request)
	if err != nil {
		return nil, err
	}
	return &adminv1.Replayed{Id: id, SyncId: started}, m.letters[shard].Remove(ctx, entry)
}

// startAgain starts a sync like the one that was given up. The name of the request makes it one, however often it is
// asked for.
func (m *Maintenance) startAgain(
	ctx context.Context, letterID string, request *eventv1.SyncRequested,
) (string, error) {
	var options *syncv1.SyncOptions
	record, err := m.store.Get(ctx, request.GetSyncId())
	switch {
	case err == nil:
		if options = record.GetOptions(); options != nil {
			options.RefuseIfRunning = options.GetExpectedCommit() != "" // which what it waits for could outdate
		}
	case !errs.HasCode(err, errs.SyncNotFound): // forgotten by now: one with no options will do
		return "", err
	}
	admission, err := m.accept(ctx, &syncv1.StartSyncRequest{
		FabricId: request.GetFabricId(), Options: options, RequestId: "dead-letter:" + letterID,
	})
	if errs.HasCode(err, errs.FabricNotFound) {
		return "", nil // deleted since
	}
	return admission.SyncID, err
}
