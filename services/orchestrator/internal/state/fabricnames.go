package state

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// FabricNames returns the names of the fabrics of some syncs, by number.
func (s *Store) FabricNames(ctx context.Context, syncs []*syncv1.Sync) (map[int32]string, error) {
	out := map[int32]string{}
	for _, record := range syncs {
		out[record.GetFabricId()] = ""
	}
	if len(out) == 0 {
		return out, nil
	}
	stored := make(map[int32]*redis.StringCmd, len(out))
	_, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for id := range out {
			stored[id] = p.Get(ctx, FabricKey(id))
		}
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read the names of fabrics: %w", err)
	}
	for id, reply := range stored {
		fabric, err := decodeFabric(reply.Val())
		if err != nil {
			return nil, err
		}
		out[id] = fabric.GetName()
	}
	return out, nil
}
