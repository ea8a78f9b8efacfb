package local

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"google.golang.org/grpc"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/remote"
	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// Target is the directory that a command works on, and how it is reached.
type Target struct {
	ConfigPath      string // configuration file
	Repo            string // URL of the repository, or its path on this machine
	Branch          string
	Dir             string // directory of the fabric; "/" or "." is the root of the repository
	FabricID        int32  // that the manifest has to state; whatever it states when 0
	Name            string // that the manifest has to state; whatever it states when empty
	Init            bool   // makes the directory when it is not there
	AllowRoot       bool   // permits a sync of the whole repository
	FirstParent     bool   // has the history follow only the first parent of a merge
	CRDs            string // folder of definitions that replace the built-in ones
	Redis           string // URL of one that is shared with other runs; without it one in memory
	CredentialsFile string
	CredentialsRef  string // env:NAME or file:NAME, as the configuration of this process has it, in place of the others
	Remotes
}

// Session is one command through running services.
type Session struct {
	remote.Client
	env     Environment
	target  *Target
	suite   *suite.Suite
	url     string
	path    string // of a repository on this machine
	secrets credentials
}

// Run runs the five services in this process for as long as work takes, in a folder that is gone afterwards. The person
// who runs the process is who asks.
func (t *Target) Run(ctx context.Context, env Environment, work func(context.Context, *Session) error) (err error) {
	s, source, err := t.prepare(env)
	if err != nil {
		return err
	}
	tel, err := env.quiet(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, Flush(ctx, tel)) }()
	folder, err := os.MkdirTemp("", "fgd-sync-")
	if err != nil {
		return errs.New(errs.FolderUnusable, "A temporary folder can't be made.").WithCause(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if source, err = t.configure(source, folder, s.path); err != nil {
		return err
	}
	redis, err := redisForCommand(ctx, t.Redis, source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.stop()) }()
	s.suite, err = newSuite(suite.Options{
		Definitions: suite.Definitions(), Telemetry: tel, Instance: app.Instance(strconv.Itoa(os.Getpid())),
	}, env, source, redis)
	if err != nil {
		return err
	}
	s.Client = remote.Client{Conn: s.suite.Public()}
	ctx = rpc.WithCall(ctx, rpc.Call{Principal: rpc.PrintableName(env.User()), CorrelationID: rpc.CleanCorrelationID("")})
	return runFor(ctx, s.suite, func(ctx context.Context) error { return s.secrets.explain(work(ctx, s)) })
}

// prepare reads what the command was told.
func (t *Target) prepare(env Environment) (*Session, *config.Source, error) {
	if t.FabricID < 0 {
		return nil, nil, exit.Misuse(errs.New(errs.InvalidRequest, "--fabric-id is %d; allowed is 1 to %d", t.FabricID,
			math.MaxInt32))
	}
	secrets, err := readCredentials(env.Environ, t.CredentialsFile)
	if err != nil {
		return nil, nil, err
	}
	url, path, err := repositoryURL(t.Repo)
	if err != nil {
		return nil, nil, err
	}
	source, err := env.commandSource(t.ConfigPath)
	return &Session{env: env, target: t, url: url, path: path, secrets: secrets}, source, err
}

func (t *Target) configure(source *config.Source, folder, localPath string) (*config.Source, error) {
	var paths []string
	if localPath != "" {
		paths = []string{localPath}
	}
	source, err := inFolder(source, folder, paths, t.Remotes)
	if err != nil {
		return nil, err
	}
	// What is sealed ends with the command.
	if source, err = source.WithDefaults(map[string]any{"credentials_key_file": ""}); err != nil {
		return nil, err
	}
	// Nobody else is served: no token is shown, and a line of the audit that a commit would name is gone with the command.
	source, err = source.With(map[string]any{
		"token_pepper_file": filepath.Join(folder, "token.peppers"), "webhook_key_file": "",
		bootstrapKey: filepath.Join(folder, "bootstrap.token"), "audit_file": "",
	})
	if err != nil {
		return nil, err
	}
	return withDefinitions(source, t.CRDs)
}

// withDefinitions returns a configuration in which a folder, if one is given, replaces the built-in definitions.
func withDefinitions(source *config.Source, folder string) (*config.Source, error) {
	if folder == "" {
		return source, nil
	}
	return source.With(map[string]any{"crd_dir": folder})
}

// internal returns a connection to what is served to services.
func (s *Session) internal() grpc.ClientConnInterface { return s.suite.Internal() }

// locate returns where the directory is, without credentials, and the key of its repository.
func (s *Session) locate(ctx context.Context) (*gitv1.Location, string, error) {
	if strings.TrimSpace(s.target.Dir) == "" {
		return nil, "", exit.Misuse(errs.New(errs.DirectoryInvalid,
			"--dir is missing: which directory is the fabric's has to be said.").
			WithRemedy("Give the directory, for example --dir gitops/fabric-1; --dir / is the whole repository."))
	}
	location := &gitv1.Location{RepositoryUrl: s.url, Branch: s.target.Branch, Directory: s.target.Dir}
	checked, err := gitv1.NewRepositoryServiceClient(s.internal()).
		CheckLocation(ctx, &gitv1.CheckLocationRequest{Location: location})
	if err != nil {
		return nil, "", exit.MisuseIfInvalid(err)
	}
	location.Directory, location.Branch = checked.GetDirectory(), checked.GetBranch()
	return location, checked.GetRepositoryKey(), nil
}

// signIn adds the credentials of the command to a location, sealed for its host and for a fabric: 0 for one that is not
// registered.
func (s *Session) signIn(ctx context.Context, location *gitv1.Location, fabricID int32) error {
	location.FabricId = fabricID
	if ref := s.target.CredentialsRef; ref != "" {
		location.Credentials = &gitv1.Credentials{Source: &gitv1.Credentials_Reference{Reference: ref}}
		return nil
	}
	if s.secrets.none() || s.path != "" { // nobody asks for them on this machine
		return nil
	}
	sealed, err := gitv1.NewRepositoryServiceClient(s.internal()).SealCredentials(ctx, &gitv1.SealCredentialsRequest{
		Credentials: s.secrets.plain(), RepositoryUrl: location.GetRepositoryUrl(), FabricId: fabricID,
	})
	if err != nil {
		return exit.MisuseIfInvalid(err)
	}
	location.Credentials = sealed.GetCredentials()
	return nil
}

// Location returns where the directory is, with the credentials of the command.
func (s *Session) Location(ctx context.Context) (*gitv1.Location, error) {
	location, _, err := s.locate(ctx)
	if err != nil {
		return nil, err
	}
	return location, s.signIn(ctx, location, 0)
}
