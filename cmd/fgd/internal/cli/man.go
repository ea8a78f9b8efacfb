package cli

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/libs/errs"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write a man page for each command into a folder", Args: arguments(1, 1, "DIR"),
		Long: `Writes a man page for each command into a folder, which is made where it is not there: fgd man share/man/man1. The date
of the pages is that of SOURCE_DATE_EPOCH, or of today.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // pages are for everybody
				return exit.Misuse(errs.New(errs.InvalidRequest, "The folder %s can't be made.", args[0]).WithCause(err))
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: versionText(), Manual: "FGD Sync"}, args[0])
		},
	}
}
