package cli

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/remote"
	"fgdsync.dev/cmd/fgd/internal/top"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

func newTop(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "top", Short: "Show what a running system does, live", Args: noArguments,
		Long: `Shows which syncs run and wait, how fabrics are, and which components are not healthy, of what you may see, and looks
again every two seconds. The arrows choose a sync, Enter shows it, c cancels it after a question, q ends. Where there is
no terminal, and with -o, it is printed once.`,
	}
	r := newRunning(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.WithClient(cmd.Context(), func(ctx context.Context, c remote.Client) error {
			if r.isData() || env.Stdin == nil || !term.IsTerminal(int(env.Stdin.Fd())) || !env.results().Terminal() {
				return r.topOnce(ctx, c)
			}
			return r.topLive(ctx, c)
		})
	}
	return cmd
}

// topTimeout bounds how long the system is waited for.
const topTimeout = 10 * time.Second

func (r *running) topOnce(ctx context.Context, c remote.Client) error {
	ctx, cancel := context.WithTimeout(ctx, topTimeout)
	defer cancel()
	picture, err := top.Look(ctx, r.Server, c.Conn)
	if err != nil {
		return err
	}
	document, err := picture.Document()
	if err != nil {
		return err
	}
	return r.print(document, func() { r.env.printf("%s", picture.Text()) })
}

// topLive shows pictures until somebody ends it. That a system can't be reached at first is an error; afterwards it is
// seen.
func (r *running) topLive(ctx context.Context, c remote.Client) error {
	looking, stop := context.WithCancel(ctx)
	defer stop()
	system := r.watched(looking, c)
	if _, err := system.Look(); err != nil {
		return err
	}
	last, err := tea.NewProgram(top.New(system), tea.WithContext(ctx), tea.WithInput(r.env.Stdin),
		tea.WithOutput(r.env.Stdout), tea.WithEnvironment(r.env.Environ), tea.WithoutSignalHandler()).Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if model, is := last.(top.Model); is && model.Interrupted && err == nil {
		return exit.Code(exit.Interrupted)
	}
	if errors.Is(err, tea.ErrProgramKilled) {
		return exit.Code(exit.Interrupted)
	}
	return err
}

// watched returns the system as top asks it.
func (r *running) watched(ctx context.Context, c remote.Client) top.System {
	asking := func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, topTimeout) }
	return top.System{
		Look: func() (*top.Picture, error) {
			ctx, cancel := asking()
			defer cancel()
			return top.Look(ctx, r.Server, c.Conn)
		},
		Show: func(id string) (*bridgev1.SyncStatus, error) {
			ctx, cancel := asking()
			defer cancel()
			return c.Status(ctx, id)
		},
		Cancel: func(id string) error {
			ctx, cancel := asking()
			defer cancel()
			_, err := c.Cancel(ctx, id)
			return err
		},
		Pause: func() {
			timer := time.NewTimer(top.Period)
			defer timer.Stop()
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
		},
	}
}
