package cli

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/render"
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
	cmd.Flags().StringVar(&t.Name, "name", "", "`name` of the fabric; the last part of the directory when absent")
	addDefinitionsFlag(cmd, &t.CRDs)
}

// addAccessFlags adds those of a command that looks at how a directory can be reached.
func (t *target) addAccessFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	addConfigFlag(cmd, &t.ConfigPath)
	flags.StringVar(&t.Repo, "repo", "", "`URL` of the repository, or its path on this machine (required)")
	flags.StringVar(&t.Branch, "branch", "main", "`branch`")
	flags.StringVar(&t.Dir, "dir", "", "fabric `directory` in the repository; the root when absent")
	flags.StringVar(&t.CredentialsFile, "credentials-file", "",
		"YAML `file` with token, username and password, ssh_private_key, or github_app")
	flags.BoolVar(&t.json, "json", false, "print one JSON document")
	addInsecureFlag(cmd, &t.AllowInsecure)
	_ = cmd.MarkFlagRequired("repo")
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

func addConfigFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "config", "", "configuration `file`; see fgd.yaml for every key")
}

func addDefinitionsFlag(cmd *cobra.Command, folder *string) {
	cmd.Flags().StringVar(folder, "crds", "",
		"`folder` of CustomResourceDefinitions that replace the built-in ones")
}

func addInsecureFlag(cmd *cobra.Command, allow *bool) {
	cmd.Flags().BoolVar(allow, "allow-insecure-remotes", false, "permit http and loopback or private addresses")
}
