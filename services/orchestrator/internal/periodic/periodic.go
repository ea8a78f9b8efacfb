// Package periodic calls what has to be done from time to time.
package periodic

import (
	"context"
	"log/slog"
	"time"

	"fgdsync.dev/libs/errs"
)

// Task is something that is done from time to time. Any number of replicas may do it.
type Task struct {
	Name    string
	Period  time.Duration
	AtOnce  bool // the first time when it begins, and not a period later
	RunOnce func(context.Context) error
}

// Run does a task until ctx ends. What goes wrong is logged when it begins to, and tried again the next time.
func Run(ctx context.Context, log *slog.Logger, task Task) error {
	ticker := time.NewTicker(task.Period)
	defer ticker.Stop()
	failed := ""
	for due := task.AtOnce; ; due = true {
		if due {
			failed = once(ctx, log, task, failed)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// once does the task, and says how it went where that is another than before. It returns what went wrong.
func once(ctx context.Context, log *slog.Logger, task Task, before string) string {
	err := task.RunOnce(ctx)
	switch {
	case ctx.Err() != nil:
		return before
	case err == nil && before != "":
		log.InfoContext(ctx, "periodic task works again", "task", task.Name)
	case err != nil && errs.From(err).Code.ID != before:
		log.WarnContext(ctx, "periodic task failed", "task", task.Name, "error", err.Error())
	}
	if err == nil {
		return ""
	}
	return errs.From(err).Code.ID
}
