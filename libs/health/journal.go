package health

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Journal remembers how components are and since when. Each change is one line of the log, however often it is looked.
type Journal struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	states map[string]State
}

// NewJournal returns a journal of components that are taken to be healthy until they are looked at.
func NewJournal(log *slog.Logger, now func() time.Time) *Journal {
	return &Journal{log: log, now: now, states: map[string]State{}}
}

// Note takes down how a component is, and returns it with the time since when.
func (j *Journal) Note(ctx context.Context, state State) State {
	j.mu.Lock()
	before, known := j.states[state.Name]
	state.Since = j.now()
	if known && before.Status == state.Status {
		state.Since = before.Since
	}
	j.states[state.Name] = state
	j.mu.Unlock()
	if state.Status != before.Status {
		j.tell(ctx, before, state)
	}
	return state
}

func (j *Journal) tell(ctx context.Context, before, state State) {
	if state.Status == Healthy {
		j.log.InfoContext(ctx, "component is healthy again", "component", state.Name,
			"was", before.Status.String(), "for", state.Since.Sub(before.Since).Round(time.Second).String())
		return
	}
	j.log.WarnContext(ctx, "component is not healthy", "component", state.Name, "status", state.Status.String(),
		"reason", state.Reason, "remedy", state.Remedy)
}
