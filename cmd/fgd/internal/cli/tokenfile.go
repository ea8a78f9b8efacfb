package cli

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"fgdsync.dev/libs/errs"
)

func addOutFlag(cmd *cobra.Command, out *string) {
	cmd.Flags().StringVar(out, "out", "",
		"`file` that the token is written into, instead of being printed; its folder is made")
}

// writable refuses a file that no token can be written into, and makes its folder where there is none, for its owner
// alone. What is in the file stays; where there is none, there is none afterwards.
func writable(name string) error {
	_, err := os.Lstat(name)
	missing := os.IsNotExist(err)
	err = os.MkdirAll(filepath.Dir(name), 0o700)
	if err == nil {
		err = touch(name)
	}
	if err == nil && missing {
		err = os.Remove(name)
	}
	if err != nil {
		return errs.New(errs.FolderUnusable, "The token could not be written into %s; nothing was made.", name).
			WithCause(err).WithRemedy("Name as --out a file that can be written.")
	}
	return nil
}

func touch(name string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// writeToken writes a token into a file that only its owner can read, in the place of one that was there. another is
// the command that makes one more when this one is lost.
func writeToken(name, token, another string) error {
	unwritable := func(err error) error {
		return errs.New(errs.FolderUnusable, "The token can't be written into %s, and is lost.", name).WithCause(err).
			WithRemedy("Name a file that can be written, and call %s.", another)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return unwritable(err)
	}
	defer func() { _ = file.Close() }()
	if err := file.Chmod(0o600); err != nil {
		return unwritable(err)
	}
	if _, err := file.WriteString(token + "\n"); err != nil {
		return unwritable(err)
	}
	if err := file.Close(); err != nil {
		return unwritable(err)
	}
	return nil
}
