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

// results is where results go, errors where all else goes.
func (e Environment) results() *render.Screen {
	return render.NewScreen(e.Stdout, app.Lookup(e.Environ))
}

func (e Environment) errors() *render.Screen {
	return render.NewScreen(e.Stderr, app.Lookup(e.Environ))
}

// failed prints an error, as a result for whoever asked for JSON, and returns the exit code.
func (e Environment) failed(err error, asJSON bool) int {
	if !asJSON || render.ErrorDocument(e.Stdout, err) != nil {
		render.Error(e.errors(), err)
	}
	return exit.Of(err)
}

// publishes is the annotation of commands that may publish a commit.
const publishes = "publishes"

// interrupted says that a command was, and for one that publishes, where to see whether it had done so.
func (e Environment) interrupted(cmd *cobra.Command) {
	err := errs.New(errs.SyncCancelled, "The command was interrupted.").WithRemedy("Call it again.")
	hint := ""
	if cmd.Annotations[publishes] != "" {
		hint = "; whether it has published is on the branch: see fgd history"
		err = err.WithRemedy("See fgd history: the commit may be on the branch. Then call the command again.")
	}
	if !wantsJSON(cmd) || render.ErrorDocument(e.Stdout, err) != nil {
		fmt.Fprintf(e.Stderr, "fgd: interrupted%s\n", hint)
	}
}

// Run runs a command line and returns the exit code.
func Run(ctx context.Context, env Environment) int {
	root := newRoot(env)
	root.SetArgs(env.Args)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(flagError)
	completeInBash(root)
	cmd, err := root.ExecuteContextC(ctx)
	var code exit.Code
	switch {
	case err != nil && ctx.Err() != nil: // whatever became of the work then
		env.interrupted(cmd)
		return exit.Interrupted
	case err == nil, errors.As(err, &code):
		return exit.Of(err)
	case errs.IsError(err):
		return env.failed(err, wantsJSON(cmd))
	}
	// What is left is about the call: an unknown command or flag, a missing argument.
	render.Misuse(env.errors(), err, cmd.CommandPath())
	return exit.Misused
}

func newRoot(env Environment) *cobra.Command {
	root := &cobra.Command{
		Use: "fgd", Short: "Keeps the Git directories of Hedgehog fabrics in order",
		Version: app.Version, SilenceUsage: true, SilenceErrors: true, PersistentPreRunE: checkFlags,
	}
	root.Flags().BoolP("version", "v", false, "print the version")
	root.SetVersionTemplate(versionText() + "\n")
	group(root, newUp(env), newSync(env), newCheck(env), newValidate(env), newDoctor(env), newQuarantine(env),
		newHistory(env), newDiff(env), newRestore(env), newState(env), newDeadLetters(env), newToken(env), newFabric(env),
		newResource(env), newConflicts(env), newNetBox(env), newAudit(env), newCerts(env),
		newTop(env), newEvent(env), newNotification(env), newSupportBundle(env),
		newConfig(env), newMigrate(env), newWait(env), newHealth(env), newContext(env), newLogin(env),
		newLogout(env), newCredentials(env), newDemo(env),
		newMan(), newVersion())
	sortIntoGroups(root)
	return root
}

// group makes a command of one that only holds others: alone it shows its help, and a word that is none of them is a
// wrong call.
func group(cmd *cobra.Command, of ...*cobra.Command) *cobra.Command {
	cmd.Args = noSuchCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.DisableFlagsInUseLine = true
	cmd.AddCommand(of...)
	return cmd
}

func versionText() string { return "fgd " + app.Version }

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), versionText())
			return err
		},
	}
}
