package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

type syncOptions struct {
	configPath, repo, branch, dir, name, crds, redis, credentialsFile string
	dryRun, json, force, retry, allowInsecure                         bool
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
			err := runSync(cmd.Context(), env, o)
			if o.json && errs.HasFace(err) {
				return printJSONError(env, err)
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.configPath, "config", "", "configuration `file`; see fgd.yaml for every key")
	flags.StringVar(&o.repo, "repo", "", "`URL` of the repository, or its path on this machine (required)")
	flags.StringVar(&o.branch, "branch", "main", "`branch`")
	flags.StringVar(&o.dir, "dir", "", "fabric `directory` in the repository; the root when absent")
	flags.StringVar(&o.name, "name", "", "`name` of the fabric; the last part of the directory when absent")
	flags.StringVar(&o.crds, "crds", "", "`folder` of CustomResourceDefinitions that replace the built-in ones")
	flags.StringVar(&o.redis, "redis", "", "`URL` of a Redis shared with other runs; without it one in memory")
	flags.StringVar(&o.credentialsFile, "credentials-file", "", "YAML `file` with token, or username and password")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print the diff and commit nothing")
	flags.BoolVar(&o.retry, "retry-quarantined", false, "judge the files in unmanaged/ again")
	flags.BoolVar(&o.force, "force", false, "go on although many resources would be removed (FGD_3005)")
	flags.BoolVar(&o.json, "json", false, "print one JSON document")
	flags.BoolVar(&o.allowInsecure, "allow-insecure-remotes", false, "permit http and loopback or private addresses")
	_ = cmd.MarkFlagRequired("repo")
	return cmd
}

func runSync(ctx context.Context, env Environment, o syncOptions) (err error) {
	secrets, err := readCredentials(env.Environ, o.credentialsFile)
	if err != nil {
		return err
	}
	url, localPath, err := repositoryURL(o.repo)
	if err != nil {
		return err
	}
	source, err := loadSource(env, o.configPath)
	if err != nil {
		return err
	}
	cfg, err := suite.Load(source)
	if err != nil {
		return usage{err}
	}
	p := process{LogLevel: "error", LogFormat: "text"}
	tel, err := newTelemetry(ctx, env, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, flush(ctx, tel)) }()
	scratch, err := os.MkdirTemp("", "fgd-sync-")
	if err != nil {
		return errs.New(errs.Precondition, errs.StorageFailed, "A temporary folder can't be made.").Because(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	cfg.GithubSync.DataDir = scratch
	cfg.GithubSync.AllowInsecureRemotes = cfg.GithubSync.AllowInsecureRemotes || o.allowInsecure
	if localPath != "" {
		cfg.GithubSync.AllowedLocalPaths = append(cfg.GithubSync.AllowedLocalPaths, localPath)
	}
	if o.crds != "" {
		cfg.Ingestion.CRDDir = o.crds
	}
	redis, err := openFor(ctx, o.redis)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.close()) }()
	s, err := suite.New(cfg, redis.Conn, fmt.Sprintf("%s-%d", instance(), os.Getpid()), tel)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	var verdict error
	err = runWith(running, s, func(ctx context.Context) error {
		verdict = (&session{env: env, o: o, s: s}).sync(ctx, url, secrets)
		stop()
		return nil
	})
	return errors.Join(verdict, err)
}

func openFor(ctx context.Context, url string) (*backend, error) {
	if url != "" {
		return openGiven(ctx, url)
	}
	return openInMemory()
}

// session is one sync through a running suite.
type session struct {
	env Environment
	o   syncOptions
	s   *suite.Suite
}

func (s *session) sync(ctx context.Context, url string, secrets credentials) error {
	syncID, err := s.start(ctx, url, secrets)
	if err != nil {
		return err
	}
	api := bridgev1.NewBridgeServiceClient(s.s.Conn())
	if err := s.follow(ctx, api, syncID); err != nil {
		return err
	}
	response, err := api.GetSyncStatus(ctx, &bridgev1.GetSyncStatusRequest{SyncId: syncID})
	if err != nil {
		return err
	}
	return s.report(response.GetStatus())
}

