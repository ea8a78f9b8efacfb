package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"fgdsync.dev/libs/errs"
)

// Parts of services, which the health of the system lists.
const (
	Redis       = "redis"
	Clock       = "clock" // of the machine, beside that of Redis
	Ledger      = "ledger"
	Queue       = "queue"
	Events      = "events" // that consumer groups read
	DeadLetters = "dead-letters"
	Store       = "store"
	GitHosts    = "git-hosts"
	Audit       = "audit"
	NetBox      = "netbox" // what is delivered there
	Issuer      = "issuer" // of JWTs, where the bridge has one

	// Configuration is how the configuration of a process is: read again, and whether all of it counts.
	Configuration = "configuration"

	// Of each process that has them.
	ServiceCertificate = "service-certificate"
	CallersCertificate = "callers-certificate"
)

// Status says how a component is.
type Status int

// Statuses.
const (
	Healthy   Status = iota // it works
	Degraded                // it works, and something wants a look
	Unhealthy               // it does not work
	Unknown                 // it could not be found out
)

// String returns what people, logs and the JSON API call the status.
func (s Status) String() string {
	return [...]string{"healthy", "degraded", "unhealthy", "unknown"}[s]
}

// Part is something that a service has or needs. The error of its check says what is the matter: a Trouble with the
// status that it names, any other one as Unhealthy.
type Part struct {
	Name  string
	Check Check
}

// Trouble is why a component is not healthy, where an error of the catalogue would say too much.
type Trouble struct {
	Status         Status
	Reason, Remedy string // a sentence each
	Details        map[string]string
}

// Error returns the reason.
func (t *Trouble) Error() string { return t.Reason }

// State is how a component is, and since when.
type State struct {
	Name           string
	Status         Status
	Since          time.Time
	Reason, Remedy string            // empty when it is healthy
	Code           string            // of the error, when it is one of the catalogue
	Details        map[string]string // what the reason says, by name, for programs
}

// StateOf returns what the outcome of a check says of a component.
func StateOf(name string, err error) State {
	var trouble *Trouble
	switch {
	case err == nil:
		return State{Name: name}
	case errors.As(err, &trouble):
		return State{
			Name: name, Status: trouble.Status, Reason: trouble.Reason, Remedy: trouble.Remedy, Details: trouble.Details,
		}
	}
	e := errs.From(err)
	return State{
		Name: name, Status: Unhealthy, Reason: e.Message, Remedy: e.RemedyText(), Code: e.Code.ID, Details: e.Meta,
	}
}

// Examine finds out how parts are, all at the same time.
func Examine(ctx context.Context, parts []Part) []State {
	found := make([]State, len(parts))
	var looking sync.WaitGroup
	for i, part := range parts {
		looking.Go(func() { found[i] = StateOf(part.Name, bounded(ctx, part)) })
	}
	looking.Wait()
	return found
}

// bounded runs a check, which has to answer in time: one that hangs is no better than one that fails. One that notices
// its time is up says best itself what it waited for.
func bounded(ctx context.Context, part Part) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	outcome := make(chan error, 1)
	go func() { outcome <- part.Check(ctx) }()
	hung := time.NewTimer(checkTimeout + checkGrace)
	defer hung.Stop()
	select {
	case err := <-outcome:
		return err
	case <-hung.C:
		return &Trouble{
			Status: Unhealthy, Reason: fmt.Sprintf("It did not answer within %s.", checkTimeout),
			Remedy: "See whether the machine, its disk or the network is overloaded.",
		}
	}
}
