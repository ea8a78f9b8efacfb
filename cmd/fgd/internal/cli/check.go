package cli

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

func newCheck(env Environment) *cobra.Command {
	t := &target{}
	cmd := &cobra.Command{
		Use: "check --repo URL|PATH --branch B", Short: "Try out how a repository can be reached", Args: cobra.NoArgs,
		Long: `Asks the Git host what a fetch and a push begin with, and says what stands in the way of a sync. It changes nothing.

Credentials are given as for fgd sync. Exit codes: 0 all is well, 1 failed, 2 called wrongly, 3 there are problems.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.inSuite(cmd.Context(), env, func(ctx context.Context, s *session) error { return s.check(ctx) })
		},
	}
	t.addFlags(cmd)
	return cmd
}

func (s *session) check(ctx context.Context) error {
	location, _, err := s.location(ctx)
	if err != nil {
		return err
	}
	response, err := gitv1.NewRepositoryServiceClient(s.s.Conn()).
		CheckConnection(ctx, &gitv1.CheckConnectionRequest{Location: location})
	if err != nil {
		return err
	}
	found := response.GetConnection()
	if s.t.json {
		err = printJSON(s.env.Stdout, found)
	} else {
		err = s.printConnection(found)
	}
	if err == nil && len(found.GetProblems()) > 0 {
		return outcome(ExitFindings)
	}
	return err
}

func (s *session) printConnection(c *gitv1.Connection) error {
	table := tabwriter.NewWriter(s.env.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		name string
		is   bool
	}{
		{"reachable", c.GetReachable()},
		{"authenticated", c.GetAuthenticated()},
		{"can read", c.GetCanRead()},
		{"can push", c.GetCanPush()},
		{"branch exists", c.GetBranchExists()},
		{"empty", c.GetEmpty()},
	} {
		fmt.Fprintf(table, "%s\t%s\n", row.name, yesOrNo(row.is))
	}
	if c.BranchProtected != nil {
		fmt.Fprintf(table, "branch protected\t%s\n", yesOrNo(c.GetBranchProtected()))
	}
	fmt.Fprintf(table, "default branch\t%s\n", c.GetDefaultBranch())
	if err := table.Flush(); err != nil {
		return err
	}
	for _, p := range c.GetProblems() {
		fmt.Fprintf(s.env.Stdout, "problem: %s %s: %s (%s)\n", p.GetCode(), p.GetName(), p.GetMessage(), p.GetRemedy())
	}
	return nil
}

func yesOrNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
