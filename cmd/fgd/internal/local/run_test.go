package local

import (
	"context"
	"net/http"
	"testing"

	"google.golang.org/grpc"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
)

// broken is a service that can't run.
type broken struct{ why error }

func (broken) Register(grpc.ServiceRegistrar)  {}
func (broken) Ready(context.Context) error     { return nil }
func (b broken) Run(ctx context.Context) error { <-ctx.Done(); return b.why }

// TestTheServicesErrorComesFirst: what a command has to say of its connection to services that ended follows from why
// they ended.
func TestTheServicesErrorComesFirst(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(context.Context, *suite.Suite, func(context.Context) error) error{
		"for a command": runFor, "for fgd up": runWith,
	} {
		s, err := suite.New(suite.Options{
			Telemetry: telemetry.Discard(), LookupEnv: app.Lookup(nil),
			Definitions: []app.Definition{{
				Name: "broken", Audience: rpc.Services,
				Build: func(*app.Process) (app.Service, http.Handler, error) {
					return broken{errs.New(errs.RedisUnsuitable, "It forgets.")}, nil, nil
				},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		err = run(t.Context(), s, func(context.Context) error { return errs.New(errs.SyncCancelled, "It was cancelled.") })
		if code := errs.From(err).Code.ID; code != errs.RedisUnsuitable.ID {
			t.Errorf("%s: %s first: %v", name, code, err)
		}
	}
}
