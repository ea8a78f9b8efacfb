package grpcapi

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// ListAllSyncs lists the syncs of all fabrics, or of some.
func (s *Syncs) ListAllSyncs(
	ctx context.Context, req *syncv1.ListAllSyncsRequest,
) (*syncv1.ListAllSyncsResponse, error) {
	paged, err := paging.New(req.GetLimit(), req.GetPageToken(), "all syncs", req.GetActive(), req.GetState(),
		req.GetTrigger(), req.GetStartDate().String(), req.GetEndDate().String())
	if err != nil {
		return nil, err
	}
	after, err := positionFromToken(paged.Last())
	if err != nil {
		return nil, err
	}
	if err := s.store.EnsureComplete(ctx); err != nil {
		return nil, err
	}
	page, err := s.store.AllSyncs(ctx, state.AllQuery{
		Query: state.Query{
			From: timeOf(req.GetStartDate()), To: timeOf(req.GetEndDate()), State: req.GetState(), Trigger: req.GetTrigger(),
			Limit: int(cmp.Or(req.GetLimit(), defaultLimit)),
		},
		Active: req.GetActive(), Fabrics: some(req), After: after,
	})
	if err != nil {
		return nil, err
	}
	out := &syncv1.ListAllSyncsResponse{Syncs: page.Syncs}
	if page.Total != nil {
		out.Total = proto.Int32(int32(*page.Total))
	}
	if page.Next != nil {
		out.NextPageToken = paged.Next(fmt.Sprintf("%d %s", page.Next.At, page.Next.ID))
	}
	out.FabricNames, err = s.store.FabricNames(ctx, page.Syncs)
	return out, err
}

// some returns the fabrics that a request is for; nil for all.
func some(req *syncv1.ListAllSyncsRequest) map[int32]bool {
	if !req.GetOnlySome() {
		return nil
	}
	out := map[int32]bool{}
	for _, id := range req.GetFabricIds() {
		out[id] = true
	}
	return out
}

// positionFromToken returns the place that a page token stands for; the beginning when there is none.
func positionFromToken(key string) (state.Position, error) {
	if key == "" {
		return state.Position{}, nil
	}
	at, id, _ := strings.Cut(key, " ")
	ms, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return state.Position{}, errs.Field("page_token", "page_token is none that this list has given.").
			WithRemedy("Give next_page_token of the answer before, with all else the same, or none to begin anew.")
	}
	return state.Position{At: ms, ID: id}, nil
}
