package cli

import (
	"os"
	"slices"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/netboximport"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
)

func newNetBoxImport(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "import [--csv FILE]", Short: "Register the fabrics that a NetBox knows, to be approved one by one",
		Args: noArguments,
		Long: `Registers each fabric of NetBox that is not linked yet: suspended, so that nothing is written into its repository
before fgd fabric resume. Its first sync is a dry run; what it would do is printed. Where NetBox does not say which
repository a fabric has, a file says it: comma-separated, with a first line that names the columns fabric (its number
in NetBox) or name, repository_url, branch, gitops_directory and credentials_ref.

Exit codes: 0 all are registered, 1 failed, 2 called wrongly, 3 a fabric was refused, or not enough is known of it.`,
	}
	r, wish := newRunning(env, cmd), &netboximport.Wish{}
	addNetBoxFlags(cmd, &wish.URL, &wish.TokenRef)
	var file string
	cmd.Flags().StringVar(&file, "csv", "", "`file` that says where the directories of fabrics are")
	cmd.Flags().BoolVar(&wish.DryRun, "dry-run", false, "say what would be registered, and register nothing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if wish.Rows, err = rowsOf(file); err != nil {
			return exit.Misuse(err)
		}
		outcomes, err := netboximport.Run(cmd.Context(), r.System, *wish)
		if printErr := r.print(outcomes, func() { render.Imported(r.results(), outcomes) }); printErr != nil {
			return printErr
		}
		if err == nil && slices.ContainsFunc(outcomes, netboximport.Outcome.IsLeft) {
			return exit.Code(exit.Findings)
		}
		return exit.MisuseIfInvalid(err)
	}
	return cmd
}

func rowsOf(name string) (rows []netboximport.Row, err error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, errs.New(errs.InvalidRequest, "The file %s can't be read.", name).WithCause(err).
			WithRemedy("Name a file with comma-separated values as --csv.")
	}
	defer func() { _ = file.Close() }()
	return netboximport.Read(file)
}
