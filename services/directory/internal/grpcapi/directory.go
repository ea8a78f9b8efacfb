// Package grpcapi serves fgd.directory.v1.DirectoryService: proto in, structure.Examine in between, proto out.
package grpcapi

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/recent"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	"fgdsync.dev/services/directory/internal/structure"
)

// maxNameBytes bounds the name of a fabric in a manifest.
const maxNameBytes = 1 << 10

// Deps are what the server works with.
type Deps struct {
	Trees   *gittree.Client
	Kinds   structure.Kinds
	Log     *slog.Logger
	Tracer  trace.Tracer
	Metrics prometheus.Registerer
}

// Server implements the service.
type Server struct {
	directoryv1.UnsafeDirectoryServiceServer
	deps    Deps
	issues  *prometheus.CounterVec
	settled *recent.Cache[settledKey, structure.Report] // of trees that need no change
}

// settledKey is all that a report depends on: the id of a tree stands for what is in it.
type settledKey struct {
	tree   string
	fabric structure.Fabric
}

const (
	settledReports = 50_000
	maxIgnoreBytes = 1 << 20 // a larger .fgdignore counts as absent
)

var _ directoryv1.DirectoryServiceServer = (*Server)(nil)

// New returns a server.
func New(deps Deps) (*Server, error) {
	issues := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fgd_directory_issues_total", Help: "Issues found in the structure of fabric directories, by code.",
	}, []string{"code"})
	if err := deps.Metrics.Register(issues); err != nil {
		return nil, fmt.Errorf("register the metrics: %w", err)
	}
	settled, err := recent.New[settledKey, structure.Report](settledReports)
	if err != nil {
		return nil, err
	}
	return &Server{deps: deps, issues: issues, settled: settled}, nil
}

// ValidateDirectory judges a tree.
func (s *Server) ValidateDirectory(ctx context.Context,
	req *directoryv1.ValidateDirectoryRequest,
) (*directoryv1.ValidateDirectoryResponse, error) {
	report, _, err := s.examine(ctx, req, time.Time{})
	if err != nil {
		return nil, err
	}
	return &directoryv1.ValidateDirectoryResponse{Report: reportToProto(report)}, nil
}

// RepairDirectory mends a tree. Where nothing is to be mended it answers with the tree it was given and writes nothing.
func (s *Server) RepairDirectory(ctx context.Context,
	req *directoryv1.RepairDirectoryRequest,
) (*directoryv1.RepairDirectoryResponse, error) {
	if !req.GetTime().IsValid() {
		return nil, errs.New(errs.InvalidRequest, "The request has no valid time.").WithMeta("field", "time")
	}
	report, tree, err := s.examine(ctx, req, req.GetTime().AsTime())
	if err != nil {
		return nil, err
	}
	response := &directoryv1.RepairDirectoryResponse{
		Tree: tree.ID, Report: reportToProto(report), RemainingIssues: issuesToProto(report.Remaining()),
	}
	var changes []gittree.Change
	for _, issue := range report.Issues {
		changes = append(changes, issue.Changes...)
		if issue.Repair != "" {
			response.RepairsMade = append(response.RepairsMade, issue.Repair)
		}
	}
	if req.GetCreateSamples() {
		samples, err := s.addSamples(ctx, tree, response)
		if err != nil {
			return nil, err
		}
		changes = append(changes, samples...)
	}
	if len(changes) == 0 {
		return response, nil
	}
	if response.Tree, err = s.deps.Trees.Write(ctx, tree, changes); err != nil {
		return nil, fmt.Errorf("write into tree %s: %w", tree.ID, err)
	}
	s.deps.Log.InfoContext(ctx, "directory repaired", "fabric_id", req.GetFabric().GetFabricId(), "repairs",
		len(response.RepairsMade), "tree", response.Tree)
	return response, nil
}

// addSamples says in a response what becomes of the samples, and gives the changes.
func (s *Server) addSamples(ctx context.Context, tree gittree.Ref,
	response *directoryv1.RepairDirectoryResponse,
) ([]gittree.Change, error) {
	entries, err := s.deps.Trees.List(ctx, tree)
	if err != nil {
		return nil, fmt.Errorf("list tree %s: %w", tree.ID, err)
	}
	changes, issues, err := structure.Samples(entries)
	if err != nil {
		return nil, err
	}
	if len(changes) > 0 {
		names := make([]string, len(changes))
		for i, c := range changes {
			names[i] = strings.TrimPrefix(c.Path, layout.Samples+"/")
		}
		response.RepairsMade = append(response.RepairsMade, fmt.Sprintf("Added to %s: %s.", layout.Samples,
			strings.Join(names, ", ")))
	}
	response.RemainingIssues = append(response.RemainingIssues, issuesToProto(issues)...)
	return changes, nil
}

// question is what both requests ask about.
type question interface {
	GetSnapshotId() string
	GetTree() string
	GetFabric() *directoryv1.FabricIdentity
}

func (s *Server) examine(ctx context.Context, req question, now time.Time) (structure.Report, gittree.Ref, error) {
	if err := check(req); err != nil {
		return structure.Report{}, gittree.Ref{}, err
	}
	tree := gittree.Ref{Snapshot: req.GetSnapshotId(), ID: req.GetTree()}
	fabric := structure.Fabric{ID: req.GetFabric().GetFabricId(), Name: req.GetFabric().GetName()}
	report, known := s.settled.Get(settledKey{tree.ID, fabric})
	if !known {
		dir, err := s.load(ctx, tree)
		if err != nil {
			return structure.Report{}, gittree.Ref{}, err
		}
		_, span := s.deps.Tracer.Start(ctx, "examine", trace.WithAttributes(attribute.Int("entries", len(dir.Entries))))
		report = structure.Examine(dir, fabric, s.deps.Kinds, now)
		span.End()
		s.keep(settledKey{tree.ID, fabric}, report)
	}
	for _, issue := range report.Issues {
		s.issues.WithLabelValues(issue.Code.ID).Inc()
	}
	return report, tree, nil
}

// keep remembers a report that asks for no change; others state a time.
func (s *Server) keep(key settledKey, report structure.Report) {
	for _, issue := range report.Issues {
		if len(issue.Changes) > 0 {
			return
		}
	}
	s.settled.Add(key, report, 1+len(report.Issues))
}

// load reads the leaves of a tree, and the contents of the manifest and of .fgdignore where they are plain files of a
// sensible size.
func (s *Server) load(ctx context.Context, tree gittree.Ref) (structure.Directory, error) {
	entries, err := s.deps.Trees.List(ctx, tree)
	if err != nil {
		return structure.Directory{}, fmt.Errorf("list tree %s: %w", tree.ID, err)
	}
	dir := structure.Directory{Entries: entries}
	for path, part := range map[string]struct {
		content *[]byte
		limit   int64
	}{layout.Manifest: {&dir.Manifest, structure.MaxManifestBytes}, layout.Ignore: {&dir.Ignore, maxIgnoreBytes}} {
		i := slices.IndexFunc(entries, func(e gittree.Entry) bool { return e.Path == path })
		if i < 0 || !entries[i].Mode.IsFile() || entries[i].Size > part.limit {
			continue
		}
		err := s.deps.Trees.Read(ctx, tree.Snapshot, []string{entries[i].Blob}, func(content []byte) error {
			*part.content = content
			return nil
		})
		if err != nil {
			return structure.Directory{}, fmt.Errorf("read %s of tree %s: %w", path, tree.ID, err)
		}
	}
	return dir, nil
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
			return errs.New(errs.InvalidRequest, "The request has no valid %s.", c.field).WithMeta("field", c.field)
		}
	}
	return nil
}
