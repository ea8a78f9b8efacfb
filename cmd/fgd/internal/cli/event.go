package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/remote"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/cmd/fgd/internal/tail"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

func newEvent(env Environment) *cobra.Command {
	return group(&cobra.Command{Use: "event", Short: "Follow what happens in a running system"}, newEventTail(env))
}

func newEventTail(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "tail", Short: "Print what happens in syncs, a line each, until Ctrl-C", Args: noArguments,
		Long: `Prints the events of the syncs that are active, from their start, and of all that are accepted from now on, of the
fabrics that you may see. After a connection that was cut it goes on where it was. With -o json each line is one JSON
document: the message of the API, with fabric_id and fabric_name. Ctrl-C ends it, with exit code 130.`,
	}
	var fabric string
	r := newRunning(env, cmd)
	cmd.Flags().StringVar(&fabric, "fabric", "", "only events of this fabric, by its name or `number`")
	r.offersFor(cmd, "fabric", r.fabricNames)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if r.form == formName {
			return exit.Misuse(errs.New(errs.InvalidRequest, "Events have no names for -o name."))
		}
		var id int32
		if fabric != "" {
			if id, err = r.FabricID(cmd.Context(), fabric); err != nil {
				return err
			}
		}
		return r.tail(cmd.Context(), id)
	}
	return cmd
}

// tail prints events until ctx ends.
func (r *running) tail(ctx context.Context, fabricID int32) error {
	return r.WithClient(ctx, func(ctx context.Context, c remote.Client) error {
		lost := false
		follower := &tail.Follower{
			Syncs: bridgev1.NewSyncServiceClient(c.Conn), FabricID: fabricID,
			Tell: func(event tail.Event) error {
				lost = false
				return r.printEvent(event)
			},
			Lost: func(err error) {
				if !lost {
					render.Away(r.env.errors(), r.Server, err)
				}
				lost = true
			},
		}
		return follower.Follow(ctx)
	})
}

func (r *running) printEvent(event tail.Event) error {
	if !r.isData() && !r.json {
		render.Event(r.env.results(), event.Sync, event.StreamSyncEventsResponse, r.isWide())
		return nil
	}
	data, err := render.Plain(event.StreamSyncEventsResponse)
	if err != nil {
		return err
	}
	fields := data.(map[string]any) //nolint:forcetypeassert // an object, of a message
	fields["fabric_id"], fields["fabric_name"] = event.Sync.GetFabricId(), event.Sync.GetFabricName()
	switch {
	case r.form == formYAML && r.jq == "":
		r.env.printf("---\n")
		return render.YAML(r.env.Stdout, fields)
	case r.jq != "":
		return r.print(fields, nil)
	}
	line, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	_, err = fmt.Fprintf(r.env.Stdout, "%s\n", line)
	return err
}
