package local

import (
	"context"
	"path"
	"strings"

	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Sync runs a sync to its end, shows its progress, and returns how it ended.
func (s *Session) Sync(ctx context.Context, options *syncv1.SyncOptions, show func(*bridgev1.SyncEventData),
) (*bridgev1.SyncStatus, error) {
	syncID, err := s.start(ctx, options)
	if err != nil {
		return nil, err
	}
	syncs := bridgev1.NewSyncServiceClient(s.public())
	err = rpc.Collect(ctx, syncs.StreamSyncEvents, &bridgev1.StreamSyncEventsRequest{SyncId: syncID},
		func(event *bridgev1.StreamSyncEventsResponse) error {
			show(event.GetData())
			return nil
		})
	if err != nil {
		return nil, err
	}
	response, err := syncs.GetSyncStatus(ctx, &bridgev1.GetSyncStatusRequest{SyncId: syncID})
	return response.GetStatus(), err
}

// start registers the directory and starts its first sync, or, where a shared Redis knows the directory already,
// starts another.
func (s *Session) start(ctx context.Context, options *syncv1.SyncOptions) (string, error) {
	location, key, err := s.locate(ctx)
	if err != nil {
		return "", err
	}
	fabrics := fabricv1.NewFabricServiceClient(s.internal())
	known, err := registered(ctx, fabrics, location, key)
	if err != nil {
		return "", err
	}
	if err := s.signIn(ctx, location, known.GetFabricId()); err != nil {
		return "", err
	}
	if known != nil {
		return s.startKnown(ctx, fabrics, known, location, options)
	}
	created, err := fabrics.CreateFabric(ctx, &fabricv1.CreateFabricRequest{
		Fabric:    &fabricv1.Fabric{Name: s.fabricName(location.GetDirectory()), Location: location},
		FirstSync: options,
	})
	return created.GetSyncId(), err
}

// registered returns the fabric that has the directory, or nil.
func registered(ctx context.Context, fabrics fabricv1.FabricServiceClient, location *gitv1.Location, key string,
) (*fabricv1.Fabric, error) {
	list, err := fabrics.ListFabrics(ctx, &fabricv1.ListFabricsRequest{})
	if err != nil {
		return nil, err
	}
	for _, f := range list.GetFabrics() {
		at := f.GetLocation()
		if f.GetRepositoryKey() == key && at.GetBranch() == location.GetBranch() &&
			at.GetDirectory() == location.GetDirectory() {
			return f, nil
		}
	}
	return nil, nil
}

// startKnown gives a fabric that is registered already the credentials of this command: its own are sealed by another
// process's key and can't be opened here.
func (s *Session) startKnown(ctx context.Context, fabrics fabricv1.FabricServiceClient, known *fabricv1.Fabric,
	location *gitv1.Location, options *syncv1.SyncOptions,
) (string, error) {
	known.Location = location
	if _, err := fabrics.UpdateFabric(ctx, &fabricv1.UpdateFabricRequest{Fabric: known}); err != nil {
		return "", err
	}
	started, err := syncv1.NewSyncServiceClient(s.internal()).StartSync(ctx, &syncv1.StartSyncRequest{
		FabricId: known.GetFabricId(), Trigger: syncv1.Trigger_TRIGGER_MANUAL, Options: options,
	})
	return started.GetSyncId(), err
}

func (s *Session) fabricName(directory string) string {
	if s.target.Name != "" {
		return s.target.Name
	}
	if directory != "" {
		return path.Base(directory)
	}
	return strings.TrimSuffix(path.Base(strings.TrimRight(s.target.Repo, "/")), ".git")
}
