package notify

import (
	"context"
	"fmt"
	"slices"
	"time"

	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/bridge/internal/outbox"
)

const (
	// lookPeriod is how often it is looked how deliveries are, and whether what is open still is.
	lookPeriod = 10 * time.Second
	// patience is for how long something has to be the matter with a delivery before that is told.
	patience = time.Minute
)

// lookAround tells of what there are no events, until ctx ends: it is what is so now.
func (s *Service) lookAround(ctx context.Context) error {
	ticker := time.NewTicker(s.deps.Period)
	defer ticker.Stop()
	for {
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			s.deps.Log.WarnContext(ctx, "it can't be looked what is the matter with fabrics", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// look looks once.
func (s *Service) look(ctx context.Context) error {
	if err := s.tend(ctx); err != nil {
		return err
	}
	found, err := s.deps.Outbox.Deliveries(ctx)
	if err != nil {
		return err
	}
	states, err := s.store.all(ctx)
	if err != nil {
		return err
	}
	if err := s.measure(ctx); err != nil {
		return err
	}
	since := map[int32]time.Time{}
	for _, t := range found {
		if t.Is() {
			since[t.FabricID] = s.deps.Now()
			if before, known := s.troubled[t.FabricID]; known {
				since[t.FabricID] = before
			}
		}
		sig := s.delivery(t, states[t.FabricID])
		if t.Is() && s.deps.Now().Sub(since[t.FabricID]) < patience || isSo(states[t.FabricID], sig) {
			continue
		}
		s.lookAt(ctx, t.FabricID, s.askDelivery(t))
	}
	s.troubled = since
	for id, state := range states {
		s.lookWhetherOver(ctx, id, state)
	}
	return nil
}

// isSo reports whether a signal is no news.
func isSo(state *eventv1.FabricCauses, sig signal) bool {
	now := state.GetCauses()[sig.cause]
	return sig.over != now.GetOpen() && (sig.over || isTold(now, sig.code))
}

// lookWhetherOver tells that something is over of whose end there may be no event.
func (s *Service) lookWhetherOver(ctx context.Context, fabricID int32, state *eventv1.FabricCauses) {
	if state.GetCauses()[conflict].GetOpen() {
		s.lookAt(ctx, fabricID, s.conflictsAreOver(fabricID))
	}
	if state.GetCauses()[undeliverable].GetOpen() {
		s.lookAt(ctx, fabricID, s.nothingIsDelivered)
	}
}

// lookAt takes what a question finds. Trouble with one fabric is no reason not to look at others: it is asked again.
func (s *Service) lookAt(ctx context.Context, fabricID int32, ask question) {
	if err := s.take(ctx, fabricID, ask); err != nil && ctx.Err() == nil {
		s.deps.Log.WarnContext(ctx, "what is the matter with a fabric is not told", "fabric_id", fabricID,
			"error", err.Error())
	}
}

// askDelivery asks whether a delivery still is as it was seen.
func (s *Service) askDelivery(seen outbox.Trouble) question {
	return func(ctx context.Context, state *eventv1.FabricCauses, _ *fabricv1.Fabric) (*signal, error) {
		all, err := s.deps.Outbox.Deliveries(ctx)
		if err != nil {
			return nil, err
		}
		for _, now := range all {
			if now.FabricID == seen.FabricID && now.Is() == seen.Is() {
				sig := s.delivery(now, state)
				return &sig, nil
			}
		}
		return nil, nil
	}
}

// nothingIsDelivered tells that a fabric is not linked to a NetBox any more.
func (s *Service) nothingIsDelivered(
	_ context.Context, _ *eventv1.FabricCauses, fabric *fabricv1.Fabric,
) (*signal, error) {
	if fabric.GetNetbox() != nil {
		return nil, nil
	}
	return &signal{
		cause: undeliverable, over: true, at: s.deps.Now(),
		message: "The fabric is not linked to a NetBox any more: nothing is to be delivered.",
	}, nil
}

// delivery is the signal of a delivery: of its reasons the first that is not told.
func (s *Service) delivery(t outbox.Trouble, state *eventv1.FabricCauses) signal {
	sig := signal{cause: undeliverable, at: s.deps.Now(), over: !t.Is()}
	codes := state.GetCauses()[undeliverable].GetCodes()
	if len(t.Reasons) > 0 {
		untold := slices.IndexFunc(t.Reasons, func(reason string) bool { return !slices.Contains(codes, reason) })
		sig.code = t.Reasons[max(0, untold)]
	}
	switch {
	case t.Problem != "":
		sig.message, sig.remedy = "Nothing is delivered to NetBox: "+t.Problem, t.Remedy
	case t.Undeliverable > 0:
		sig.message = fmt.Sprintf("%d records can't be delivered to NetBox.", t.Undeliverable)
		sig.remedy = fmt.Sprintf("fgd netbox receipts %d says why, and what to do about each.", t.FabricID)
	default:
		sig.message = "Records are delivered to NetBox again."
	}
	return sig
}
