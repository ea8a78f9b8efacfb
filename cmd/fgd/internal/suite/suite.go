// Package suite puts services into one process. They speak the same gRPC to each other as in five processes, without a
// network, and use the same Redis Streams; which mode it is, is known here and nowhere else. What
// only services may reach is on no network address.
package suite

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/libs/telemetry"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/services/directory"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/services/ingestion"
	"fgdsync.dev/services/orchestrator"
)

// Definitions returns the five services, each after those that it calls.
func Definitions() []app.Definition {
	return []app.Definition{
		githubsync.Definition(), ingestion.Definition(), directory.Definition(), orchestrator.Definition(),
		bridge.Definition(),
	}
}

// Options are what a suite is made of.
type Options struct {
	Definitions []app.Definition
	Source      *config.Source
	Telemetry   *telemetry.Telemetry
	Instance    string // tells the process from its replicas
	LookupEnv   func(string) (string, bool)
	// Callers is where callers are served. Without it nobody outside the process is, so nobody is asked who they are.
	Callers *Listeners
	// FirstToken is told once when it is known whether there is a token (app.Process).
	FirstToken func(secret.String)
	// Reloader has the services take their configuration anew when it is told to; nil: nothing is read again.
	Reloader *app.Reloader
	// Served is the certificate for callers; nil: they are answered in clear.
	Served *mtls.Served
}

// Listeners is where callers are served: gRPC, and over HTTP the JSON API, with live progress, health and metrics
// beside it.
type Listeners struct{ GRPC, HTTP net.Listener }

// Close closes both, where no suite has taken them.
func (l Listeners) Close() error { return errors.Join(l.GRPC.Close(), l.HTTP.Close()) }

// Suite is services in one process.
type Suite struct {
	host      *app.Host
	processes []*app.Process
	handler   http.Handler
}

// New builds the services in their order. Those that are called but not defined are not there. The suite takes the
// listeners, unless there is an error.
func New(o Options) (*Suite, error) {
	host := app.NewHost(o.Telemetry, app.Security{Callers: o.Served})
	if o.Reloader != nil {
		host.Reload(o.Reloader, bridge.Name)
	}
	s := &Suite{host: host, handler: host.Operations(hosts.New(nil))}
	if err := s.build(o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Suite) build(o Options) error {
	for _, def := range o.Definitions {
		process := &app.Process{
			Source: o.Source, Telemetry: o.Telemetry.For(app.LogName(def.Name)), Peers: s.peers(o.Definitions),
			Self:        s.host.Inside(def.Audience),
			MetricsPage: s.host.Metrics(), Instance: o.Instance, LookupEnv: o.LookupEnv, Now: time.Now,
			Private: o.Callers == nil, FirstToken: o.FirstToken,
		}
		if o.Reloader != nil {
			process.Parts = []health.Part{o.Reloader.Part()}
		}
		s.processes = append(s.processes, process)
		service, handler, err := def.Build(process)
		if err != nil {
			return err
		}
		if handler != nil {
			s.handler = handler
		}
		s.host.Add(def.Name, service, def.Audience)
	}
	if o.Callers != nil {
		s.host.ServeGRPC(o.Callers.GRPC, rpc.Callers)
		s.host.ServeCallers(o.Callers.HTTP, s.handler)
	}
	return nil
}

// peers are the services for services by their names: all are reached by the same connection.
func (s *Suite) peers(definitions []app.Definition) map[string]grpc.ClientConnInterface {
	peers := map[string]grpc.ClientConnInterface{}
	for _, def := range definitions {
		if def.Audience == rpc.Services {
			peers[def.Name] = s.host.Inside(rpc.Services)
		}
	}
	return peers
}

// Internal returns a connection to what is served to services.
func (s *Suite) Internal() grpc.ClientConnInterface { return s.host.Inside(rpc.Services) }

// Public returns a connection to what is served to callers.
func (s *Suite) Public() grpc.ClientConnInterface { return s.host.Inside(rpc.Callers) }

// Run runs the services until ctx ends, and closes what belongs to the suite.
func (s *Suite) Run(ctx context.Context) error {
	return errors.Join(s.host.Run(ctx), s.release())
}

// Close closes what belongs to a suite that is not run.
func (s *Suite) Close() error { return errors.Join(s.host.Close(), s.release()) }

func (s *Suite) release() error {
	var err error
	for _, process := range slices.Backward(s.processes) {
		err = errors.Join(err, process.Close())
	}
	return err
}
