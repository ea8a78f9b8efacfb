package cli

import (
	"github.com/spf13/cobra"

	githubsync "fgdsync.dev/services/github-sync"
)

func newCredentials(env Environment) *cobra.Command {
	var keyFile string
	rotate := &cobra.Command{
		Use: "rotate-key --key-file FILE", Short: "Put a new key in front of those in a key file", Args: noArguments,
		Long: `From now on the new key seals, and the old ones still open what they have sealed. A running github-sync sees the
change at once. The credentials of a fabric are sealed anew whenever the fabric is changed; once all have been, the
old lines can be removed.`,
		RunE: func(*cobra.Command, []string) error {
			if err := githubsync.RotateKey(keyFile); err != nil {
				return err
			}
			env.printf("%s has a new key; the old ones still open what they have sealed.\n", keyFile)
			return nil
		},
	}
	rotate.Flags().StringVar(&keyFile, "key-file", "", "key `file` of github-sync, its credentials_key_file (required)")
	_ = rotate.MarkFlagRequired("key-file")
	return group(&cobra.Command{
		Use: "credentials", Short: "Look after the key that seals stored credentials",
	}, rotate)
}
