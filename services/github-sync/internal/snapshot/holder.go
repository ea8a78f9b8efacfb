package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Holder keeps open snapshots by their id.
type Holder struct {
	idle time.Duration
	now  func() time.Time

	mu   sync.Mutex
	open map[string]*Snapshot
}

// NewHolder returns a holder that lets go of snapshots which nobody uses for so long.
func NewHolder(idle time.Duration, now func() time.Time) *Holder {
	return &Holder{idle: idle, now: now, open: map[string]*Snapshot{}}
}

// Add holds a snapshot.
func (h *Holder) Add(s *Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.used = h.now()
	h.open[s.ID] = s
}

// Get finds a snapshot, which counts as using it.
func (h *Holder) Get(id string) (*Snapshot, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.open[id]
	if s == nil {
		return nil, missing(id)
	}
	s.used = h.now()
	return s, nil
}

// Close lets go of a snapshot.
func (h *Holder) Close(id string) error {
	h.mu.Lock()
	s := h.open[id]
	delete(h.open, id)
	h.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.Close()
}

// Sweep lets go of idle snapshots.
func (h *Holder) Sweep() error {
	return h.closeIf(func(s *Snapshot) bool { return h.now().Sub(s.used) > h.idle })
}

// CloseAll lets go of all.
func (h *Holder) CloseAll() error {
	return h.closeIf(func(*Snapshot) bool { return true })
}

func (h *Holder) closeIf(due func(*Snapshot) bool) error {
	h.mu.Lock()
	var closing []*Snapshot
	for id, s := range h.open {
		if due(s) {
			closing = append(closing, s)
			delete(h.open, id)
		}
	}
	h.mu.Unlock()
	var err error
	for _, s := range closing {
		err = errors.Join(err, s.Close())
	}
	return err
}

// listed names some of a list.
func listed(names []string, shown int) string {
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	text := strings.Join(names[:min(len(names), shown)], ", ")
	if more := len(names) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
