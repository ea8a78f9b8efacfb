// Package periodic calls what has to be done from time to time.
package periodic

import (
	"context"
	"log/slog"
	"time"
)

// Task is something that is done from time to time. Any number of replicas may do it.
type Task struct {
	Name    string
	Period  time.Duration
	AtOnce  bool // the first time when it begins, and not a period later
	RunOnce func(context.Context) error
}

// Run does a task until ctx ends. What goes wrong is logged, and tried again the next time.
func Run(ctx context.Context, log *slog.Logger, task Task) error {
	ticker := time.NewTicker(task.Period)
	defer ticker.Stop()
	for due := task.AtOnce; ; due = true {
		if due {
			if err := task.RunOnce(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "periodic task failed", "task", task.Name, "error", err.Error())
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
