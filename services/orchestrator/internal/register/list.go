package register

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// List returns a page of the fabrics that match, and how many of those are in each state. A page token holds the place
// of the last one in the order: one that stays where it is is shown once, whatever else comes, goes or moves.
func (r *Register) List(ctx context.Context, req *fabricv1.ListFabricsRequest) (*fabricv1.ListFabricsResponse, error) {
	query, err := paging.New(req.GetLimit(), req.GetPageToken(), "fabrics", req.GetSearch(), req.GetRepository(),
		req.GetState(), req.GetOrder(), req.GetDescending())
	if err != nil {
		return nil, err
	}
	found, err := r.find(ctx, req)
	if err != nil {
		return nil, err
	}
	out := &fabricv1.ListFabricsResponse{}
	if req.GetWithStatus() {
		for _, seen := range found {
			r.judge(seen)
		}
		out.Counts = count(found)
	}
	found = inState(found, req.GetState())
	out.Total = int32(len(found))
	found, out.NextPageToken = cut(query, found, req)
	for _, seen := range found {
		out.Fabrics = append(out.Fabrics, announced(seen))
	}
	return out, nil
}

// find returns the fabrics that a request is for, whatever their states. Of all others no more is read than who they
// are, and nothing when the request names some.
func (r *Register) find(ctx context.Context, req *fabricv1.ListFabricsRequest) ([]state.Sight, error) {
	search := strings.ToLower(req.GetSearch())
	another := func(f *fabricv1.Fabric) bool { return !isOf(f, req.GetRepository()) || !contains(f, search) }
	if req.GetOnlySome() {
		ids := slices.Compact(slices.Sorted(slices.Values(req.GetFabricIds())))
		seen, err := r.deps.Store.Sights(ctx, ids)
		return slices.DeleteFunc(seen, func(s state.Sight) bool { return another(s.Fabric) }), err
	}
	all, err := r.deps.Store.Fabrics(ctx)
	if err != nil {
		return nil, err
	}
	return r.deps.Store.Look(ctx, slices.DeleteFunc(all, another))
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

func inState(found []state.Sight, wanted fabricv1.FabricState) []state.Sight {
	if wanted == fabricv1.FabricState_FABRIC_STATE_UNSPECIFIED {
		return found
	}
	return slices.DeleteFunc(found, func(s state.Sight) bool { return s.Fabric.GetStatus().GetState() != wanted })
}

func count(found []state.Sight) *fabricv1.FabricCounts {
	in := map[fabricv1.FabricState]int32{}
	for _, s := range found {
		in[s.Fabric.GetStatus().GetState()]++
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
	key  string
	seen state.Sight
}

// cut puts fabrics into the order of a request, and returns the page of it.
func cut(
	query paging.Query, found []state.Sight, req *fabricv1.ListFabricsRequest,
) (page []state.Sight, next string) {
	list := make([]keyed, len(found))
	for i, s := range found {
		list[i] = keyed{key(s.Fabric, req.GetOrder()), s}
	}
	sign := 1
	if req.GetDescending() {
		sign, query = -1, query.Descending()
	}
	slices.SortFunc(list, func(a, b keyed) int { return sign * cmp.Compare(a.key, b.key) })
	list, next = paging.Cut(query, list, func(k keyed) string { return k.key })
	page = make([]state.Sight, len(list))
	for i, k := range list {
		page[i] = k.seen
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
	id := strconv.Itoa(int(f.GetFabricId()))
	return by + "\x00" + "0000000000"[len(id):] + id
}
