package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/libs/errs"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Start starts a sync, which restores what was there at a time where one is given, and returns its id.
func (s *Session) Start(ctx context.Context, options *syncv1.SyncOptions, asOf time.Time) (string, error) {
	if options.GetRestoreCommit() == "" && asOf.IsZero() {
		return s.start(ctx, options)
	}
	var err error
	if options.RestoreCommit, err = s.commitAt(ctx, options, asOf); err != nil {
		return "", exit.MisuseIfInvalid(err)
	}
	id, err := s.start(ctx, options)
	return id, exit.MisuseIfInvalid(err)
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
	if known != nil {
		if err := errors.Join(s.means(known), s.signIn(ctx, location, known.GetFabricId())); err != nil {
			return "", err
		}
		return s.startKnown(ctx, fabrics, known, location, options)
	}
	fabric, err := s.newFabric(ctx, options)
	if err != nil {
		return "", err
	}
	created, err := fabrics.CreateFabric(ctx, &fabricv1.CreateFabricRequest{
		Fabric: fabric, FirstSync: options, FirstTrigger: syncv1.Trigger_TRIGGER_MANUAL,
	})
	return created.GetSyncId(), exit.MisuseIfInvalid(err)
}

// means refuses a fabric that is registered already and is not the one that the command was told of.
func (s *Session) means(known *fabricv1.Fabric) error {
	id, name := known.GetFabricId(), known.GetName()
	if cmp.Or(s.target.FabricID, id) == id && cmp.Or(s.target.Name, name) == name {
		return nil
	}
	return exit.Misuse(errs.New(errs.FabricExists, "The directory is registered as fabric %d, %q.", id, name).
		WithRemedy("Leave --fabric-id and --name away, or change the fabric where it is registered."))
}

// newFabric returns the fabric that the manifest in the directory names, so that it stays whose it is, or another one
// that the command was told of.
func (s *Session) newFabric(ctx context.Context, options *syncv1.SyncOptions) (*fabricv1.Fabric, error) {
	fabric := &fabricv1.Fabric{Options: &fabricv1.Options{
		AllowRepositoryRoot: s.target.AllowRoot, AutoInitialize: &s.target.Init,
	}}
	open := &gitv1.OpenSnapshotRequest{}
	err := s.atSnapshot(ctx, open, func(snapshot *gitv1.Snapshot) error {
		if err := s.mayMake(open, snapshot, options); err != nil {
			return err
		}
		owner, err := s.owner(ctx, snapshot)
		fabric.FabricId = cmp.Or(s.target.FabricID, owner.GetFabricId())
		fabric.Name = cmp.Or(s.target.Name, owner.GetName(), s.fabricName(open.GetLocation().GetDirectory()))
		return err
	})
	if err != nil {
		return nil, err
	}
	fabric.Location = open.GetLocation()
	return fabric, s.signIn(ctx, fabric.GetLocation(), fabric.GetFabricId())
}

// mayMake refuses a directory that is not there, unless the command makes it, and says then that it does.
func (s *Session) mayMake(open *gitv1.OpenSnapshotRequest, snapshot *gitv1.Snapshot, options *syncv1.SyncOptions,
) error {
	err := present(open, snapshot)
	switch {
	case err == nil, options.GetRestoreCommit() != "": // what is brought back may be the directory itself
		return nil
	case !s.target.Init:
		return err
	}
	_, err = fmt.Fprintf(s.env.Log, "fgd: %s --init makes it.\n", errs.From(err).Message)
	return err
}

// makeDirectory is what to do when there is no directory.
const makeDirectory = "Check --dir; fgd sync makes a new directory with --init."

// present refuses a directory that is not there.
func present(open *gitv1.OpenSnapshotRequest, snapshot *gitv1.Snapshot) error {
	if snapshot.GetDirectoryExists() {
		return nil
	}
	at := open.GetLocation()
	return errs.New(errs.DirectoryNotFound, "There is no such directory: %q on the branch %s.",
		at.GetDirectory(), at.GetBranch()).
		WithRemedy(makeDirectory)
}

// owner returns whom the manifest in the directory names; nil when it names nobody.
func (s *Session) owner(ctx context.Context, snapshot *gitv1.Snapshot) (*directoryv1.FabricIdentity, error) {
	anybody := &directoryv1.FabricIdentity{FabricId: 1, Name: "fabric"}
	checked, err := directoryv1.NewDirectoryServiceClient(s.internal()).
		ValidateDirectory(ctx, &directoryv1.ValidateDirectoryRequest{
			SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree(), Fabric: anybody,
			Surroundings: snapshot.GetSurroundings(),
		})
	return checked.GetReport().GetOwner(), err
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
	if directory != "" {
		return path.Base(directory)
	}
	return strings.TrimSuffix(path.Base(strings.TrimRight(s.target.Repo, "/")), ".git")
}
