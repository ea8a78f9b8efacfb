// Package ingestion is the ingestion service: it turns what people drop into a fabric directory into one valid file per
// resource, tree in, tree out. Between two requests it keeps only what makes the next one faster; any replica can serve
// any request.
package ingestion

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/grpcapi"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Name is the service's name in health checks, logs and metrics.
const Name = "ingestion"

// Deps are what the service works with.
type Deps struct {
	Trees   gitv1.TreeServiceClient // where trees are read and written
	Log     *slog.Logger
	Tracers trace.TracerProvider
	Metrics prometheus.Registerer
	Now     func() time.Time // the clock when absent; only reports depend on it, nothing that is written
}

// Service is the ingestion.
type Service struct{ api *grpcapi.Server }

// New builds the service. It fails with FGD_5007 when a setting or a custom resource definition can't be used.
func New(cfg Config, deps Deps) (*Service, error) {
	if deps.Trees == nil || deps.Log == nil || deps.Tracers == nil || deps.Metrics == nil {
		return nil, errors.New("ingestion: every field of Deps but Now is required")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	schemas, err := loadSchemas(cfg.CRDDir)
	if err != nil {
		return nil, err
	}
	metrics, err := grpcapi.NewMetrics(deps.Metrics)
	if err != nil {
		return nil, fmt.Errorf("ingestion: %w", err)
	}
	memory, err := document.NewMemory(cfg.MemoryFiles)
	if err != nil {
		return nil, fmt.Errorf("ingestion: %w", err)
	}
	settled, err := pipeline.NewSettled(cfg.MemoryFiles)
	if err != nil {
		return nil, fmt.Errorf("ingestion: %w", err)
	}
	trees, err := gittree.NewClient(deps.Trees, cfg.MemoryFiles)
	if err != nil {
		return nil, fmt.Errorf("ingestion: %w", err)
	}
	p := &pipeline.Pipeline{
		Memory:       memory,
		Settled:      settled,
		Budget:       pipeline.NewBudget(cfg.MaxIngestionBytes),
		Trees:        trees,
		Schemas:      schemas,
		Limits:       yamldoc.Limits{Depth: cfg.MaxDepth, Nodes: cfg.MaxNodes, Aliases: cfg.MaxAliases},
		MaxFileBytes: cfg.MaxFileBytes,
		MaxDocuments: cfg.MaxDocumentsPerFile,
		Workers:      cfg.WorkerConcurrency,
		BatchSize:    cfg.BatchSize,
		Now:          deps.Now,
		Tracer:       deps.Tracers.Tracer(Name),
	}
	return &Service{api: grpcapi.New(p, metrics, deps.Log, deps.Now)}, nil
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

// Ready tells that work can be taken. Whether the trees can be reached shows with each request.
func (s *Service) Ready(context.Context) error { return nil }
