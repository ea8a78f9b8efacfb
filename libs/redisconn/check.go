package redisconn

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
)

const (
	oldestVersion = 7
	// ClockTolerance is how far the clock of Redis may be from that of a machine.
	ClockTolerance = time.Minute
)

// Problem is why a Redis is not fit for what it is to keep.
type Problem struct{ What, Remedy string }

// Err returns the error of whoever does not take such a Redis.
func (p Problem) Err() error {
	return errs.New(errs.RedisUnsuitable, "Redis is not fit for this: %s.", p.What).WithRemedy("%s", p.Remedy)
}

// Check asks Redis what it is and how it is set up. It uses INFO, which managed servers permit where they forbid
// CONFIG. The in-memory one of a single process says nothing and passes.
func (c *Conn) Check(ctx context.Context) ([]Problem, error) {
	type answer struct {
		info map[string]string
		time time.Time
	}
	a, err := Repeat(ctx, func() (answer, error) {
		info, err := c.Main.Info(ctx).Result()
		if err != nil {
			return answer{}, err
		}
		at, err := c.Main.Time(ctx).Result()
		return answer{fields(info), at}, err
	})
	if err != nil {
		return nil, fmt.Errorf("ask Redis how it is set up: %w", err)
	}
	if a.info["redis_version"] == "" {
		return nil, nil
	}
	problems := judge(a.info)
	if off := time.Until(a.time).Abs(); off > ClockTolerance {
		problems = append(problems, Problem{
			fmt.Sprintf("its clock is %s away from that of this machine", off.Round(time.Second)),
			"Set the clocks of both machines, with NTP.",
		})
	}
	return problems, nil
}

// fields reads what INFO answers: "name:value" lines, with headings between them.
func fields(info string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, is := strings.Cut(strings.TrimSpace(line), ":"); is {
			out[name] = value
		}
	}
	return out
}

func judge(info map[string]string) []Problem {
	var problems []Problem
	version := info["redis_version"]
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldestVersion {
		problems = append(problems, Problem{
			fmt.Sprintf("its version is %s", version),
			fmt.Sprintf("Use Redis %d or newer.", oldestVersion),
		})
	}
	if policy := info["maxmemory_policy"]; policy != "noeviction" {
		problems = append(problems, Problem{
			fmt.Sprintf("its maxmemory-policy is %s, which drops streams and records when memory is short", policy),
			"redis-cli CONFIG SET maxmemory-policy noeviction, and the same line in redis.conf.",
		})
	}
	if info["aof_enabled"] != "1" {
		problems = append(problems, Problem{
			"it has no append-only file, so it forgets everything when it is restarted",
			"redis-cli CONFIG SET appendonly yes, and appendonly yes in redis.conf.",
		})
	}
	return problems
}
