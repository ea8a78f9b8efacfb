package state

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/redisconn"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// pullRequestField of the run is a hint: the Git host knows better, and a sync asks it.
const pullRequestField = "pull_request"

// PullRequest returns the last pull request of a fabric's syncs; nil when none is known.
func (s *Store) PullRequest(ctx context.Context, fabricID int32) (*gitv1.PullRequest, error) {
	raw, err := redisconn.Repeat(ctx, func() (string, error) {
		return s.conn.Main.HGet(ctx, RunKey(fabricID), pullRequestField).Result()
	})
	if errors.Is(err, redis.Nil) {
		return nil, nil //nolint:nilnil // a fabric may have none
	}
	if err != nil {
		return nil, fmt.Errorf("read the pull request of fabric %d: %w", fabricID, err)
	}
	return decodePullRequest(raw)
}

// PullRequests returns the last pull requests of fabrics, in their order, in one round trip.
func (s *Store) PullRequests(ctx context.Context, fabricIDs []int32) ([]*gitv1.PullRequest, error) {
	if len(fabricIDs) == 0 {
		return nil, nil
	}
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, id := range fabricIDs {
			p.HMGet(ctx, RunKey(id), pullRequestField)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read the pull requests of fabrics: %w", err)
	}
	out := make([]*gitv1.PullRequest, len(fabricIDs))
	for i, reply := range replies {
		if raw, known := reply.(*redis.SliceCmd).Val()[0].(string); known {
			if out[i], err = decodePullRequest(raw); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func decodePullRequest(raw string) (*gitv1.PullRequest, error) {
	pull := &gitv1.PullRequest{}
	if err := proto.Unmarshal([]byte(raw), pull); err != nil {
		return nil, fmt.Errorf("decode pull request: %w", err)
	}
	return pull, nil
}

// SetPullRequest remembers the last pull request of a fabric's syncs.
func (s *Store) SetPullRequest(ctx context.Context, fabricID int32, pull *gitv1.PullRequest) error {
	raw, err := proto.Marshal(pull)
	if err != nil {
		return fmt.Errorf("encode pull request: %w", err)
	}
	if _, err := s.conn.Run(ctx, s.scripts.setPullRequest, []string{RunKey(fabricID)}, pullRequestField,
		raw); err != nil {
		return fmt.Errorf("write the pull request of fabric %d: %w", fabricID, err)
	}
	return nil
}
