// Package top is a live picture of a running system: what is synced, what waits, how fabrics are, and which components
// are not healthy. It asks the API as any caller does, with the rights of who looks.
package top

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/cmd/fgd/internal/render"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// mostSyncs is how many syncs of those that run or wait are looked at; the rest is a number.
const mostSyncs = 2000

// Picture is how a system is at a moment.
type Picture struct {
	Server  string // its address
	At      time.Time
	Health  *bridgev1.GetHealthResponse
	Fabrics int32 // that the caller may see
	Counts  *bridgev1.FabricCounts
	Running []*bridgev1.SyncStatus // the longest first
	Waiting []*bridgev1.SyncStatus // the longest first; for a worker, or for another attempt
	Active  int32                  // how many run or wait, also of those that are not in the lists
}

// Look asks the system at an address how it is.
func Look(ctx context.Context, server string, conn grpc.ClientConnInterface) (*Picture, error) {
	health, err := bridgev1.NewHealthServiceClient(conn).GetHealth(ctx, &bridgev1.GetHealthRequest{})
	if err != nil {
		return nil, err
	}
	fabrics, err := bridgev1.NewFabricServiceClient(conn).ListFabrics(ctx, &bridgev1.ListFabricsRequest{Limit: 1})
	if err != nil {
		return nil, err
	}
	p := &Picture{Server: server, At: time.Now(), Health: health, Fabrics: fabrics.GetTotal(), Counts: fabrics.GetCounts()}
	return p, p.addSyncs(ctx, bridgev1.NewSyncServiceClient(conn))
}

func (p *Picture) addSyncs(ctx context.Context, syncs bridgev1.SyncServiceClient) error {
	const pageSize = 500
	var all []*bridgev1.SyncStatus
	ask := &bridgev1.ListAllSyncsRequest{Active: true, Limit: pageSize}
	for {
		page, err := syncs.ListAllSyncs(ctx, ask)
		if err != nil {
			return err
		}
		all, p.Active = append(all, page.GetSyncs()...), page.GetTotal()
		if ask.PageToken = page.GetNextPageToken(); ask.GetPageToken() == "" || len(all) >= mostSyncs {
			break
		}
	}
	slices.SortFunc(all, func(a, b *bridgev1.SyncStatus) int { return since(a).Compare(since(b)) })
	for _, one := range all {
		if waits(one) {
			p.Waiting = append(p.Waiting, one)
		} else {
			p.Running = append(p.Running, one)
		}
	}
	return nil
}

func waits(s *bridgev1.SyncStatus) bool {
	return s.GetState() == "pending" || s.GetState() == "retrying"
}

// since returns when a sync began to run, or to wait.
func since(s *bridgev1.SyncStatus) time.Time {
	if s.GetStartedAt() != nil && !waits(s) {
		return s.GetStartedAt().AsTime()
	}
	return s.GetAcceptedAt().AsTime()
}

// Document returns the picture for programs, in the words of the API.
func (p *Picture) Document() (map[string]any, error) {
	document := map[string]any{
		"server": p.Server, "total": p.Fabrics, "active": p.Active,
		"at": p.At.UTC().Format(time.RFC3339),
	}
	for name, answer := range map[string]proto.Message{
		"health": p.Health, "fabrics": p.Counts,
		"running": &bridgev1.ListAllSyncsResponse{Syncs: p.Running},
		"waiting": &bridgev1.ListAllSyncsResponse{Syncs: p.Waiting},
	} {
		value, err := render.Plain(answer)
		if err != nil {
			return nil, err
		}
		document[name] = value
	}
	return document, nil
}
