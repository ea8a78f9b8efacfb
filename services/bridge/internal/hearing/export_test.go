package hearing

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Begin has it hear under a lock, as Run does first.
func (h *Hearing) Begin(fence int64) { h.begin(fence) }

// Turn looks once, does not wait for NetBox, and returns when everything is told that can be. Its error says too that
// something is to be told later.
func (h *Hearing) Turn(ctx context.Context) error {
	err := h.Look(ctx)
	h.tellSome(ctx, h.tellers.waiting())
	h.tellers.work.Wait()
	if fabrics := h.tellers.waiting(); len(fabrics) > 0 {
		err = errors.Join(err, fmt.Errorf("the fabrics %v are to be told of later", fabrics))
	}
	return err
}

// Look looks once, and waits neither for NetBox nor for those who are told.
func (h *Hearing) Look(ctx context.Context) error {
	_, err := h.turn(ctx, 0)
	return err
}

// Listen has the bell wake it until ctx ends, and Woken tells of that.
func (h *Hearing) Listen(ctx context.Context) { h.listen(ctx) }

// Woken has something when it was woken.
func (h *Hearing) Woken() <-chan struct{} { return h.wake }

// Interrupt has a function called at each step, whose error ends the turn, as the end of the process would.
func (h *Hearing) Interrupt(at func(step string) error) { h.step = at }

// LookAgain sets after which time a source is looked for that is missing.
func (h *Hearing) LookAgain(after time.Duration) { h.again = after }

// What is kept of a fabric at most.
const (
	MostKeptBytes = mostKeptBytes
	MostPart      = mostPart
	MostEntry     = mostEntry
)

// Window is for how long a transaction may be open.
const Window = window
