// Package resourcehistory finds out how a resource came to what it is: which commits changed what its file says, where
// the file was before, and which of these commits a sync made. It changes nothing.
package resourcehistory

import (
	"cmp"
	"context"
	"encoding/json"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/snapshots"
)

// Bounds of the work for one page.
const (
	defaultChanges = 20
	mostCommits    = 200    // that are looked at
	mostMoves      = 20     // of the file that are followed
	mostSources    = 100    // files that are read to find where it was before
	mostChanges    = 20_000 // files of a commit that are looked at for these
	sourcesAtOnce  = 10     // of these files, the contents of so many are held

	// pageBytes bounds a page beside its number of changes, for each may have two resources whole. The last one may go
	// over it.
	pageBytes = 1 << 20
)

// Deps is what answers are made of.
type Deps struct {
	Store     *recovery.Reader
	Snapshots snapshots.Opener
	History   gitv1.HistoryServiceClient
	Ingestion ingestionv1.IngestionServiceClient
}

// History answers how resources came to what they are.
type History struct{ deps Deps }

// New returns the room.
func New(deps Deps) *History { return &History{deps} }

// List sends a page of the changes of a resource, newest first.
func (h *History) List(
	ctx context.Context, req *fabricv1.ListResourceChangesRequest,
	send func(*fabricv1.ListResourceChangesResponse) error,
) error {
	key := req.GetResource()
	query, err := paging.New(0, req.GetPageToken(), "changes of a resource", req.GetFabricId(), key.GetKind(),
		key.GetNamespace(), key.GetName())
	if err != nil {
		return err
	}
	var at place
	if last := query.Last(); last != "" {
		if err := json.Unmarshal([]byte(last), &at); err != nil {
			return errs.Field("page_token", "page_token is none that this list has given.").WithCause(err)
		}
	}
	return h.deps.Snapshots.At(ctx, req.GetFabricId(), &gitv1.OpenSnapshotRequest{}, func(
		ctx context.Context, fabric *fabricv1.Fabric, snapshot *gitv1.Snapshot,
	) error {
		w := &walk{
			Deps: h.deps, fabric: fabric, snapshot: snapshot, key: key, at: at, send: send,
			wanted: int(cmp.Or(req.GetLimit(), defaultChanges)), commits: mostCommits, moves: mostMoves,
		}
		if req.GetPageToken() == "" {
			if err := w.begin(ctx); err != nil {
				return err
			}
		}
		if err := w.page(ctx); err != nil {
			return err
		}
		if w.sent == 0 && w.done && !w.cut && req.GetPageToken() == "" {
			return errs.New(errs.ResourceNotFound, "No commit of the branch has %s %s/%s.", key.GetKind(), key.GetNamespace(),
				key.GetName())
		}
		end := &fabricv1.ListResourceChangesResponse{Truncated: w.cut}
		if !w.done {
			next, err := json.Marshal(w.at)
			if err != nil {
				return err
			}
			end.NextPageToken = query.Next(string(next))
		}
		return send(end)
	})
}
