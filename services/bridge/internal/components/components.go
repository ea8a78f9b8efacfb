// Package components finds out how the services behind the bridge and their parts are, also when a service does not
// answer.
package components

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	healthv1 "fgdsync.dev/proto/fgd/health/v1"
)

// timeout is longer than a service waits for its parts.
const timeout = 3 * time.Second

// Service is a service behind the bridge.
type Service struct {
	Name       string
	Address    string // empty for one in this process
	AddressKey string // of the configuration
	Conn       grpc.ClientConnInterface
	Parts      []string // that it tells of; those of a service that does not answer are listed too
}

// Found is how a service and its parts are.
type Found struct {
	Service health.State
	Parts   []health.State
}

// Own is the service that looks: that it answers says that it is well.
type Own struct {
	Name  string
	Since time.Time
	Parts []health.Part
}

// Overview asks services how they are.
type Overview struct {
	own      Own
	services []Service
	journal  *health.Journal // of what only the bridge can see
}

// New returns an overview. It logs nothing: each process tells of its own components.
func New(own Own, services []Service, now func() time.Time) *Overview {
	return &Overview{own: own, services: services, journal: health.NewJournal(slog.New(slog.DiscardHandler), now)}
}

// Look asks all services at the same time. What it returns is in their order, after the one that looks.
func (o *Overview) Look(ctx context.Context) []Found {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out := make([]Found, 1+len(o.services))
	var asking sync.WaitGroup
	for i, service := range o.services {
		asking.Go(func() { out[1+i] = o.ask(ctx, service) })
	}
	out[0] = o.lookAtOwn(ctx)
	asking.Wait()
	return out
}

func (o *Overview) lookAtOwn(ctx context.Context) Found {
	found := Found{Service: health.State{Name: o.own.Name, Since: o.own.Since}}
	for _, state := range health.Examine(ctx, o.own.Parts) {
		found.Parts = append(found.Parts, o.journal.Note(ctx, state))
	}
	return found
}

// Ready returns the error of a service that can't take work, if there is one.
func (o *Overview) Ready(ctx context.Context) error {
	for _, found := range o.Look(ctx) {
		if s := found.Service; s.Status != health.Healthy {
			return errs.New(errs.ServiceUnavailable, "The service %s can't take work: %s", s.Name, s.Reason).
				WithRemedy("%s", s.Remedy)
		}
	}
	return nil
}

func (o *Overview) ask(ctx context.Context, s Service) Found {
	answer, err := healthv1.NewComponentServiceClient(s.Conn).
		ListComponents(ctx, &healthv1.ListComponentsRequest{Service: s.Name})
	if err != nil || len(answer.GetComponents()) == 0 {
		return o.away(ctx, s, err)
	}
	states := make([]health.State, len(answer.GetComponents()))
	for i, c := range answer.GetComponents() {
		states[i] = health.FromProto(c)
		o.journal.Note(ctx, states[i])
	}
	return Found{states[0], states[1:]}
}

// away is what can be said of a service that does not answer: who it is, where, and that nothing is known of its parts.
func (o *Overview) away(ctx context.Context, s Service, err error) Found {
	where, remedy := s.Name, fmt.Sprintf("Start %s, and see its log when it runs.", s.Name)
	var details map[string]string
	if s.Address != "" {
		details = map[string]string{"address": s.Address, "key": s.AddressKey}
		where += " at " + s.Address
		remedy = fmt.Sprintf("Start %s, or correct %s when it is somewhere else; see its log when it runs.", s.Name,
			s.AddressKey)
	}
	reason := where + " does not answer"
	if errs.KindOf(err) == errs.NotFound {
		reason = fmt.Sprintf("What answers at %s is not %s", s.Address, s.Name)
	}
	found := Found{Service: o.journal.Note(ctx, health.State{
		Name: s.Name, Status: health.Unhealthy, Reason: reason + ".", Remedy: remedy, Code: errs.ServiceUnavailable.ID,
		Details: details,
	})}
	for _, part := range s.Parts {
		found.Parts = append(found.Parts, o.journal.Note(ctx, health.State{
			Name: part, Status: health.Unknown, Reason: reason + ", and nobody else knows.", Remedy: remedy,
		}))
	}
	return found
}
