// Package grpcapi is the directory manager over gRPC: messages in and out.
package grpcapi

import (
	"context"
	"log/slog"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/directory/internal/manager"
	"fgdsync.dev/services/directory/internal/structure"
)

// Server serves the DirectoryService.
type Server struct {
	directoryv1.UnsafeDirectoryServiceServer
	manager *manager.Manager
	log     *slog.Logger
}

var _ directoryv1.DirectoryServiceServer = (*Server)(nil)

// New returns a server.
func New(m *manager.Manager, log *slog.Logger) *Server { return &Server{manager: m, log: log} }

// ValidateDirectory judges a tree.
func (s *Server) ValidateDirectory(ctx context.Context,
	req *directoryv1.ValidateDirectoryRequest,
) (*directoryv1.ValidateDirectoryResponse, error) {
	report, err := s.manager.Examine(ctx, treeFromProto(req), fabricFromProto(req.GetFabric()), time.Time{})
	if err != nil {
		return nil, err
	}
	return &directoryv1.ValidateDirectoryResponse{Report: reportToProto(report)}, nil
}

// RepairDirectory mends a tree. Where nothing is to be mended it answers with the tree that it was given and writes
// nothing.
func (s *Server) RepairDirectory(ctx context.Context,
	req *directoryv1.RepairDirectoryRequest,
) (*directoryv1.RepairDirectoryResponse, error) {
	if !req.GetTime().IsValid() {
		return nil, errs.Field("time", "time is no time between the years 1 and 9999.")
	}
	fabric := fabricFromProto(req.GetFabric())
	fabric.TakeOver = req.GetTakeOver()
	done, err := s.manager.Repair(ctx, treeFromProto(req), fabric, req.GetTime().AsTime(), req.GetCreateSamples())
	if err != nil {
		return nil, err
	}
	if done.Tree != req.GetTree() {
		s.log.InfoContext(ctx, "directory repaired", "fabric_id", req.GetFabric().GetFabricId(), "repairs",
			len(done.Made), "tree", done.Tree)
	}
	return &directoryv1.RepairDirectoryResponse{
		Tree: done.Tree, Report: reportToProto(done.Report), RepairsMade: done.Made,
		RemainingIssues: issuesToProto(done.Remaining),
	}, nil
}

// inTree is a request about a tree.
type inTree interface {
	GetSnapshotId() string
	GetTree() string
	GetSurroundings() *gitv1.Surroundings
}

func treeFromProto(req inTree) manager.Tree {
	around := req.GetSurroundings()
	return manager.Tree{
		Ref: gittree.Ref{Snapshot: req.GetSnapshotId(), ID: req.GetTree()},
		Place: structure.Place{
			Directory: around.GetDirectory(), Above: around.GetAbove(), Twin: around.GetTwin(),
		},
	}
}

func fabricFromProto(f *directoryv1.FabricIdentity) structure.Fabric {
	return structure.Fabric{ID: f.GetFabricId(), Name: f.GetName(), FormerNames: f.GetFormerNames()}
}
