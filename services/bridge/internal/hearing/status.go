package hearing

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"fgdsync.dev/services/bridge/internal/hnp"
)

// State is how it is with a source.
type State string

// How it can be with a source.
const (
	Unknown State = "unknown" // nobody has looked yet
	On      State = "on"      // it is heard
	Resting State = "resting" // it would be heard if the better one were not there
	Missing State = "missing" // NetBox does not have it
	Denied  State = "denied"  // the token may not read it
	Away    State = "away"    // NetBox does not answer
)

// Source is one of those that tell of changes.
type Source struct {
	State State
	Since time.Time // when it was found to be so
	Why   string    // what NetBox says; empty when it is heard
}

// Status is how well a NetBox is heard.
type Status struct {
	Feed, Log Source
	Heard     time.Time // until when everything was heard, by our clock
	Compared  time.Time // when everything was compared last
	// Blocked is since when somebody's transaction in NetBox holds back the feed; zero when none does.
	Blocked time.Time
}

// Status returns how well NetBox is heard.
func (h *Hearing) Status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.status
}

func (h *Hearing) note(change func(s *Status)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.status)
}

// hears reports whether a source is heard.
func (h *Hearing) hears() bool {
	s := h.Status()
	return s.Feed.State == On || s.Log.State == On
}

// found notes how it is with a source, and returns how it was.
func (h *Hearing) found(source func(*Status) *Source, state State, err error) State {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := source(&h.status)
	was := s.State
	if was != state {
		s.State, s.Since = state, h.deps.Now()
	}
	s.Why = ""
	if err != nil {
		s.Why = err.Error()
	}
	return was
}

func feedOf(s *Status) *Source { return &s.Feed }

func logOf(s *Status) *Source { return &s.Log }

// stateAfter returns how it is with a source that answers with an error.
func stateAfter(err error) State {
	switch {
	case hnp.HasStatus(err, http.StatusNotFound):
		return Missing
	case hnp.Is(err, hnp.Denied), hnp.Is(err, hnp.Forbidden):
		return Denied
	}
	return Away
}

// isNetBox reports whether an error is one of NetBox, and not of ours.
func isNetBox(err error) bool {
	var e *hnp.Error
	return errors.As(err, &e)
}

// worthTrying reports whether a source is to be asked: one that is missing or may not be read only now and then.
func (h *Hearing) worthTrying(s Source) bool {
	return !slices.Contains([]State{Missing, Denied}, s.State) || h.deps.Now().Sub(s.Since) >= h.again
}
