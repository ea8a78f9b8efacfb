package cli

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

type syncOptions struct {
	target
	dryRun, force, retry bool

	retryPaths, releasePaths []string

	restoreCommit string
	restorePaths  []string
}

func newSync(env Environment) *cobra.Command {
	o := syncOptions{}
	cmd := &cobra.Command{
		Use: "sync --repo URL|PATH --branch B --dir D", Short: "Sync one fabric directory once",
		Long: `Runs one sync of one directory through the same five services as fgd up, in this process.

Credentials come from ` + envToken + `, or ` + envUsername + ` and ` + envPassword + `,
or from --credentials-file; a URL with credentials in it is refused.

Exit codes: 0 done (also when nothing changed), 1 failed, 2 called wrongly, 3 done but something was quarantined.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.inSuite(cmd.Context(), env, func(ctx context.Context, in *session) error { return in.sync(ctx, o) })
		},
	}
	o.addFlags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&o.dryRun, "dry-run", false, "print the diff and commit nothing")
	flags.BoolVar(&o.retry, "retry-quarantined", false, "judge the files in unmanaged/ again")
	flags.BoolVar(&o.force, "force", false, "go on although many resources would be removed (FGD_3005)")
	return cmd
}

// sync runs a sync to its end and reports it.
func (s *session) sync(ctx context.Context, o syncOptions) error {
	status, err := s.toEnd(ctx, &syncv1.SyncOptions{
		ValidateOnly: o.dryRun, Force: o.force, RetryQuarantined: o.retry, RetryPaths: o.retryPaths,
		ReleasePaths:  o.releasePaths,
		RestoreCommit: o.restoreCommit, RestorePaths: o.restorePaths,
	})
	if err != nil {
		return err
	}
	err = s.report(status, o.dryRun)
	if named := len(o.retryPaths) + len(o.releasePaths); err == nil && named > 0 && len(status.GetErrors()) > 0 {
		return outcome(ExitFindings) // not all that was named could be done
	}
	return err
}

// toEnd runs a sync and gives how it ended.
func (s *session) toEnd(ctx context.Context, options *syncv1.SyncOptions) (*bridgev1.SyncStatus, error) {
	syncID, err := s.start(ctx, options)
	if err != nil {
		return nil, err
	}
	api := bridgev1.NewBridgeServiceClient(s.s.Conn())
	if err := s.follow(ctx, api, syncID); err != nil {
		return nil, err
	}
	response, err := api.GetSyncStatus(ctx, &bridgev1.GetSyncStatusRequest{SyncId: syncID})
	return response.GetStatus(), err
}

// start registers the directory and starts its first sync, or, where a shared Redis knows the directory already,
// starts another.
func (s *session) start(ctx context.Context, options *syncv1.SyncOptions) (string, error) {
	location, key, err := s.location(ctx)
	if err != nil {
		return "", err
	}
	fabrics := fabricv1.NewFabricServiceClient(s.s.Conn())
	known, err := s.registered(ctx, fabrics, location, key)
	if err != nil {
		return "", err
	}
	if known != nil {
		return s.startKnown(ctx, fabrics, known, location, options)
	}
	created, err := fabrics.CreateFabric(ctx, &fabricv1.CreateFabricRequest{
		Fabric:      &fabricv1.Fabric{Name: s.fabricName(location.GetDirectory()), Location: location},
		RequestedBy: requestedBy(s.env), FirstSync: options,
	})
	return created.GetSyncId(), err
}

func (s *session) registered(ctx context.Context, fabrics fabricv1.FabricServiceClient, location *gitv1.Location,
	key string,
) (*fabricv1.Fabric, error) {
	list, err := fabrics.ListFabrics(ctx, &fabricv1.ListFabricsRequest{})
	if err != nil {
		return nil, err
	}
	for _, f := range list.GetFabrics() {
		if f.GetRepositoryKey() == key && f.GetLocation().GetBranch() == location.GetBranch() && f.GetLocation().
			GetDirectory() == location.GetDirectory() {
			return f, nil
		}
	}
	return nil, nil
}

// startKnown returns a fabric that is registered already the credentials of this call: sealed by another process's key,
// its own can't be opened here.
func (s *session) startKnown(ctx context.Context, fabrics fabricv1.FabricServiceClient, known *fabricv1.Fabric,
	location *gitv1.Location, options *syncv1.SyncOptions,
) (string, error) {
	known.Location = location
	if _, err := fabrics.UpdateFabric(ctx, &fabricv1.UpdateFabricRequest{
		Fabric:      known,
		RequestedBy: requestedBy(s.env),
	}); err != nil {
		return "", err
	}
	started, err := syncv1.NewSyncServiceClient(s.s.Conn()).StartSync(ctx, &syncv1.StartSyncRequest{
		FabricId: known.GetFabricId(), Trigger: syncv1.Trigger_TRIGGER_MANUAL, Options: options,
		RequestedBy: requestedBy(s.env),
	})
	return started.GetSyncId(), err
}

func (s *session) fabricName(directory string) string {
	if s.t.name != "" {
		return s.t.name
	}
	if directory != "" {
		return path.Base(directory)
	}
	return strings.TrimSuffix(path.Base(strings.TrimRight(s.t.repo, "/")), ".git")
}

func (s *session) follow(ctx context.Context, api bridgev1.BridgeServiceClient, syncID string) error {
	stream, err := api.StreamSyncEvents(ctx, &bridgev1.StreamSyncEventsRequest{SyncId: syncID})
	if err != nil {
		return err
	}
	bar := newBar(s.env, s.t.json)
	defer bar.close()
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		bar.show(event.GetData())
	}
}

func requestedBy(env Environment) string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		for _, entry := range env.Environ {
			if key, value, _ := strings.Cut(entry, "="); key == name && value != "" {
				return value
			}
		}
	}
	return "fgd"
}

// asUsage marks what is wrong with the call itself.
func asUsage(err error) error {
	if errs.KindOf(err) == errs.Invalid || errs.HasCode(err, errs.RemoteRefused) {
		return usage{err}
	}
	return err
}
