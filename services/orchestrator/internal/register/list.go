package register

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/fabricstatus"
	"fgdsync.dev/services/orchestrator/internal/paging"
)

// List returns a page of the fabrics that match, and how many of those are in each state. A page token holds the place
// of the last one in the order: one that stays where it is is shown once, whatever else comes, goes or moves.
func (r *Register) List(ctx context.Context, req *fabricv1.ListFabricsRequest) (*fabricv1.ListFabricsResponse, error) {
	query, err := paging.New(req.GetLimit(), req.GetPageToken(), "fabrics", req.GetSearch(), req.GetRepository(),
		req.GetState(), req.GetOrder(), req.GetDescending())
	if err != nil {
		return nil, err
	}
	all, err := r.deps.Store.Fabrics(ctx)
	if err != nil {
		return nil, err
	}
	found, out := matching(all, req), &fabricv1.ListFabricsResponse{}
	if req.GetWithStatus() {
		if err := r.addStatuses(ctx, found); err != nil {
			return nil, err
		}
		out.Counts = count(found)
	}
	found = inState(found, req.GetState())
	page, next := cut(query, found, req)
	out.Fabrics, out.Total, out.NextPageToken = page, int32(len(found)), next
	return out, r.addPullRequests(ctx, page)
}

// addStatuses says of fabrics how they are.
func (r *Register) addStatuses(ctx context.Context, fabrics []*fabricv1.Fabric) error {
	standings, err := r.deps.Store.FabricStandings(ctx, fabrics)
	if err != nil {
		return err
	}
	now := r.deps.Now()
	for i, fabric := range fabrics {
		fabric.Status = fabricstatus.Of(fabric, standings[i], now)
	}
	return nil
}

// matching returns the fabrics that a request is for, whatever their states.
func matching(all []*fabricv1.Fabric, req *fabricv1.ListFabricsRequest) []*fabricv1.Fabric {
	some, search := map[int32]bool{}, strings.ToLower(req.GetSearch())
	for _, id := range req.GetFabricIds() {
		some[id] = true
	}
	return slices.DeleteFunc(all, func(f *fabricv1.Fabric) bool {
		return req.GetOnlySome() && !some[f.GetFabricId()] || !isOf(f, req.GetRepository()) || !contains(f, search)
	})
}

// isOf reports whether a fabric is of a repository; an empty one stands for all.
func isOf(f *fabricv1.Fabric, repository string) bool {
	return repository == "" || repository == f.GetLocation().GetRepositoryUrl() || repository == f.GetRepositoryKey()
}

// contains reports whether a text in lower case is part of the name or the repository of a fabric.
func contains(f *fabricv1.Fabric, lower string) bool {
	return lower == "" || strings.Contains(strings.ToLower(f.GetName()), lower) ||
		strings.Contains(strings.ToLower(f.GetLocation().GetRepositoryUrl()), lower)
}

func inState(fabrics []*fabricv1.Fabric, state fabricv1.FabricState) []*fabricv1.Fabric {
	if state == fabricv1.FabricState_FABRIC_STATE_UNSPECIFIED {
		return fabrics
	}
	return slices.DeleteFunc(fabrics, func(f *fabricv1.Fabric) bool { return f.GetStatus().GetState() != state })
}

func count(fabrics []*fabricv1.Fabric) *fabricv1.FabricCounts {
	in := map[fabricv1.FabricState]int32{}
	for _, f := range fabrics {
		in[f.GetStatus().GetState()]++
	}
	return &fabricv1.FabricCounts{
		Failing: in[fabricv1.FabricState_FABRIC_STATE_FAILING], Overdue: in[fabricv1.FabricState_FABRIC_STATE_OVERDUE],
		Degraded: in[fabricv1.FabricState_FABRIC_STATE_DEGRADED], Ok: in[fabricv1.FabricState_FABRIC_STATE_OK],
		Suspended: in[fabricv1.FabricState_FABRIC_STATE_SUSPENDED],
		Running:   in[fabricv1.FabricState_FABRIC_STATE_RUNNING],
	}
}

// keyed is a fabric and what it is ordered by.
type keyed struct {
	key    string
	fabric *fabricv1.Fabric
}

// cut puts fabrics into the order of a request, and returns the page of it.
func cut(
	query paging.Query, fabrics []*fabricv1.Fabric, req *fabricv1.ListFabricsRequest,
) (page []*fabricv1.Fabric, next string) {
	list := make([]keyed, len(fabrics))
	for i, f := range fabrics {
		list[i] = keyed{key(f, req.GetOrder()), f}
	}
	sign := 1
	if req.GetDescending() {
		sign, query = -1, query.Descending()
	}
	slices.SortFunc(list, func(a, b keyed) int { return sign * cmp.Compare(a.key, b.key) })
	list, next = paging.Cut(query, list, func(k keyed) string { return k.key })
	page = make([]*fabricv1.Fabric, len(list))
	for i, k := range list {
		page[i] = k.fabric
	}
	return page, next
}

// key returns what a fabric is ordered by, and its number. No two have the same.
func key(f *fabricv1.Fabric, order fabricv1.FabricOrder) string {
	by := ""
	switch order {
	case fabricv1.FabricOrder_FABRIC_ORDER_NAME:
		by = strings.ToLower(f.GetName())
	case fabricv1.FabricOrder_FABRIC_ORDER_STATE:
		by = fmt.Sprintf("%02d", f.GetStatus().GetState())
	case fabricv1.FabricOrder_FABRIC_ORDER_LAST_SUCCESS:
		by = fmt.Sprintf("%020d", max(0, f.GetStatus().GetPublished().GetCompletedAt().AsTime().UnixMicro()))
	case fabricv1.FabricOrder_FABRIC_ORDER_UNSPECIFIED, fabricv1.FabricOrder_FABRIC_ORDER_FABRIC_ID:
	}
	return fmt.Sprintf("%s\x00%010d", by, f.GetFabricId())
}
