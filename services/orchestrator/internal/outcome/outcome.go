// Package outcome shows what a sync did at length, in pages: the lists of its plan, and the diff of a dry run.
package outcome

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
	"fgdsync.dev/services/orchestrator/internal/recovery"
)

// How much a page has when the request does not say.
const (
	defaultActions = 200
	defaultLines   = 5000
)

// numbered is an item of a list at its place, by which pages are cut.
type numbered[T any] struct {
	item T
	key  string
}

func cut[T any](list []T, limit int32, token string, of ...any) (page []T, next string, err error) {
	query, err := paging.New(limit, token, of...)
	if err != nil {
		return nil, "", err
	}
	all := make([]numbered[T], len(list))
	for i, item := range list {
		all[i] = numbered[T]{item, fmt.Sprintf("%010d", i)}
	}
	some, next := paging.Cut(query, all, func(n numbered[T]) string { return n.key })
	for _, n := range some {
		page = append(page, n.item)
	}
	return page, next, nil
}

// Plan returns a page of what a sync did to resources and files, or would do.
func Plan(
	ctx context.Context, store *recovery.Reader, req *syncv1.GetSyncPlanRequest,
) (*syncv1.GetSyncPlanResponse, error) {
	record, err := store.Get(ctx, req.GetSyncId())
	if err != nil {
		return nil, err
	}
	plan := record.GetResult().GetPlan()
	actions, next, err := cut(plan.GetActions(), cmp.Or(req.GetLimit(), defaultActions), req.GetPageToken(), "plan",
		req.GetSyncId())
	if err != nil {
		return nil, err
	}
	shown := &syncv1.Plan{Counts: plan.GetCounts(), Actions: actions}
	if req.GetPageToken() == "" {
		shown.Orphans = plan.GetOrphans()
	}
	return &syncv1.GetSyncPlanResponse{Plan: shown, Total: int32(len(plan.GetActions())), NextPageToken: next}, nil
}

// Diff returns a page of the lines that a dry run would change.
func Diff(
	ctx context.Context, store *recovery.Reader, req *syncv1.GetSyncDiffRequest,
) (*syncv1.GetSyncDiffResponse, error) {
	record, err := store.Get(ctx, req.GetSyncId())
	if err != nil {
		return nil, err
	}
	lines := slices.Collect(strings.Lines(record.GetResult().GetDiff()))
	page, next, err := cut(lines, cmp.Or(req.GetLimit(), defaultLines), req.GetPageToken(), "diff", req.GetSyncId())
	if err != nil {
		return nil, err
	}
	out := &syncv1.GetSyncDiffResponse{Diff: strings.Join(page, ""), Total: int32(len(lines)), NextPageToken: next}
	if req.GetPageToken() == "" {
		out.SameMeaning = record.GetResult().GetSameMeaning()
	}
	return out, nil
}
