package state

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// mostFollowed bounds the open pull requests of edits that are followed, of each fabric.
const mostFollowed = 100

// followedKey holds the open pull requests of the edits of a fabric, by sync.
func followedKey(id int32) string { return fabricPart(id, "edit_pull_requests") }

// FollowEdit has the open pull request of an edit followed, which is a hint as that of a fabric is. Of a fabric with
// too many of them the oldest are followed no more.
func (s *Store) FollowEdit(ctx context.Context, fabricID int32, syncID string, pull *gitv1.PullRequest) error {
	raw, err := proto.Marshal(pull)
	if err != nil {
		return fmt.Errorf("encode pull request: %w", err)
	}
	keys := []string{RunKey(fabricID), followedKey(fabricID)}
	if _, err := s.conn.Run(ctx, s.scripts.followEdit, keys, syncID, raw, mostFollowed); err != nil {
		return fmt.Errorf("follow the pull request of sync %s: %w", syncID, err)
	}
	return nil
}

// FollowedEdits returns the pull requests of edits that are followed, by sync, for each of some fabrics in their order.
func (s *Store) FollowedEdits(ctx context.Context, fabricIDs []int32) ([]map[string]*gitv1.PullRequest, error) {
	if len(fabricIDs) == 0 {
		return nil, nil
	}
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, id := range fabricIDs {
			p.HGetAll(ctx, followedKey(id))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read the pull requests of edits: %w", err)
	}
	out := make([]map[string]*gitv1.PullRequest, len(fabricIDs))
	for i, reply := range replies {
		stored := reply.(*redis.MapStringStringCmd).Val()
		out[i] = make(map[string]*gitv1.PullRequest, len(stored))
		for syncID, raw := range stored {
			if out[i][syncID], err = decodePullRequest(raw); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// NoteEdit notes in the record of a sync what became of the pull request of its edit. One that is not open any more is
// followed no longer. As long as the sync runs nothing is noted: its record is its worker's.
func (s *Store) NoteEdit(ctx context.Context, fabricID int32, syncID string, pull *gitv1.PullRequest) error {
	record, err := s.Get(ctx, syncID)
	if err != nil && !errs.HasCode(err, errs.SyncNotFound) {
		return err
	}
	var version string
	var brief, followed []byte
	if err == nil {
		version = strconv.FormatInt(record.version, 10)
		if record.Result != nil {
			record.Result.PullRequest = pull
		}
		if brief, _, err = encode(record.Sync); err != nil {
			return err
		}
	}
	if pull.GetState() == gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN {
		if followed, err = proto.Marshal(pull); err != nil {
			return fmt.Errorf("encode pull request: %w", err)
		}
	}
	keys := []string{SyncKey(fabricID, syncID), followedKey(fabricID)}
	if _, err := s.conn.Run(ctx, s.scripts.noteEdit, keys, syncID, version, brief, followed); err != nil {
		return fmt.Errorf("note the pull request of sync %s: %w", syncID, err)
	}
	return nil
}

// ForgetEdit follows the pull request of an edit no longer. What its sync says of it stays.
func (s *Store) ForgetEdit(ctx context.Context, fabricID int32, syncID string) error {
	if err := s.conn.Main.HDel(ctx, followedKey(fabricID), syncID).Err(); err != nil {
		return fmt.Errorf("forget the pull request of sync %s: %w", syncID, err)
	}
	return nil
}
