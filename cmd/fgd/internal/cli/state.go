package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	statev1 "fgdsync.dev/proto/fgd/state/v1"
)

// callTimeout bounds one call to a running system.
const callTimeout = time.Minute

// remote is a running system that a command talks to.
type remote struct {
	env  Environment
	grpc string
	json bool
}

func (r *remote) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.grpc, "grpc", "127.0.0.1:9090", "`address` of gRPC of fgd up, or of an orchestrator")
	cmd.Flags().BoolVar(&r.json, "json", false, "print one JSON document")
}

func (r *remote) call(ctx context.Context, work func(context.Context, statev1.StateServiceClient) error) (err error) {
	conn, err := rpc.Dial(r.grpc, noop.NewTracerProvider())
	if err != nil {
		return usage{errs.New(errs.InvalidRequest, "The address %q can't be dialled.", r.grpc).WithCause(err)}
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return work(ctx, statev1.NewStateServiceClient(conn))
}

// print prints an answer as JSON, or in words.
func (r *remote) print(answer proto.Message, words func()) error {
	if !r.json {
		words()
		return nil
	}
	raw, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	printf(r.env, "%s\n", raw)
	return nil
}

func (r *remote) user() string { return app.Environment(r.env.Environ, "USER") }

func newState(env Environment) *cobra.Command {
	root := &cobra.Command{Use: "state", Short: "Look after the state of a running system"}
	r := &remote{env: env}
	rebuild := &cobra.Command{
		Use: "rebuild", Short: "Bring back what Redis has lost, and sync every fabric", Args: cobra.NoArgs,
		Long: `Fabrics and accepted syncs that Redis has lost come back from the ledger by themselves within seconds. This does it at once,
and starts a sync of every fabric, which builds its index of resources anew.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.call(cmd.Context(), r.rebuild) },
	}
	r.addFlags(rebuild)
	root.AddCommand(rebuild)
	return root
}

func (r *remote) rebuild(ctx context.Context, client statev1.StateServiceClient) error {
	answer, err := client.RebuildState(ctx, &statev1.RebuildStateRequest{RequestedBy: r.user()})
	if err != nil {
		return err
	}
	return r.print(answer, func() {
		printf(r.env, "Restored: %d fabrics, %d syncs. Given to the workers again: %d syncs. Ended past their deadline: "+
			"%d syncs.\n",
			answer.GetFabricsRestored(), answer.GetSyncsRestored(), answer.GetSyncsRevived(), answer.GetSyncsExpired())
		printf(r.env, "Started: %d syncs.\n", len(answer.GetSyncIds()))
		for _, id := range answer.GetSyncIds() {
			printf(r.env, "  %s\n", id)
		}
	})
}

func newDeadLetters(env Environment) *cobra.Command {
	root := &cobra.Command{
		Use: "dead-letters", Short: "Look at work that could not be handled, and have it handled again",
		Long: "A sync that was given to workers many times and never came to an end has failed, and its work entry is here.",
	}
	root.AddCommand(newDeadLettersList(env), newDeadLettersReplay(env))
	return root
}

func newDeadLettersList(env Environment) *cobra.Command {
	r := &remote{env: env}
	cmd := &cobra.Command{
		Use: "list", Short: "List them, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.call(cmd.Context(), r.listDeadLetters) },
	}
	r.addFlags(cmd)
	return cmd
}

func (r *remote) listDeadLetters(ctx context.Context, client statev1.StateServiceClient) error {
	answer, err := client.ListDeadLetters(ctx, &statev1.ListDeadLettersRequest{})
	if err != nil {
		return err
	}
	return r.print(answer, func() {
		table := tabwriter.NewWriter(r.env.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tTIME\tFABRIC\tSYNC\tDELIVERIES\tERROR")
		for _, l := range answer.GetDeadLetters() {
			fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%d\t%s\n", l.GetId(), l.GetTime().AsTime().Format(time.RFC3339), l.GetFabricId(),
				l.GetSyncId(), l.GetDeliveries(), l.GetError())
		}
		_ = table.Flush() // a reader that went away is no reason to fail
	})
}

func newDeadLettersReplay(env Environment) *cobra.Command {
	r := &remote{env: env}
	cmd := &cobra.Command{
		Use: "replay ID…", Short: "Have some handled again: start the syncs that they ask for anew",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context,
				client statev1.StateServiceClient,
			) error {
				return r.replay(ctx, client, args)
			})
		},
	}
	r.addFlags(cmd)
	return cmd
}

func (r *remote) replay(ctx context.Context, client statev1.StateServiceClient, ids []string) error {
	answer, err := client.ReplayDeadLetters(ctx, &statev1.ReplayDeadLettersRequest{Ids: ids, RequestedBy: r.user()})
	if err != nil {
		return err
	}
	return r.print(answer, func() {
		for _, replayed := range answer.GetReplayed() {
			if replayed.GetSyncId() == "" {
				printf(r.env, "%s went back to the workers\n", replayed.GetId())
				continue
			}
			printf(r.env, "%s: sync %s\n", replayed.GetId(), replayed.GetSyncId())
		}
	})
}
