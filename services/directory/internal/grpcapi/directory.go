// Package grpcapi serves fgd.directory.v1.DirectoryService: proto in, structure.Examine in between, proto out.
package grpcapi

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/directory/internal/structure"
	"fgdsync.dev/services/directory/internal/treeio"
)

// maxNameBytes bounds the name of a fabric in a manifest.
const maxNameBytes = 1 << 10

// Deps are what the server works with.
type Deps struct {
	Trees   treeio.Client
	Kinds   structure.Kinds
	Log     *slog.Logger
	Tracer  trace.Tracer
	Metrics prometheus.Registerer
}

// Server implements the service.
type Server struct {
	directoryv1.UnsafeDirectoryServiceServer
	deps   Deps
	issues *prometheus.CounterVec
}

var _ directoryv1.DirectoryServiceServer = (*Server)(nil)

// New makes a server.
func New(deps Deps) (*Server, error) {
	issues := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fgd_directory_issues_total", Help: "Issues found in the structure of fabric directories, by code.",
	}, []string{"code"})
	if err := deps.Metrics.Register(issues); err != nil {
		return nil, fmt.Errorf("register the metrics: %w", err)
	}
	return &Server{deps: deps, issues: issues}, nil
}

// ValidateDirectory judges a tree.
func (s *Server) ValidateDirectory(ctx context.Context, req *directoryv1.ValidateDirectoryRequest) (*directoryv1.ValidateDirectoryResponse, error) {
	report, _, err := s.examine(ctx, req, time.Time{})
	if err != nil {
		return nil, err
	}
	return &directoryv1.ValidateDirectoryResponse{Report: reportToProto(report)}, nil
}

// RepairDirectory mends a tree. Where nothing is to be mended it answers with the tree it was given and writes nothing.
func (s *Server) RepairDirectory(ctx context.Context, req *directoryv1.RepairDirectoryRequest) (*directoryv1.RepairDirectoryResponse, error) {
	if !req.GetTime().IsValid() {
		return nil, errs.New(errs.Invalid, errs.InvalidRequest, "The request has no valid time.").WithMeta("field", "time")
	}
	report, tree, err := s.examine(ctx, req, req.GetTime().AsTime())
	if err != nil {
		return nil, err
	}
	response := &directoryv1.RepairDirectoryResponse{
		Tree: tree.ID, Report: reportToProto(report), RemainingIssues: issuesToProto(report.Remaining()),
	}
	var changes []structure.Change
	for _, issue := range report.Issues {
		changes = append(changes, issue.Changes...)
		if issue.Repair != "" {
			response.RepairsMade = append(response.RepairsMade, issue.Repair)
		}
	}
	if len(changes) == 0 {
		return response, nil
	}
	if response.Tree, err = s.deps.Trees.Write(ctx, tree, changes); err != nil {
		return nil, err
	}
	s.deps.Log.InfoContext(ctx, "directory repaired", "fabric_id", req.GetFabric().GetFabricId(), "repairs", len(response.RepairsMade), "tree", response.Tree)
	return response, nil
}

// question is what both requests ask about.
type question interface {
	GetSnapshotId() string
	GetTree() string
	GetFabric() *directoryv1.FabricIdentity
}

func (s *Server) examine(ctx context.Context, req question, now time.Time) (structure.Report, treeio.Tree, error) {
	if err := check(req); err != nil {
		return structure.Report{}, treeio.Tree{}, err
	}
	tree := treeio.Tree{Snapshot: req.GetSnapshotId(), ID: req.GetTree()}
	dir, err := s.deps.Trees.Load(ctx, tree)
	if err != nil {
		return structure.Report{}, treeio.Tree{}, err
	}
	_, span := s.deps.Tracer.Start(ctx, "examine", trace.WithAttributes(attribute.Int("entries", len(dir.Entries))))
	defer span.End()
	fabric := structure.Fabric{ID: req.GetFabric().GetFabricId(), Name: req.GetFabric().GetName()}
	report := structure.Examine(dir, fabric, s.deps.Kinds, now)
	for _, issue := range report.Issues {
		s.issues.WithLabelValues(issue.Code.ID).Inc()
	}
	return report, tree, nil
}

func check(req question) error {
	name := req.GetFabric().GetName()
	for _, c := range []struct {
		field string
		wrong bool
	}{
		{"snapshot_id", req.GetSnapshotId() == ""},
		{"tree", req.GetTree() == ""},
		{"fabric.fabric_id", req.GetFabric().GetFabricId() <= 0},
		{"fabric.name", strings.TrimSpace(name) == "" || len(name) > maxNameBytes},
	} {
		if c.wrong {
			return errs.New(errs.Invalid, errs.InvalidRequest, "The request has no valid %s.", c.field).WithMeta("field", c.field)
		}
	}
	return nil
}
