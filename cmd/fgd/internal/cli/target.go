package cli

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/render"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// target is the directory that a command works on, and in which form it answers.
type target struct {
	local.Target
	env  Environment
	json bool
	stat bool        // of a diff
	bar  *render.Bar // while the command runs
}

func newTarget(env Environment) *target { return &target{env: env} }

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
	flags.BoolVar(&t.json, "json", false, "print one JSON document")
	addRemotesFlags(cmd, &t.Remotes)
	_ = cmd.MarkFlagRequired("repo")
}

// addSyncFlags adds those of a command that runs a sync.
func (t *target) addSyncFlags(cmd *cobra.Command, options *syncv1.SyncOptions) {
	t.addFlags(cmd)
	cmd.Annotations = map[string]string{publishes: "yes"}
	flags := cmd.Flags()
	flags.StringVar(&t.Name, "name", "",
		"`name` of the fabric; that of its manifest when absent, or else the last part of the directory")
	flags.Int32Var(&t.FabricID, "fabric-id", 0, "`number` of the fabric; that of its manifest when absent")
	flags.BoolVar(&t.AllowRoot, "allow-root", false, "permit that --dir is the whole repository")
	flags.BoolVar(&options.TakeOver, "take-over", false,
		"take the directory over although its manifest names another fabric (FGD_2011)")
}

// run runs services for as long as work takes, and shows on a terminal that it goes on.
func (t *target) run(ctx context.Context, work func(context.Context, *local.Session) error) error {
	t.bar = render.NewBar(t.env.errors(), t.json, host(t.Repo))
	err := t.Run(ctx, t.env.local(), work)
	t.bar.Close()
	return err
}

// print prints an answer as JSON, or in words.
func (t *target) print(answer proto.Message, words func()) error {
	t.bar.Close()
	if t.json {
		return render.Message(t.env.Stdout, answer)
	}
	words()
	return nil
}

// document prints an answer that is no message of a contract as JSON, or in words.
func (t *target) document(answer any, words func()) error {
	t.bar.Close()
	if t.json {
		return render.Document(t.env.Stdout, answer)
	}
	words()
	return nil
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
