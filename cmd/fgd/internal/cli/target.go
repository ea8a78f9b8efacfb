package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/remote"
	"fgdsync.dev/cmd/fgd/internal/render"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// directory is what a command can do with a fabric directory: one in a repository, by services in this process, or that
// of a fabric of a running system.
type directory interface {
	Quarantined(ctx context.Context) (*bridgev1.ListQuarantineResponse, error)
	QuarantinedFile(ctx context.Context, path string) (*bridgev1.QuarantinedFile, error)
	Commits(ctx context.Context, ask *bridgev1.ListCommitsRequest) (*bridgev1.ListCommitsResponse, error)
	Diff(ctx context.Context, ask *bridgev1.DiffDirectoryRequest) (*bridgev1.DiffDirectoryResponse, error)
	Start(ctx context.Context, options *syncv1.SyncOptions, asOf time.Time) (syncID string, err error)
	Follow(ctx context.Context, syncID string, show func(*bridgev1.SyncEventData)) (*bridgev1.SyncStatus, error)
	detailed
}

// target is the directory that a command works on, and in which form it answers.
type target struct {
	local.Target
	*output
	stat   bool           // of a diff
	bar    *render.Bar    // while the command runs
	system *running       // that has the fabric; nil of a command that works on a repository alone
	flags  *pflag.FlagSet // those that go with --repo
	fabric string         // its name or number, where there is a system
}

func newTarget(env Environment) *target {
	return &target{output: &output{env: env}, flags: pflag.NewFlagSet("", pflag.ContinueOnError)}
}

func (t *target) addFlags(cmd *cobra.Command) {
	t.addRepositoryFlags(cmd)
	cmd.Flags().StringVar(&t.Redis, "redis", "", "`URL` of a Redis shared with other runs; without it one in memory")
}

// addRepositoryFlags adds those of a command that nothing is kept of.
func (t *target) addRepositoryFlags(cmd *cobra.Command) {
	t.addAccessFlags(cmd)
	addDefinitionsFlag(cmd, &t.CRDs)
}

// addAccessFlags adds those of a command that looks at how a directory can be reached.
func (t *target) addAccessFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	addConfigFlag(cmd, &t.ConfigPath)
	flags.StringVar(&t.Repo, "repo", "", "`URL` of the repository, or its path on this machine (required)")
	flags.StringVar(&t.Branch, "branch", "main", "`branch`")
	flags.StringVar(&t.Dir, "dir", "", "fabric `directory` in the repository (required); / is the whole repository")
	flags.StringVar(&t.CredentialsFile, "credentials-file", "",
		"YAML `file` with token, username and password, ssh_private_key, or github_app")
	t.add(cmd)
	addRemotesFlags(cmd, &t.Remotes)
	_ = cmd.MarkFlagRequired("repo")
}

// addIdentityFlags adds those of a command that runs a sync of a repository.
func (t *target) addIdentityFlags(cmd *cobra.Command, options *syncv1.SyncOptions) {
	flags := cmd.Flags()
	flags.StringVar(&t.Name, "name", "",
		"`name` of the fabric; that of its manifest when absent, or else the last part of the directory")
	flags.Int32Var(&t.FabricID, "fabric-id", 0, "`number` of the fabric; that of its manifest when absent")
	flags.BoolVar(&t.AllowRoot, "allow-root", false, "permit that --dir is the whole repository")
	addTakeOverFlag(cmd, options)
}

func addTakeOverFlag(cmd *cobra.Command, options *syncv1.SyncOptions) {
	cmd.Flags().BoolVar(&options.TakeOver, "take-over", false,
		"take the directory over although its manifest names another fabric (FGD_2011)")
}

// eitherWay has a command work on the directory of a fabric of a running system, or, with --repo, on one in a
// repository. Least and most are how many words it takes beside the fabric, and what is one of them. Flags that are
// there already go with --repo.
func (t *target) eitherWay(cmd *cobra.Command, least, most int, what string) {
	flags := cmd.Flags()
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "output" && f.Name != "jq" {
			t.flags.AddFlag(f)
			f.Usage += " [--repo]"
		}
	})
	repo := flags.Lookup("repo")
	delete(repo.Annotations, cobra.BashCompOneRequiredFlag)
	repo.Usage = "`URL` of a repository, or its path on this machine, in place of FABRIC"
	t.system = runningWith(t.output, cmd)
	t.system.offers(cmd, func(ctx context.Context, before []string) ([]cobra.Completion, error) {
		if t.Repo != "" {
			return nil, nil
		}
		return t.system.fabricNames(ctx, before)
	})
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if t.Repo != "" {
			return arguments(least, most, what)(cmd, args)
		}
		if len(args) == 0 {
			return fmt.Errorf("%s needs a fabric's name or number, or --repo", cmd.CommandPath())
		}
		t.fabric = args[0]
		return arguments(least, most, what)(cmd, args[1:])
	}
}

// words returns the words of a command beside the fabric.
func (t *target) words(args []string) []string {
	if t.fabric != "" {
		return args[1:]
	}
	return args
}

// run does work with a directory, and shows on a terminal that it goes on.
func (t *target) run(ctx context.Context, work func(context.Context, directory) error) error {
	if t.Repo != "" {
		return t.runHere(ctx, func(ctx context.Context, s *local.Session) error { return work(ctx, s) })
	}
	if err := t.refuseFlags(); err != nil {
		return err
	}
	t.bar = render.NewBar(t.env.errors(), t.isData(), "the Git host")
	defer t.bar.Close()
	return t.system.With(ctx, t.fabric, func(ctx context.Context, f *remote.Fabric) error { return work(ctx, f) })
}

// refuseFlags refuses flags that are about a repository, where a fabric is named.
func (t *target) refuseFlags() (err error) {
	t.flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed && err == nil {
			err = exit.Misuse(errors.New("--" + f.Name + " goes with --repo, in place of the fabric"))
		}
	})
	return err
}

// runHere runs services for as long as work takes.
func (t *target) runHere(ctx context.Context, work func(context.Context, *local.Session) error) error {
	t.bar = render.NewBar(t.env.errors(), t.isData(), host(t.Repo))
	defer t.bar.Close()
	return t.Run(ctx, t.env.local(), work)
}

// print prints an answer, and takes the bar away before.
func (t *target) print(answer any, words func()) error {
	t.bar.Close()
	return t.output.print(answer, words)
}

func addConfigFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "config", "", "configuration `file`; see fgd.yaml for every key")
}

func addDefinitionsFlag(cmd *cobra.Command, folder *string) {
	cmd.Flags().StringVar(folder, "crds", "",
		"`folder` of CustomResourceDefinitions that replace the built-in ones")
}

func addRemotesFlags(cmd *cobra.Command, remotes *local.Remotes) {
	cmd.Flags().BoolVar(&remotes.AllowHTTP, "allow-http", false, "permit Git hosts over http")
	cmd.Flags().StringSliceVar(&remotes.AllowNetworks, "allow-network", nil,
		"permit Git hosts in a private `network`, as 10.0.0.0/8; 127.0.0.0/8 is this machine")
}
