package cli

import (
	"bytes"
	_ "embed"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// quotedBash has names with blanks completed that begin alike.
//
//go:embed quoted.bash
var quotedBash string

// listed is the line of cobra's script for bash after which several words are what the shell gets.
const listed = "        __fgd_format_comp_descriptions $longest\n"

// completeInBash has the script for bash that root prints complete names with blanks.
func completeInBash(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	bash, _, err := root.Find([]string{"completion", "bash"})
	if err != nil {
		return // there is no such command, and nothing to complete
	}
	bash.RunE = func(cmd *cobra.Command, _ []string) error {
		script, err := bashCompletion(cmd)
		if err == nil {
			_, err = io.WriteString(cmd.OutOrStdout(), script)
		}
		return err
	}
}

func bashCompletion(cmd *cobra.Command) (string, error) {
	bare, err := cmd.Flags().GetBool("no-descriptions")
	if err != nil {
		return "", err
	}
	var script bytes.Buffer
	if err := cmd.Root().GenBashCompletionV2(&script, !bare); err != nil {
		return "", err
	}
	return strings.Replace(script.String(), listed, listed+"        __fgd_quote_common\n", 1) + quotedBash, nil
}
