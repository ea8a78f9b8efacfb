package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/remote"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// newRemote returns the target of a command for a running system alone.
func newRemote(env Environment, cmd *cobra.Command) *target {
	t := newTarget(env)
	t.add(cmd)
	t.system = runningWith(t.output, cmd)
	return t
}

func newSyncStart(env Environment) *cobra.Command {
	options, wait := &syncv1.SyncOptions{}, &waiting{}
	cmd := &cobra.Command{
		Use: "start FABRIC", Short: "Start a sync of a fabric, or join the one that waits",
		Long: `Starts a sync of a fabric of a running system, or joins the one that waits, and prints its ID. With --wait it shows how
the sync goes on and how it ended, and the exit codes are those of fgd sync; 6 is that --timeout was over, and the sync
goes on.`,
		Args: arguments(1, 1, "fabric's name or number"), Annotations: map[string]string{publishes: "yes"},
	}
	t := newRemote(env, cmd)
	t.system.offers(cmd, t.system.fabricNames)
	addOptionFlags(cmd, options)
	addTakeOverFlag(cmd, options)
	t.addStatFlag(cmd)
	cmd.Flags().BoolVar(&wait.wanted, "wait", false, "wait until the sync has ended, and say how")
	wait.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := t.checkSync(options); err != nil {
			return err
		}
		t.fabric = args[0]
		return t.run(cmd.Context(), func(ctx context.Context, d directory) error {
			id, err := d.Start(ctx, options, time.Time{})
			if err != nil {
				return err
			}
			if !wait.wanted {
				return t.print(&bridgev1.TriggerSyncResponse{Success: true, SyncId: id}, func() { env.printf("%s\n", id) })
			}
			return wait.during(ctx, func(ctx context.Context) error { return t.follow(ctx, d, id) })
		})
	}
	return cmd
}

// waiting is for how long a command waits.
type waiting struct {
	wanted bool
	most   time.Duration
}

func (w *waiting) add(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&w.most, "timeout", 0, "wait for so long at most, as 2m; without it until the end")
}

// during waits for work, and says so when the time is over before it ends.
func (w *waiting) during(ctx context.Context, work func(context.Context) error) error {
	if w.most <= 0 {
		return work(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, w.most)
	defer cancel()
	err := work(limited)
	if err != nil && ctx.Err() == nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		return errs.New(errs.WaitTimeout, "It has not ended after %s, and goes on.", w.most)
	}
	return err
}

// mostSyncs is the most that sync list may be asked for.
const mostSyncs = 500

func newSyncList(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list [FABRIC]", Short: "List the syncs of a fabric, or of all that you may see, newest first",
		Args: arguments(0, 1, "fabric's name or number"),
	}
	r, request := newRunning(env, cmd), &bridgev1.ListAllSyncsRequest{}
	r.offers(cmd, r.fabricNames)
	cmd.Flags().Int32Var(&request.Limit, "limit", 20, "at most this `number` of syncs, 1 to 500")
	cmd.Flags().StringVar(&request.Status, "state", "", "only those in this `state`, as completed or failed")
	cmd.Flags().BoolVar(&request.Active, "active", false, "only those that run or wait")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if request.GetLimit() < 1 || request.GetLimit() > mostSyncs {
			return exit.Misuse(errs.New(errs.InvalidRequest, "--limit is %d; allowed is 1 to %d.", request.GetLimit(),
				mostSyncs))
		}
		if len(args) > 0 {
			id, err := r.KnownFabricID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			request.FabricId = id
		}
		answer, err := r.AllSyncs(cmd.Context(), request)
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Syncs(r.results(), answer.GetSyncs()) })
	}
	return cmd
}

// aboutSync returns a command whose only word is the ID of a sync.
func aboutSync(
	env Environment, cmd *cobra.Command, do func(ctx context.Context, t *target, c remote.Client, id string) error,
) *cobra.Command {
	cmd.Args = arguments(1, 1, "sync's ID")
	t := newRemote(env, cmd)
	t.system.offers(cmd, t.system.syncIDs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		t.bar = render.NewBar(env.errors(), t.isData(), "the Git host")
		defer t.bar.Close()
		return t.system.WithClient(cmd.Context(), func(ctx context.Context, c remote.Client) error {
			return do(ctx, t, c, args[0])
		})
	}
	return cmd
}

func newSyncShow(env Environment) *cobra.Command {
	return aboutSync(env, &cobra.Command{Use: "show ID", Short: "Show a sync, and what it did or would do"},
		func(ctx context.Context, t *target, c remote.Client, id string) error {
			status, err := c.Status(ctx, id)
			if err != nil {
				return err
			}
			return t.show(ctx, c, status)
		})
}

func newSyncWatch(env Environment) *cobra.Command {
	wait := &waiting{}
	cmd := aboutSync(env, &cobra.Command{
		Use: "watch ID", Short: "Show how a sync goes on, and how it ended",
		Long: `Shows how a sync goes on, and how it ended. The exit codes are those of fgd sync; 6 is that --timeout was over.`,
	}, func(ctx context.Context, t *target, c remote.Client, id string) error {
		return wait.during(ctx, func(ctx context.Context) error {
			status, err := c.Follow(ctx, id, t.bar.Show)
			if err != nil {
				return err
			}
			if err := t.show(ctx, c, status); err != nil {
				return err
			}
			return outcome(status)
		})
	})
	wait.add(cmd)
	return cmd
}

func newSyncCancel(env Environment) *cobra.Command {
	return aboutSync(env, &cobra.Command{Use: "cancel ID", Short: "Ask a sync to end"},
		func(ctx context.Context, t *target, c remote.Client, id string) error {
			status, err := c.Cancel(ctx, id)
			if err != nil {
				return err
			}
			return t.print(status, func() { env.printf("The sync %s is %s.\n", id, status.GetState()) })
		})
}
