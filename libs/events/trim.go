package events

import (
	"context"
	"fmt"
	"time"

	"fgdsync.dev/libs/redisconn"
)

// trimBatch bounds what one script looks at.
const trimBatch = 1000

// Trim takes entries away that are older than a time, and the oldest of those that are more than a number, but none
// that a consumer group has not read or not acknowledged. It returns how many.
func Trim(ctx context.Context, conn *redisconn.Conn, stream string, oldest time.Time, most int) (int64, error) {
	total := int64(0)
	for {
		reply, err := conn.Run(ctx, trimScript, []string{stream}, oldest.UnixMilli(), most, trimBatch)
		if err != nil {
			return total, fmt.Errorf("trim %s: %w", stream, err)
		}
		n, _ := reply.(int64)
		total += n
		if n < trimBatch {
			return total, nil
		}
	}
}
