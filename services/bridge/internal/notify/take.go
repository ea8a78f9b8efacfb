package notify

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// attemptsToWrite bounds how often another bridge may be faster.
const attemptsToWrite = 10

// errFaster says that other bridges were faster each time.
var errFaster = errors.New("other bridges change what is the matter with the fabric all the time")

// question asks how a fabric is now. It returns nil when there is nothing to say.
type question func(context.Context, *eventv1.FabricCauses, *fabricv1.Fabric) (*signal, error)

// take asks how a fabric is, notes it, and has those told who want to be. What was the matter is read before it is
// asked, and written if it is the same then: an answer that is old by now is asked for again. A fabric that is not
// registered is forgotten, and one that has the number of another begins anew.
func (s *Service) take(ctx context.Context, fabricID int32, ask question) error {
	for range attemptsToWrite {
		state, before, err := s.store.read(ctx, fabricID)
		if err != nil {
			return err
		}
		fabric, err := s.fabric(ctx, fabricID)
		if err != nil {
			return err
		}
		state, about, err := s.weigh(ctx, state, fabric, ask)
		if err != nil {
			return err
		}
		written, full, err := s.store.write(ctx, fabricID, before, state, about)
		for _, target := range full {
			s.metrics.count(target, failed)
			s.deps.Log.ErrorContext(ctx, "a notification is a dead letter: too much waits for the target already",
				"target", target, "fabric_id", fabricID, "cause", about.GetCause())
		}
		if err != nil || written {
			return err
		}
	}
	return errFaster
}

// weigh returns what is the matter with a fabric, nothing for none, and what is told of it; nil for nothing.
func (s *Service) weigh(
	ctx context.Context, state *eventv1.FabricCauses, fabric *fabricv1.Fabric, ask question,
) (*eventv1.FabricCauses, *eventv1.Notification, error) {
	if fabric == nil {
		return &eventv1.FabricCauses{}, nil, nil
	}
	if !proto.Equal(state.GetRegisteredAt(), fabric.GetCreatedAt()) {
		state = &eventv1.FabricCauses{RegisteredAt: fabric.GetCreatedAt()}
	}
	sig, err := ask(ctx, state, fabric)
	if err != nil || sig == nil || !judge(state, *sig) {
		return state, nil, err
	}
	return state, notification(fabric, *sig), nil
}

// fabric looks a fabric up; nil when there is none.
func (s *Service) fabric(ctx context.Context, fabricID int32) (*fabricv1.Fabric, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	found, err := s.deps.Fabrics.GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: fabricID})
	if errs.HasCode(err, errs.FabricNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look fabric %d up: %w", fabricID, err)
	}
	return found.GetFabric(), nil
}
