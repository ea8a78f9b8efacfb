package events

import (
	"context"
	"fmt"
	"time"

	"fgdsync.dev/libs/redisconn"
)

// Trim takes entries away that are older than a time, but none that a consumer group has not read or not acknowledged.
// It returns how many.
func Trim(ctx context.Context, conn *redisconn.Conn, stream string, oldest time.Time) (int64, error) {
	reply, err := conn.Run(ctx, trimScript, []string{stream}, oldest.UnixMilli())
	if err != nil {
		return 0, fmt.Errorf("trim %s: %w", stream, err)
	}
	n, _ := reply.(int64)
	return n, nil
}
