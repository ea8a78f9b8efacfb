// Package history records what clients that work at the same time ask and are told, and looks for an order of all
// calls, one after the other, that explains it.
package history

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// checkTimeout bounds the search. It is exponential at its worst; these histories are small.
const checkTimeout = time.Minute

// Recorder records calls with questions Q and answers A.
type Recorder[Q, A any] struct {
	mu    sync.Mutex
	first time.Time
	calls []porcupine.Operation
}

// Call makes a call and records it. When the caller can't know whether it took effect, it counts as not ended: it may
// have its effect at any time after its begin, or never.
func (r *Recorder[Q, A]) Call(client int, question Q, ask func() (answer A, known bool)) A {
	return r.CallFrom(time.Now(), client, question, ask)
}

// CallFrom is Call for a call that may have its effect from an earlier time on.
func (r *Recorder[Q, A]) CallFrom(at time.Time, client int, question Q, ask func() (answer A, known bool)) A {
	began := r.tick(at)
	answer, known := ask()
	ended := r.tick(time.Now())
	if !known {
		ended = math.MaxInt64
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, porcupine.Operation{
		ClientId: client, Input: question, Call: began, Output: answer,
		Return: ended,
	})
	return answer
}

// tick returns a time in nanoseconds since the first call.
func (r *Recorder[Q, A]) tick(at time.Time) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first.IsZero() {
		r.first = at
	}
	return at.Sub(r.first).Nanoseconds()
}

// Explain fails the test unless there is an order that explains the calls: from a first state on, each step says
// whether the answer fits the state, and what the state is after it.
func Explain[S comparable, Q, A any](t *testing.T, r *Recorder[Q, A], first S, step func(S, Q, A) (bool, S)) {
	t.Helper()
	if verdict := explained(r, first, step); verdict != porcupine.Ok {
		t.Errorf("%s: no order explains\n%s", verdict, r)
	}
}

// Contradicted reports whether there is no such order.
func Contradicted[S comparable, Q, A any](r *Recorder[Q, A], first S, step func(S, Q, A) (bool, S)) bool {
	return explained(r, first, step) == porcupine.Illegal
}

func explained[S comparable, Q, A any](r *Recorder[Q, A], first S, step func(S, Q, A) (bool, S)) porcupine.CheckResult {
	model := porcupine.Model{
		Init: func() any { return first },
		Step: func(state, question, answer any) (bool, any) {
			return step(state.(S), question.(Q), answer.(A))
		},
	}
	return porcupine.CheckOperationsTimeout(model, r.calls, checkTimeout)
}

// String lists the calls in the order of their ends.
func (r *Recorder[Q, A]) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, c := range r.calls {
		fmt.Fprintf(&b, "%4d-%4d client %d: %+v -> %+v\n", c.Call, c.Return, c.ClientId, c.Input, c.Output)
	}
	return b.String()
}
