// Package cli is the command line of fgd: one file for each command, with its flags and its words. What a command does
// is in local and remote, what it prints in render.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
)

// Environment is what the process gives to the command line.
type Environment struct {
	Args    []string
	Environ []string
	Stdin   *os.File
	Stdout  io.Writer
	Stderr  io.Writer
}

// local returns what services that run in this process have of it.
func (e Environment) local() local.Environment {
	return local.Environment{Environ: e.Environ, Log: e.Stderr}
}

// printf prints. A reader that went away is no reason to stop the work.
func (e Environment) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(e.Stdout, format, args...)
}

// Run runs a command line and returns the exit code.
func Run(ctx context.Context, env Environment) int {
	root := newRoot(env)
	root.SetArgs(env.Args)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	var code exit.Code
	switch {
	case err == nil, errors.As(err, &code):
		return exit.Of(err)
	case errs.IsError(err):
		render.Error(env.Stderr, err)
		return exit.Of(err)
	case errors.Is(err, context.Canceled):
		return exit.Failed
	case exit.IsMisuse(err):
		fmt.Fprintf(env.Stderr, "fgd: %v\n", err)
		return exit.Misused
	}
	// What cobra itself says is about the call: an unknown command or flag, a missing argument.
	fmt.Fprintf(env.Stderr, "fgd: %v\nSee fgd --help.\n", err)
	return exit.Misused
}

func newRoot(env Environment) *cobra.Command {
	root := &cobra.Command{
		Use: "fgd", Short: "Keeps the Git directories of Hedgehog fabrics in order",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(newUp(env), newSync(env), newCheck(env), newValidate(env), newDoctor(env), newQuarantine(env),
		newHistory(env), newDiff(env), newRestore(env), newState(env), newDeadLetters(env), newCredentials(env), newDemo(env),
		newVersion())
	return root
}

// group makes a command of one that only holds others: alone it shows its help, and a word that is none of them is a
// wrong call.
func group(cmd *cobra.Command, of ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.DisableFlagsInUseLine = true
	cmd.AddCommand(of...)
	return cmd
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "fgd "+app.Version)
			return err
		},
	}
}
