package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/remote"
	"fgdsync.dev/libs/errs"
)

// synced is what can be waited for: that the newest sync of a fabric has ended.
const synced = "synced"

func newWait(env Environment) *cobra.Command {
	var what string
	wait := &waiting{}
	cmd := &cobra.Command{
		Use: "fabric FABRIC --for " + synced, Short: "Wait until the newest sync of a fabric has ended, and say how",
		Long: `Waits until the newest sync of a fabric that is no dry run has ended, and for the first one where there is none. For
one that can't come nobody waits: the fabric is suspended, or its mode is not on. The exit codes are those of fgd sync;
6 is that --timeout was over.`,
		Args: arguments(1, 1, "fabric's name or number"),
	}
	t := newRemote(env, cmd)
	t.system.offers(cmd, t.system.fabricNames)
	cmd.Flags().StringVar(&what, "for", synced, "`what` is waited for: "+synced)
	wait.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if what != synced {
			return exit.Misuse(errs.New(errs.InvalidRequest, "--for is %q; it has to be %s.", what, synced))
		}
		t.fabric = args[0]
		return t.run(cmd.Context(), func(ctx context.Context, d directory) error {
			return wait.during(ctx, func(ctx context.Context) error {
				id, err := newest(ctx, d.(*remote.Fabric)) //nolint:forcetypeassert // without --repo it is one
				if err != nil {
					return err
				}
				return t.follow(ctx, d, id)
			})
		})
	}
	return group(&cobra.Command{Use: "wait", Short: "Wait for something in a running system"}, cmd)
}

// look is how often it is looked whether there is a sync.
const look = time.Second

// newest returns the newest sync of a fabric that is no dry run, and waits for the first one as long as one may come.
func newest(ctx context.Context, f *remote.Fabric) (string, error) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		id, err := f.Newest(ctx)
		if err != nil || id != "" {
			return id, err
		}
		if err := f.MayPublish(ctx); err != nil {
			return "", err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-ticker.C:
		}
	}
}
