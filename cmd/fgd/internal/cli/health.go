package cli

import (
	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
)

func newHealth(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "health", Short: "Say how a running system and each component of it is", Args: noArguments,
		Long: `Says how a running system and each component of it is, since when, why, and what to do.

Exit codes: 0 it is healthy, 1 failed, 2 called wrongly, 3 it is degraded or unhealthy.`,
	}
	r := newRunning(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		answer, err := r.Health(cmd.Context())
		if err != nil {
			return err
		}
		err = r.print(answer, func() { render.Health(r.results(), answer) })
		if err == nil && answer.GetStatus() != "healthy" {
			return exit.Code(exit.Findings)
		}
		return err
	}
	return cmd
}
