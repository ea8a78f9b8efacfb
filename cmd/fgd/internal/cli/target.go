package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// target is the directory that a command works on, and how it is reached.
type target struct {
	configPath, repo, branch, dir, name, crds, redis, credentialsFile string
	json, allowInsecure                                               bool
}

func (t *target) addFlags(cmd *cobra.Command) {
	t.addRepositoryFlags(cmd)
	cmd.Flags().StringVar(&t.redis, "redis", "", "`URL` of a Redis shared with other runs; without it one in memory")
}

// addRepositoryFlags adds those of a command that nothing is kept of.
func (t *target) addRepositoryFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&t.configPath, "config", "", "configuration `file`; see fgd.yaml for every key")
	flags.StringVar(&t.repo, "repo", "", "`URL` of the repository, or its path on this machine (required)")
	flags.StringVar(&t.branch, "branch", "main", "`branch`")
	flags.StringVar(&t.dir, "dir", "", "fabric `directory` in the repository; the root when absent")
	flags.StringVar(&t.name, "name", "", "`name` of the fabric; the last part of the directory when absent")
	flags.StringVar(&t.crds, "crds", "", "`folder` of CustomResourceDefinitions that replace the built-in ones")
	flags.StringVar(&t.credentialsFile, "credentials-file", "",
		"YAML `file` with token, username and password, ssh_private_key, or github_app")
	flags.BoolVar(&t.json, "json", false, "print one JSON document")
	flags.BoolVar(&t.allowInsecure, "allow-insecure-remotes", false, "permit http and loopback or private addresses")
	_ = cmd.MarkFlagRequired("repo")
}

// inSuite runs the five services in this process for as long as the work takes.
func (t *target) inSuite(ctx context.Context, env Environment, work func(context.Context, *session) error) error {
	err := t.run(ctx, env, work)
	if t.json && errs.IsError(err) {
		return printJSONError(env, err)
	}
	return err
}

func (t *target) run(ctx context.Context, env Environment, work func(context.Context, *session) error) (err error) {
	secrets, err := readCredentials(env.Environ, t.credentialsFile)
	if err != nil {
		return err
	}
	url, localPath, err := repositoryURL(t.repo)
	if err != nil {
		return err
	}
	source, err := loadSource(env, t.configPath)
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
		return errs.New(errs.FolderUnusable, "A temporary folder can't be made.").WithCause(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	cfg.GithubSync.DataDir = filepath.Join(scratch, "git")
	cfg.Orchestrator.LedgerFile = filepath.Join(scratch, "ledger.db")
	cfg.GithubSync.AllowInsecureRemotes = cfg.GithubSync.AllowInsecureRemotes || t.allowInsecure
	if localPath != "" {
		cfg.GithubSync.AllowedLocalPaths = append(cfg.GithubSync.AllowedLocalPaths, localPath)
	}
	if t.crds != "" {
		cfg.Ingestion.CRDDir = t.crds
	}
	redis, err := openFor(ctx, t.redis)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.close()) }()
	s, err := suite.New(cfg, redis.Conn, app.Instance(strconv.Itoa(os.Getpid())), tel)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	var verdict error
	err = runWith(running, s, func(ctx context.Context) error {
		verdict = work(ctx, &session{env: env, t: t, s: s, url: url, secrets: secrets})
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

// session is one command through a running suite.
type session struct {
	env     Environment
	t       *target
	s       *suite.Suite
	url     string
	secrets credentials
}

// location returns where the directory is, with sealed credentials, and the key of its repository.
func (s *session) location(ctx context.Context) (*gitv1.Location, string, error) {
	git := gitv1.NewRepositoryServiceClient(s.s.Conn())
	location := &gitv1.Location{RepositoryUrl: s.url, Branch: s.t.branch, Directory: s.t.dir}
	checked, err := git.CheckLocation(ctx, &gitv1.CheckLocationRequest{Location: location})
	if err != nil {
		return nil, "", asUsage(err)
	}
	location.Directory = checked.GetDirectory()
	if s.secrets.none() {
		return location, checked.GetRepositoryKey(), nil
	}
	sealed, err := git.SealCredentials(ctx, &gitv1.SealCredentialsRequest{Credentials: s.secrets.plain()})
	if err != nil {
		return nil, "", err
	}
	location.Credentials = sealed.GetCredentials()
	return location, checked.GetRepositoryKey(), nil
}
