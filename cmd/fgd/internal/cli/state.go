package cli

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/cmd/fgd/internal/remote"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/secret"
)

// running is the running system that a command is about, and in which form it answers.
type running struct {
	remote.System
	env  Environment
	json bool
}

// newReached returns one that nothing is shown to.
func newReached(env Environment, cmd *cobra.Command) *running {
	r := &running{System: remote.System{User: env.local().User()}, env: env}
	addAddressFlag(cmd, &r.Address)
	cmd.Flags().StringVar(&r.CAFile, "ca-file", "",
		"PEM `file` of authorities that are trusted for an https:// address; those of this machine without it")
	cmd.Flags().BoolVar(&r.json, "json", false, "print one JSON document")
	return r
}

func newRunning(env Environment, cmd *cobra.Command) *running {
	r := newReached(env, cmd)
	var tokenFile string
	cmd.Flags().StringVar(&tokenFile, "token-file", "",
		"`file` with the token to show; "+envToken+" counts more, and without both fgd login, or "+bootstrapToken)
	r.Token = func(ctx context.Context) (secret.String, error) { return readToken(ctx, env, tokenFile, r.Address) }
	return r
}

func addAddressFlag(cmd *cobra.Command, address *string) {
	cmd.Flags().StringVar(address, "grpc", "127.0.0.1:9090", "`address` of gRPC of fgd up, or of a bridge; https://… for TLS")
}

// print prints an answer as JSON, or in words.
func (r *running) print(answer proto.Message, words func()) error {
	if r.json {
		return render.Message(r.env.Stdout, answer)
	}
	words()
	return nil
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
