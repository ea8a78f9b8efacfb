// Package clock looks whether this machine and Redis agree on the time: leases, deadlines and the order of syncs are by
// the clocks of all who work on them.
package clock

import (
	"context"
	"fmt"
	"time"

	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/redisconn"
)

// Check returns a check that reports how far a clock is away from that of Redis, when that is too far.
func Check(conn *redisconn.Conn, now func() time.Time) health.Check {
	return func(ctx context.Context) error {
		theirs, err := conn.Main.Time(ctx).Result()
		if err != nil {
			return &health.Trouble{
				Status: health.Unknown, Reason: "Redis does not answer, so it is not known what time it has.",
				Remedy: "Mend what ails Redis; the component redis says what it is.",
			}
		}
		return judge(now().Sub(theirs))
	}
}

func judge(ahead time.Duration) error {
	if ahead.Abs() <= redisconn.ClockTolerance {
		return nil
	}
	where := "ahead of"
	if ahead < 0 {
		where = "behind"
	}
	return &health.Trouble{
		Status: health.Degraded,
		Reason: fmt.Sprintf("The clock of this machine is %s %s that of Redis.", ahead.Abs().Round(time.Second), where),
		Remedy: "Set the clocks of both machines, with NTP; nothing has to be restarted.",
		Details: map[string]string{
			"ahead_seconds": fmt.Sprintf("%.0f", ahead.Seconds()),
		},
	}
}
