// Package cli is the command line of fgd.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
)

// Exit codes.
const (
	ExitOK       = 0 // done, also when nothing changed
	ExitFailed   = 1 // failed
	ExitUsage    = 2 // called wrongly
	ExitFindings = 3 // done, but something was quarantined or found
)

// Environment is what the process gives to the command line.
type Environment struct {
	Args    []string
	Environ []string
	Stdin   *os.File
	Stdout  io.Writer
	Stderr  io.Writer
}

// outcome is a code that a command ends with although nothing went wrong that is worth a message.
type outcome int

func (o outcome) Error() string { return fmt.Sprintf("exit code %d", int(o)) }

// usage marks an error of the caller.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// Run runs a command line and answers the exit code.
func Run(ctx context.Context, env Environment) int {
	root := newRoot(env)
	root.SetArgs(env.Args)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	var code outcome
	var wrong usage
	var e *errs.Error
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &e):
		printError(env.Stderr, err)
		if errors.As(err, &wrong) || errs.HasCode(err, errs.ConfigurationInvalid) {
			return ExitUsage
		}
		return ExitFailed
	case errors.Is(err, context.Canceled):
		return ExitFailed
	case errors.As(err, &wrong):
		fmt.Fprintf(env.Stderr, "fgd: %v\n", err)
		return ExitUsage
	}
	// What cobra itself says is about the call: an unknown command or flag, a missing argument.
	fmt.Fprintf(env.Stderr, "fgd: %v\nSee fgd --help.\n", err)
	return ExitUsage
}

// printError shows the public face of an error, its cause where the person can use it, and the remedy.
func printError(w io.Writer, err error) {
	e := errs.From(err)
	fmt.Fprintf(w, "fgd: %s %s: %s\n", e.Code.ID, e.Code.Name, e.Message)
	if e.Cause != nil {
		fmt.Fprintf(w, "  cause: %v\n", e.Cause)
	}
	fmt.Fprintf(w, "  remedy: %s\n", e.RemedyText())
}

func newRoot(env Environment) *cobra.Command {
	root := &cobra.Command{
		Use: "fgd", Short: "Keeps the Git directories of Hedgehog fabrics in order",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(newUp(env), newSync(env), newCheck(env), newValidate(env), newDoctor(env), newQuarantine(env),
		newHistory(env), newDiff(env),
		newRestore(env), newState(env), newDeadLetters(env), newCredentials(env), newDemo(env), &cobra.Command{
			Use: "version", Short: "Print the version", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "fgd "+app.Version)
				return err
			},
		})
	return root
}

func isUsage(err error) bool {
	var wrong usage
	return errors.As(err, &wrong)
}
