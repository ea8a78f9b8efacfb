// Package fabricview shows fabrics to callers, with what other services and NetBox know of them.
package fabricview

import (
	"context"
	"time"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// readableTimeout is how long an answer waits for github-sync to say whether it can read credentials.
const readableTimeout = time.Second

// View knows what there is to show.
type View struct {
	Fabrics      fabricv1.FabricServiceClient
	Repositories gitv1.RepositoryServiceClient
	// OpenConflicts returns how many conflicts of fabrics are open.
	OpenConflicts func(ctx context.Context, fabricIDs []int32) (map[int32]int32, error)
}

// Some returns how fabrics are now, of those that are there.
func (v *View) Some(ctx context.Context, ids []int32) ([]*bridgev1.Fabric, error) {
	found, err := v.Fabrics.ListFabrics(ctx, &fabricv1.ListFabricsRequest{
		OnlySome: true, FabricIds: ids, WithStatus: true, Limit: int32(len(ids)) + 1,
	})
	if err != nil {
		return nil, err
	}
	return v.Show(ctx, found.GetFabrics()...), nil
}

// Show shows fabrics, how many of their conflicts are open, and of their credentials whether github-sync can read them.
func (v *View) Show(ctx context.Context, fabrics ...*fabricv1.Fabric) []*bridgev1.Fabric {
	shown := make([]*bridgev1.Fabric, len(fabrics))
	for i, f := range fabrics {
		shown[i] = apiv1.FabricToAPI(f)
	}
	v.addReadable(ctx, fabrics, shown)
	v.addConflicts(ctx, shown)
	return shown
}

// addConflicts adds how many conflicts are open. Where that can't be read it is left out: a fabric can be seen without
// it.
func (v *View) addConflicts(ctx context.Context, shown []*bridgev1.Fabric) {
	var linked []int32
	for _, f := range shown {
		if f.GetNetbox() != nil {
			linked = append(linked, f.GetFabricId())
		}
	}
	if len(linked) == 0 {
		return
	}
	open, err := v.OpenConflicts(ctx, linked)
	if err != nil {
		return
	}
	for _, f := range shown {
		if count, known := open[f.GetFabricId()]; known {
			f.OpenConflicts = &count
		}
	}
}

// addReadable adds whether github-sync can read credentials. When it does not say so in time, that is left out: a
// fabric can be seen without github-sync.
func (v *View) addReadable(ctx context.Context, fabrics []*fabricv1.Fabric, shown []*bridgev1.Fabric) {
	ask := &gitv1.CheckCredentialsRequest{}
	var with []*bridgev1.Fabric
	for i, f := range fabrics {
		if shown[i].GetCredentialsConfigured() {
			with, ask.Locations = append(with, shown[i]), append(ask.Locations, apiv1.LocationOfFabric(f))
		}
	}
	if len(with) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readableTimeout)
	defer cancel()
	checked, err := v.Repositories.CheckCredentials(ctx, ask)
	if err != nil || len(checked.GetReadable()) != len(with) {
		return
	}
	for i, readable := range checked.GetReadable() {
		with[i].CredentialsReadable = &readable
	}
}
