package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

const (
	// answerPause is between two looks for the answer to a resolution, and answerPatience how long it is waited for.
	answerPause    = 100 * time.Millisecond
	answerPatience = 40 * time.Second
	// answerKept is how long an answer is kept that nobody has read.
	answerKept = 10 * time.Minute
)

func resolutionsKey(fabricID int32) string { return prefixOf(fabricID) + "resolutions" }

func answerKey(fabricID int32, id string) string { return prefixOf(fabricID) + "resolved:" + id }

func (d *Deps) nowStamp() *timestamppb.Timestamp { return timestamppb.New(d.Now()) }

// askToResolve has whoever delivers a fabric settle a conflict, and waits for the answer.
func (s *Store) askToResolve(
	ctx context.Context, fabricID int32, wanted *netboxv1.Resolution,
) (*netboxv1.Receipt, error) {
	id := uuid.NewString()
	raw, err := proto.Marshal(wanted)
	if err != nil {
		return nil, fmt.Errorf("encode a resolution: %w", err)
	}
	if err := s.redis.Main.HSet(ctx, resolutionsKey(fabricID), id, raw).Err(); err != nil {
		return nil, redisconn.Error(err)
	}
	timer, end := time.NewTicker(answerPause), time.NewTimer(answerPatience)
	defer timer.Stop()
	defer end.Stop()
	for {
		answer, err := s.redis.Main.Get(ctx, answerKey(fabricID, id)).Result()
		switch {
		case err == nil:
			return readAnswer(answer)
		case !errors.Is(err, redis.Nil):
			return nil, redisconn.Error(err)
		}
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-end.C:
			return nil, errs.New(errs.SyncTimeout, "The resolution has not ended yet.").
				WithRemedy("Merge its pull request, where there is one, or see whether NetBox and the Git host answer " +
					"(fgd netbox receipts); then look at the conflict again.")
		}
	}
}

func readAnswer(raw string) (*netboxv1.Receipt, error) {
	answer := &netboxv1.Resolved{}
	if err := proto.Unmarshal([]byte(raw), answer); err != nil {
		return nil, fmt.Errorf("decode what became of a resolution: %w", err)
	}
	if p := answer.GetProblem(); p != nil {
		return nil, errs.FromFinding(p)
	}
	return answer.GetReceipt(), nil
}

// answer says what became of a resolution, and forgets that it is wanted.
func (s *Store) answer(ctx context.Context, fabricID int32, id string, r *netboxv1.Receipt, problem error) error {
	answer := &netboxv1.Resolved{Receipt: r}
	if problem != nil {
		answer = &netboxv1.Resolved{Problem: errs.ToFinding(problem, reportv1.Severity_SEVERITY_ERROR)}
	}
	raw, err := proto.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode what became of a resolution: %w", err)
	}
	_, err = s.redis.Main.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, answerKey(fabricID, id), raw, answerKept)
		p.HDel(ctx, resolutionsKey(fabricID), id)
		return nil
	})
	return redisconn.Error(err)
}

// resolutions returns which conflicts are to be settled, and how, by a name of each wish.
func resolutions(fields map[string]string) map[string]*netboxv1.Resolution {
	if len(fields) == 0 {
		return nil
	}
	all := make(map[string]*netboxv1.Resolution, len(fields))
	for id, raw := range fields {
		all[id] = &netboxv1.Resolution{}
		if err := proto.Unmarshal([]byte(raw), all[id]); err != nil {
			all[id] = &netboxv1.Resolution{} // of no conflict: it is answered so
		}
	}
	return all
}
