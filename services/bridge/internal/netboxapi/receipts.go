package netboxapi

import (
	"cmp"
	"context"
	"slices"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/outbox"
)

// ListReceipts lists what of a fabric's resources is proven to be in NetBox, and what is not.
func (s *Server) ListReceipts(
	ctx context.Context, req *bridgev1.ListReceiptsRequest,
) (*bridgev1.ListReceiptsResponse, error) {
	after, err := apiv1.ResourcePosition(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	status, err := s.status(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	out := &bridgev1.ListReceiptsResponse{Delivery: deliveryToProto(status)}
	all := slices.DeleteFunc(status.Receipts, func(r *netboxv1.Receipt) bool {
		return req.GetState() != "" && stateOf(r.GetState()) != req.GetState()
	})
	slices.SortFunc(all, func(a, b *netboxv1.Receipt) int { return slices.Compare(placeOf(a), placeOf(b)) })
	out.Total = apiv1.Number(int64(len(all)))
	limit := int(apiv1.Limit(req.GetLimit(), apiv1.DefaultReceipts))
	for _, r := range all {
		if slices.Compare(placeOf(r), after) <= 0 {
			continue
		}
		if len(out.GetReceipts()) == limit {
			last := out.GetReceipts()[limit-1]
			out.NextPageToken = apiv1.ResourcePageToken(last.GetKind(), last.GetNamespace(), last.GetName())
			break
		}
		out.Receipts = append(out.Receipts, receiptToProto(r, status.Delivery.GetWantedCommit()))
	}
	return out, nil
}

// DeliverRecords has the records of a fabric delivered now.
func (s *Server) DeliverRecords(
	ctx context.Context, req *bridgev1.DeliverRecordsRequest,
) (*bridgev1.DeliverRecordsResponse, error) {
	if _, err := s.linked(ctx, req.GetFabricId()); err != nil {
		return nil, err
	}
	asked := outbox.Asked{Overwrite: req.GetOverwrite(), ConfirmDeletions: req.GetConfirmDeletions(), Calm: req.GetCalm()}
	if who := access.PrincipalOf(ctx); who != nil {
		asked.By = who.Name
	}
	if err := s.deps.Outbox.Ask(ctx, req.GetFabricId(), asked); err != nil {
		return nil, err
	}
	status, err := s.status(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	return &bridgev1.DeliverRecordsResponse{Delivery: deliveryToProto(status)}, nil
}

// status is how the delivery of a fabric is, and what is to be delivered.
type status struct {
	outbox.Status
	published string // the commit; empty when no sync has completed
	suspended bool
}

// status returns how the delivery of a fabric is. Before anything is known of it, it is that of the link.
func (s *Server) status(ctx context.Context, fabricID int32) (status, error) {
	fabric, err := s.linked(ctx, fabricID)
	if err != nil {
		return status{}, err
	}
	published, err := s.deps.Outbox.Published(ctx, fabricID)
	if err != nil {
		return status{}, err
	}
	known, err := s.deps.Outbox.Status(ctx, fabricID)
	if err != nil {
		return status{}, err
	}
	if known.Delivery.GetUrl() == "" {
		link := fabric.GetNetbox()
		known.Delivery.Url, known.Delivery.NetboxFabric = link.GetUrl(), cmp.Or(link.GetFabric(), fabricID)
	}
	return status{known, published, fabric.GetSuspension() != nil}, nil
}

// linked returns a fabric. One that has no link is an error.
func (s *Server) linked(ctx context.Context, fabricID int32) (*fabricv1.Fabric, error) {
	found, err := s.deps.Fabrics.GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: fabricID})
	if err != nil {
		return nil, err
	}
	return found.GetFabric(), apiv1.CheckLinked(found.GetFabric())
}

func placeOf(r *netboxv1.Receipt) []string {
	return []string{r.GetKind(), r.GetNamespace(), r.GetName()}
}
