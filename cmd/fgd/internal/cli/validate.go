package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/render"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
)

func newValidate(env Environment) *cobra.Command {
	v := local.Validation{Stdin: env.Stdin}
	cmd := &cobra.Command{
		Use: "validate PATH…", Short: "Judge files offline, as a sync would", Args: cobra.MinimumNArgs(1),
		Long: `Judges YAML files, and all YAML files in folders, with the code that a sync uses. "-" is standard input.
Of a folder those files are judged that a sync would read if it were a fabric directory: not what its .fgdignore names,
what is in its unmanaged/, and what has a name that begins with a dot.

Prints a line per finding, "file:line:col: CODE message (remedy)", and exits with 3 when there is any.`,
		RunE: func(cmd *cobra.Command, paths []string) error { return validate(cmd.Context(), env, v, paths) },
	}
	addConfigFlag(cmd, &v.ConfigPath)
	addDefinitionsFlag(cmd, &v.CRDs)
	return cmd
}

func validate(ctx context.Context, env Environment, v local.Validation, paths []string) error {
	found := 0
	err := v.Run(ctx, env.local(), paths, func(file *ingestionv1.ValidateFilesResponse) {
		found += render.Validated(env.Stdout, file)
	})
	if err == nil && found > 0 {
		return exit.Code(exit.Findings)
	}
	return err
}
