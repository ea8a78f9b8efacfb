// Package redisstats measures the calls to Redis: how long they take, and how they end.
package redisstats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/redisconn"
)

// Results of a call.
const (
	resultOK      = "ok"
	resultRefused = "refused" // Redis answered with an error
	resultFailed  = "failed"  // there was no answer
)

// pipeline is what commands that are sent together are called.
const pipeline = "pipeline"

// Watch measures the short calls of a connection from now on. Those that wait for something on purpose are left out.
func Watch(conn *redisconn.Conn, registry prometheus.Registerer) error {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "fgd_redis_seconds", Help: "Time of a call to Redis, by command and result.",
		Buckets: []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5},
	}, []string{"command", "result"})
	if err := registry.Register(seconds); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	conn.Main.AddHook(hook{seconds})
	return nil
}

type hook struct{ seconds *prometheus.HistogramVec }

// DialHook implements redis.Hook.
func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmd)
		h.observe(cmd.Name(), began, err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmds)
		h.observe(pipeline, began, err)
		return err
	}
}

func (h hook) observe(command string, began time.Time, err error) {
	h.seconds.WithLabelValues(command, result(err)).Observe(time.Since(began).Seconds())
}

func result(err error) string {
	var answered redis.Error
	switch {
	// a script that Redis does not know yet is sent to it
	case err == nil, errors.Is(err, redis.Nil), redis.HasErrorPrefix(err, "NOSCRIPT"):
		return resultOK
	case errors.As(err, &answered):
		return resultRefused
	}
	return resultFailed
}
