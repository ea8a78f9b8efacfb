// Package conflictapi serves fgd.bridge.v1.ConflictService: what Git and NetBox both changed, each in its own way, as
// it is kept with the receipts of records, and what somebody wants it to come to. It decides nothing but whether a wish
// can be meant; whoever delivers the records makes it so.
package conflictapi

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/outbox"
)

// Outbox has the receipts of records.
type Outbox interface {
	// Status returns all receipts of a fabric, with the last conflict of each.
	Status(ctx context.Context, fabricID int32) (outbox.Status, error)
	// Resolve has a conflict settled, and returns the receipt when it is. It is refused with errs.ConflictMoved when one
	// of the sides says something else than what the resolution has seen.
	Resolve(ctx context.Context, fabricID int32, r *netboxv1.Resolution) (*netboxv1.Receipt, error)
	// Preview says what a resolution would change, and is refused as it would be.
	Preview(ctx context.Context, fabricID int32, r *netboxv1.Resolution) (outbox.Preview, error)
}

// Server implements fgd.bridge.v1.ConflictService.
type Server struct {
	bridgev1.UnsafeConflictServiceServer
	fabrics fabricv1.FabricServiceClient
	outbox  Outbox
}

var _ bridgev1.ConflictServiceServer = (*Server)(nil)

// New returns a server that asks the orchestrator which fabrics there are.
func New(orchestrator grpc.ClientConnInterface, outbox Outbox) *Server {
	return &Server{fabrics: fabricv1.NewFabricServiceClient(orchestrator), outbox: outbox}
}

// Register adds the service to a server.
func (s *Server) Register(r grpc.ServiceRegistrar) { bridgev1.RegisterConflictServiceServer(r, s) }

const (
	// anyState asks for conflicts that are open, and those that are settled.
	anyState = "all"
	// pageBytes bounds a page beside its number of conflicts: each may have two resources whole.
	pageBytes = 1 << 20
)

// ListConflicts lists conflicts, by kind, namespace and name.
func (s *Server) ListConflicts(
	ctx context.Context, req *bridgev1.ListConflictsRequest,
) (*bridgev1.ListConflictsResponse, error) {
	after, err := apiv1.ResourcePosition(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := s.receipts(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r *netboxv1.Receipt) bool { return !wanted(r, req.GetState(), req.GetKind()) })
	slices.SortFunc(all, func(a, b *netboxv1.Receipt) int { return slices.Compare(placeOf(a), placeOf(b)) })
	out := &bridgev1.ListConflictsResponse{Total: apiv1.Number(int64(len(all)))}
	limit, size := int(apiv1.Limit(req.GetLimit(), apiv1.DefaultConflicts)), 0
	for _, r := range all {
		if slices.Compare(placeOf(r), after) <= 0 {
			continue
		}
		shown := conflictToProto(r)
		size += proto.Size(shown)
		if n := len(out.GetConflicts()); n == limit || n > 0 && size > pageBytes {
			last := out.GetConflicts()[n-1]
			out.NextPageToken = apiv1.ResourcePageToken(last.GetKind(), last.GetNamespace(), last.GetName())
			break
		}
		out.Conflicts = append(out.Conflicts, shown)
	}
	return out, nil
}

// wanted reports whether a receipt has a conflict of a state and a kind.
func wanted(r *netboxv1.Receipt, state, kind string) bool {
	if r.GetConflict() == nil || kind != "" && r.GetKind() != kind {
		return false
	}
	if state == "" {
		state = open
	}
	return state == anyState || state == stateOf(r.GetConflict())
}

func placeOf(r *netboxv1.Receipt) []string {
	return []string{r.GetKind(), r.GetNamespace(), r.GetName()}
}

// GetConflict shows a conflict.
func (s *Server) GetConflict(
	ctx context.Context, req *bridgev1.GetConflictRequest,
) (*bridgev1.GetConflictResponse, error) {
	found, err := s.find(ctx, req.GetFabricId(), req.GetConflictId())
	if err != nil {
		return nil, err
	}
	return &bridgev1.GetConflictResponse{Conflict: conflictToProto(found)}, nil
}

// ResolveConflict has a conflict settled as somebody wants it, who has seen a version of it, or says what that would
// change.
func (s *Server) ResolveConflict(
	ctx context.Context, req *bridgev1.ResolveConflictRequest,
) (*bridgev1.ResolveConflictResponse, error) {
	found, err := s.find(ctx, req.GetFabricId(), req.GetConflictId())
	if err != nil {
		return nil, err
	}
	conflict := found.GetConflict()
	if err := check(conflict, req.GetVersion()); err != nil {
		return nil, err
	}
	choices, err := choicesOf(conflict, req)
	if err != nil {
		return nil, err
	}
	call := rpc.CallOf(ctx)
	resolution := &netboxv1.Resolution{
		ConflictId: conflict.GetConflictId(), Version: conflict.GetVersion(), Choices: choices,
		ResolvedBy: call.Principal, Email: call.Email,
	}
	if req.GetValidateOnly() {
		return s.preview(ctx, req.GetFabricId(), resolution)
	}
	settled, err := s.outbox.Resolve(ctx, req.GetFabricId(), resolution)
	if err != nil {
		return nil, err
	}
	return &bridgev1.ResolveConflictResponse{Conflict: conflictToProto(settled)}, nil
}

func (s *Server) preview(
	ctx context.Context, fabricID int32, r *netboxv1.Resolution,
) (*bridgev1.ResolveConflictResponse, error) {
	preview, err := s.outbox.Preview(ctx, fabricID, r)
	if err != nil {
		return nil, err
	}
	out := &bridgev1.ResolveConflictResponse{Conflict: conflictToProto(preview.Receipt), Diff: preview.Diff}
	for _, path := range preview.RecordFields[:min(len(preview.RecordFields), mostPaths)] {
		out.RecordFields = append(out.RecordFields, string(path))
	}
	return out, nil
}

// check refuses to settle a conflict that is settled, or says something else than whoever settles it has seen.
func check(c *netboxv1.Conflict, version string) error {
	if stateOf(c) != open {
		return errs.New(errs.ConflictMoved, "The conflict %s is settled already%s.", c.GetConflictId(), byWhom(c)).
			WithRemedy("Nothing is left to do; fgd conflicts list shows what is open.")
	}
	if c.GetVersion() != version {
		return errs.New(errs.ConflictMoved, "The conflict %s is another one than version %s: a side has changed since.",
			c.GetConflictId(), version).WithMeta("version", c.GetVersion())
	}
	return nil
}

func byWhom(c *netboxv1.Conflict) string {
	if c.GetResolvedBy() == "" {
		return ": both sides say the same"
	}
	return ", by " + c.GetResolvedBy()
}

// receipts returns those of a fabric's records. A fabric without a link has none, which is an error.
func (s *Server) receipts(ctx context.Context, fabricID int32) ([]*netboxv1.Receipt, error) {
	found, err := s.fabrics.GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: fabricID})
	if err == nil {
		err = apiv1.CheckLinked(found.GetFabric())
	}
	if err != nil {
		return nil, err
	}
	status, err := s.outbox.Status(ctx, fabricID)
	return status.Receipts, err
}

// find returns the receipt that has a conflict.
func (s *Server) find(ctx context.Context, fabricID int32, conflictID string) (*netboxv1.Receipt, error) {
	all, err := s.receipts(ctx, fabricID)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.GetConflict().GetConflictId() == conflictID {
			return r, nil
		}
	}
	return nil, errs.New(errs.ConflictNotFound, "Fabric %d has no conflict %s.", fabricID, conflictID)
}
