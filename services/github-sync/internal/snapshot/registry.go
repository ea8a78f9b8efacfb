package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Registry keeps open snapshots by their id.
type Registry struct {
	idle time.Duration
	now  func() time.Time

	mu   sync.Mutex
	open map[string]*Snapshot
}

// NewRegistry returns a registry that lets go of snapshots which nobody uses for so long.
func NewRegistry(idle time.Duration, now func() time.Time) *Registry {
	return &Registry{idle: idle, now: now, open: map[string]*Snapshot{}}
}

// Add holds a snapshot.
func (r *Registry) Add(s *Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.used = r.now()
	r.open[s.ID] = s
}

// Get finds a snapshot, which counts as using it.
func (r *Registry) Get(id string) (*Snapshot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.open[id]
	if s == nil {
		return nil, missing(id)
	}
	s.used = r.now()
	return s, nil
}

// Close lets go of a snapshot.
func (r *Registry) Close(id string) error {
	r.mu.Lock()
	s := r.open[id]
	delete(r.open, id)
	r.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.Close()
}

// Sweep lets go of idle snapshots.
func (r *Registry) Sweep() error {
	return r.closeIf(func(s *Snapshot) bool { return r.now().Sub(s.used) > r.idle })
}

// CloseAll lets go of all.
func (r *Registry) CloseAll() error {
	return r.closeIf(func(*Snapshot) bool { return true })
}

func (r *Registry) closeIf(due func(*Snapshot) bool) error {
	r.mu.Lock()
	var closing []*Snapshot
	for id, s := range r.open {
		if due(s) {
			closing = append(closing, s)
			delete(r.open, id)
		}
	}
	r.mu.Unlock()
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
