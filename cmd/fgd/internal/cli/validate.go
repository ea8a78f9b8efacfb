package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/render"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

func newValidate(env Environment) *cobra.Command {
	v, out := local.Validation{Stdin: env.Stdin}, &output{env: env}
	cmd := &cobra.Command{
		Use: "validate PATH…", Short: "Judge files offline, as a sync would", Args: arguments(1, noLimit, "PATH"),
		Long: `Judges YAML files, and all YAML files in folders, with the code that a sync uses. "-" is standard input.
Where a file stands in its fabric directory counts as it does in a sync: the directory is the one above with a manifest
in .hnp/ or, without one, the folder that is named. Left out of a folder is what the directory's .fgdignore names, what
is in its unmanaged/, and what has a name that begins with a dot.

Prints a line per finding, "file:line:col: CODE NAME: message (remedy)", and exits with 3 when there is any but that a
file stays where it is because it is somebody else's.`,
		RunE: func(cmd *cobra.Command, paths []string) error { return validate(cmd.Context(), out, v, paths) },
	}
	addConfigFlag(cmd, &v.ConfigPath)
	addDefinitionsFlag(cmd, &v.CRDs)
	out.add(cmd)
	return cmd
}

func validate(ctx context.Context, out *output, v local.Validation, paths []string) error {
	found, report, screen := false, render.NewValidation(), out.env.results()
	err := v.Run(ctx, out.env.local(), paths, func(file *ingestionv1.ValidateFilesResponse) {
		found = found || slices.ContainsFunc(file.GetFindings(), func(f *reportv1.Finding) bool {
			return exit.IsNoteworthy(f.GetCode())
		})
		if out.isData() {
			report.Add(file)
			return
		}
		render.Validated(screen, file)
	})
	if err == nil {
		err = out.print(report, func() {})
	}
	if err == nil && found {
		return exit.Code(exit.Findings)
	}
	return err
}
