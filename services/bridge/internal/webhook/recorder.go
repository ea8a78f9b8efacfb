package webhook

import (
	"context"
	"net/netip"
)

// Event is a delivery, as it is written down.
type Event struct {
	Host     Host
	ID       string // of the delivery
	From     netip.Addr
	By       string // who pushed, as the host says; empty for a delivery that is not believed
	FabricID int32
}

// Recorder has it written down what deliveries do.
type Recorder interface {
	// Do has an effect of an event written down before it and after it, and returns its error. What can't be written down
	// is not done.
	Do(ctx context.Context, e Event, effect func(context.Context) (syncID string, err error)) (syncID string, err error)
	// Denied has it written down that a delivery was refused.
	Denied(ctx context.Context, e Event, refusal error)
}

// Unrecorded does without writing anything down.
type Unrecorded struct{}

// Do has the effect.
func (Unrecorded) Do(
	ctx context.Context, _ Event, effect func(context.Context) (string, error),
) (syncID string, err error) {
	return effect(ctx)
}

// Denied does nothing.
func (Unrecorded) Denied(context.Context, Event, error) {}
