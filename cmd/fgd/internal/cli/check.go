package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/render"
)

func newCheck(env Environment) *cobra.Command {
	t := newTarget(env)
	cmd := &cobra.Command{
		Use: "check --repo URL|PATH --branch B", Short: "Try out how a repository can be reached", Args: noArguments,
		Long: `Asks the Git host what a fetch and a push begin with, and says what stands in the way of a sync, also that there is no
such directory when one is named. It changes nothing.

Credentials are given as for fgd sync.

Exit codes: 0 all is well, 1 failed, 2 called wrongly, 3 there are problems.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.runHere(cmd.Context(), t.check) },
	}
	t.addAccessFlags(cmd)
	cmd.Flags().Lookup("dir").Usage = "also whether this fabric `directory` is there"
	return cmd
}

func (t *target) check(ctx context.Context, s *local.Session) error {
	found, err := s.CheckConnection(ctx)
	if err != nil {
		return err
	}
	if err := t.print(render.NewConnection(found), func() { render.Connection(t.env.results(), found) }); err != nil {
		return err
	}
	if len(found.GetProblems()) > 0 {
		return exit.Code(exit.Findings)
	}
	return nil
}