// start registers the directory and starts its first sync, or, where a shared Redis knows the directory already,
// starts another.
func (s *session) start(ctx context.Context, url string, secrets credentials) (string, error) {
	git := gitv1.NewRepositoryServiceClient(s.s.Conn())
	location := &gitv1.Location{RepositoryUrl: url, Branch: s.o.branch, Directory: s.o.dir}
	checked, err := git.CheckLocation(ctx, &gitv1.CheckLocationRequest{Location: location})
	if err != nil {
		return "", asUsage(err)
	}
	location.Directory = checked.GetDirectory()
	if !secrets.none() {
		sealed, err := git.SealCredentials(ctx, &gitv1.SealCredentialsRequest{Credentials: secrets.plain()})
		if err != nil {
			return "", err
		}
		location.Credentials = sealed.GetCredentials()
	}
	options := &syncv1.SyncOptions{ValidateOnly: s.o.dryRun, Force: s.o.force, RetryQuarantined: s.o.retry}
	fabrics := fabricv1.NewFabricServiceClient(s.s.Conn())
	known, err := s.registered(ctx, fabrics, location, checked.GetRepositoryKey())
	if err != nil {
		return "", err
	}
	if known != nil {
		return s.startKnown(ctx, fabrics, known, location, options)
	}
	created, err := fabrics.CreateFabric(ctx, &fabricv1.CreateFabricRequest{
		Fabric: &fabricv1.Fabric{Name: s.fabricName(location.GetDirectory()), Location: location}, RequestedBy: requestedBy(s.env), FirstSync: options,
	})
	return created.GetSyncId(), err
}

func (s *session) registered(ctx context.Context, fabrics fabricv1.FabricServiceClient, location *gitv1.Location, key string) (*fabricv1.Fabric, error) {
	list, err := fabrics.ListFabrics(ctx, &fabricv1.ListFabricsRequest{})
	if err != nil {
		return nil, err
	}
	for _, f := range list.GetFabrics() {
		if f.GetRepositoryKey() == key && f.GetLocation().GetBranch() == location.GetBranch() && f.GetLocation().GetDirectory() == location.GetDirectory() {
			return f, nil
		}
	}
	return nil, nil
}

// startKnown gives a fabric that is registered already the credentials of this call: sealed by another process's key,
// its own can't be opened here.
func (s *session) startKnown(ctx context.Context, fabrics fabricv1.FabricServiceClient, known *fabricv1.Fabric,
	location *gitv1.Location, options *syncv1.SyncOptions,
) (string, error) {
	known.Location = location
	if _, err := fabrics.UpdateFabric(ctx, &fabricv1.UpdateFabricRequest{Fabric: known, RequestedBy: requestedBy(s.env)}); err != nil {
		return "", err
	}
	started, err := syncv1.NewSyncServiceClient(s.s.Conn()).StartSync(ctx, &syncv1.StartSyncRequest{
		FabricId: known.GetFabricId(), Trigger: syncv1.Trigger_TRIGGER_MANUAL, Options: options, RequestedBy: requestedBy(s.env),
	})
	return started.GetSyncId(), err
}

func (s *session) fabricName(directory string) string {
	if s.o.name != "" {
		return s.o.name
	}
	if directory != "" {
		return path.Base(directory)
	}
	return strings.TrimSuffix(path.Base(strings.TrimRight(s.o.repo, "/")), ".git")
}

func (s *session) follow(ctx context.Context, api bridgev1.BridgeServiceClient, syncID string) error {
	stream, err := api.StreamSyncEvents(ctx, &bridgev1.StreamSyncEventsRequest{SyncId: syncID})
	if err != nil {
		return err
	}
	bar := newBar(s.env, s.o.json)
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
