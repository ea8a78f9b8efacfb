package hearing

import (
	"context"
	"time"
)

// Begin has it hear under a lock, as Run does first.
func (h *Hearing) Begin(fence int64) { h.begin(fence) }

// Turn looks once, and does not wait.
func (h *Hearing) Turn(ctx context.Context) error {
	_, err := h.turn(ctx, 0)
	return err
}

// Interrupt has a function called at each step, whose error ends the turn, as the end of the process would.
func (h *Hearing) Interrupt(at func(step string) error) { h.step = at }

// LookAgain sets after which time a source is looked for that is missing.
func (h *Hearing) LookAgain(after time.Duration) { h.again = after }

// Window is for how long a transaction may be open.
const Window = window
