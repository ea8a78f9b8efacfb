// Package ingestion is the ingestion service: it turns what people drop into a fabric directory into one valid file per
// resource, tree in, tree out. Between two requests it keeps only what makes the next one faster; any replica can serve
// any request.
package ingestion

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/rpc"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/grpcapi"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Name is the service's name in health checks, logs and metrics.
const Name = "ingestion"

// githubSync is the service that holds the trees.
const githubSync = "github-sync"

// Definition returns what a process needs to know of the service.
func Definition() app.Definition {
	return app.Definition{
		Name: Name, Audience: rpc.Services, GRPCListen: "127.0.0.1:9092", HTTPListen: "127.0.0.1:9192",
		Peers:  []app.Peer{{Name: githubSync, Address: "127.0.0.1:9094"}},
		Config: func() any { cfg := DefaultConfig(); return &cfg },
		Build:  build,
	}
}

func build(p *app.Process) (app.Service, http.Handler, error) {
	cfg := DefaultConfig()
	if err := p.Source.Into(&cfg); err != nil {
		return nil, nil, err
	}
	service, err := New(cfg, p)
	return service, nil, err
}

// Service is the ingestion.
type Service struct{ api *grpcapi.Server }

// New builds the service. It fails with FGD_5007 when a setting or a custom resource definition can't be used. In a
// process without a connection to github-sync it judges files that are sent along, and nothing else.
func New(cfg Config, p *app.Process) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	schemas, err := loadSchemas(cfg.CRDDir)
	if err != nil {
		return nil, err
	}
	metrics, err := grpcapi.NewMetrics(p.Telemetry.Metrics)
	if err != nil {
		return nil, fmt.Errorf("ingestion: %w", err)
	}
	ingestions, err := newPipeline(cfg, schemas, p)
	if err != nil {
		return nil, fmt.Errorf("ingestion: %w", err)
	}
	return &Service{api: grpcapi.New(ingestions, metrics, p.Telemetry.Log, p.Now)}, nil
}

func newPipeline(cfg Config, schemas *schema.Set, p *app.Process) (*pipeline.Pipeline, error) {
	memory, err := document.NewMemory(cfg.MemoryFiles)
	if err != nil {
		return nil, err
	}
	noops, err := pipeline.NewNoopCache(cfg.MemoryFiles)
	if err != nil {
		return nil, err
	}
	trees, err := gittree.NewClient(p.Peers[githubSync], cfg.MemoryFiles)
	if err != nil {
		return nil, err
	}
	return &pipeline.Pipeline{
		Memory:       memory,
		Noops:        noops,
		Budget:       pipeline.NewBudget(cfg.MaxIngestionBytes),
		Trees:        trees,
		Schemas:      schemas,
		Limits:       yamldoc.Limits{Depth: cfg.MaxDepth, Nodes: cfg.MaxNodes, Aliases: cfg.MaxAliases},
		MaxFileBytes: cfg.MaxFileBytes,
		MaxDocuments: cfg.MaxDocumentsPerFile,
		Workers:      cfg.WorkerConcurrency,
		BatchSize:    cfg.BatchSize,
		Now:          p.Now,
		Tracer:       p.Telemetry.Tracers.Tracer(Name),
	}, nil
}

// loadSchemas reads the definitions: the built-in ones, or those of a folder.
func loadSchemas(dir string) (*schema.Set, error) {
	definitions := hedgehog.BuiltinCRDs()
	if dir != "" {
		definitions = os.DirFS(dir)
	}
	set, err := schema.Load(definitions, hedgehog.OperatorWritten)
	if err != nil {
		return nil, badDefinitions(dir, err)
	}
	return set, nil
}

// Register adds the service's RPCs to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	ingestionv1.RegisterIngestionServiceServer(r, s.api)
}

// Run waits for the end of ctx: the service works only while it is asked.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Ready returns nil: work can always be taken. Whether the trees can be reached shows with each request.
func (s *Service) Ready(context.Context) error { return nil }
