// Package suite puts services into one process. They speak the same gRPC to each other as in five processes, over a
// loopback inside the process, and use the same Redis Streams; which mode it is, is known here and nowhere else. What
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
	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/libs/rpc"
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
	Served      *mtls.Served // the certificate for callers; nil: they are answered in clear
}

// Suite is services in one process.
type Suite struct {
	host      *app.Host
	conns     map[rpc.Audience]*grpc.ClientConn
	processes []*app.Process
	handler   http.Handler
}

// New builds the services in their order. Those that are called but not defined are not there.
func New(o Options) (*Suite, error) {
	host := app.NewHost(o.Telemetry, app.Security{Callers: o.Served})
	s := &Suite{host: host, conns: map[rpc.Audience]*grpc.ClientConn{}, handler: host.Operations(hosts.New(nil))}
	if err := s.build(o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Suite) build(o Options) error {
	for _, audience := range []rpc.Audience{rpc.Services, rpc.Callers} {
		conn, err := s.host.Loopback(audience)
		if err != nil {
			return err
		}
		s.conns[audience] = conn
	}
	for _, def := range o.Definitions {
		process := &app.Process{
			Source: o.Source, Telemetry: o.Telemetry.For(app.LogName(def.Name)), Peers: s.peers(o.Definitions),
			Self:        s.conns[def.Audience],
			MetricsPage: s.host.Metrics(), Instance: o.Instance, LookupEnv: o.LookupEnv, Now: time.Now,
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
	return nil
}

// peers are the services for services by their names: all are reached by the same loopback.
func (s *Suite) peers(definitions []app.Definition) map[string]grpc.ClientConnInterface {
	peers := map[string]grpc.ClientConnInterface{}
	for _, def := range definitions {
		if def.Audience == rpc.Services {
			peers[def.Name] = s.conns[rpc.Services]
		}
	}
	return peers
}

// Internal returns a connection to what is served to services.
func (s *Suite) Internal() *grpc.ClientConn { return s.conns[rpc.Services] }

// Public returns a connection to what is served to callers.
func (s *Suite) Public() *grpc.ClientConn { return s.conns[rpc.Callers] }

// Serve serves what is for callers on listeners, until the suite ends: gRPC, and over HTTP the JSON API, with live
// progress, health and metrics beside it. It is called before Run.
func (s *Suite) Serve(grpcListener, httpListener net.Listener) {
	s.host.ServeGRPC(grpcListener, rpc.Callers)
	s.host.ServeCallers(httpListener, s.handler)
}

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
	for _, conn := range s.conns {
		err = errors.Join(err, conn.Close())
	}
	return err
}
