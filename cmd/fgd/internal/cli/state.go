package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/remote"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/secret"
)

// running is the running system that a command is about, and in which form it answers.
type running struct {
	remote.System
	*output
	where     serverFlags
	tokenFile string
}

// newReached returns one that nothing is shown to.
func newReached(env Environment, cmd *cobra.Command) *running {
	out := &output{env: env}
	out.add(cmd)
	return reachedWith(out, cmd)
}

func reachedWith(out *output, cmd *cobra.Command) *running {
	r := &running{System: remote.System{User: out.env.local().User()}, output: out}
	r.where.add(cmd)
	r.where.addCAFile(cmd)
	cmd.PreRunE = func(*cobra.Command, []string) error { return r.choose() }
	_ = cmd.RegisterFlagCompletionFunc("context", offerContexts(out.env))
	return r
}

// choose says which running system it is, once flags are read.
func (r *running) choose() error {
	found, err := r.where.choose(r.env)
	r.Server, r.CAFile, r.tokenFile = found.Server, found.CAFile, found.TokenFile
	return err
}

// newRunning returns one that a token is shown to.
func newRunning(env Environment, cmd *cobra.Command) *running {
	out := &output{env: env}
	out.add(cmd)
	return runningWith(out, cmd)
}

func runningWith(out *output, cmd *cobra.Command) *running {
	r := reachedWith(out, cmd)
	r.where.addTokenFile(cmd)
	r.Token = func(ctx context.Context) (secret.String, error) {
		return readToken(ctx, out.env, r.tokenFile, r.Server)
	}
	return r
}

func newState(env Environment) *cobra.Command {
	rebuild := &cobra.Command{
		Use: "rebuild", Short: "Bring back what Redis has lost, and sync every fabric", Args: noArguments,
		Long: `Fabrics and accepted syncs that Redis has lost come back from the ledger by themselves within seconds. This does it
at once, and starts a sync of every fabric, which builds its index of resources anew.`,
	}
	r := newRunning(env, rebuild)
	rebuild.RunE = func(cmd *cobra.Command, _ []string) error { return r.rebuild(cmd.Context()) }
	return group(&cobra.Command{Use: "state", Short: "Look after the state of a running system"}, rebuild)
}

func (r *running) rebuild(ctx context.Context) error {
	answer, err := r.RebuildState(ctx)
	if err != nil {
		return err
	}
	return r.print(answer, func() { render.Rebuilt(r.env.Stdout, answer) })
}
