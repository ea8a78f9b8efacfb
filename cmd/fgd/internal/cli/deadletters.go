package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/render"
)

func newDeadLetters(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "dead-letters", Short: "Look at work that could not be handled, and have it handled again",
		Long: "A sync that was given to workers many times and never came to an end has failed, and its work entry is here.",
	}, newDeadLettersList(env), newDeadLettersReplay(env))
}

func newDeadLettersList(env Environment) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List them, oldest first", Args: noArguments}
	r := newRunning(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return r.listDeadLetters(cmd.Context()) }
	return cmd
}

func (r *running) listDeadLetters(ctx context.Context) error {
	answer, err := r.DeadLetters(ctx)
	if err != nil {
		return err
	}
	return r.print(answer, func() { render.DeadLetters(r.results(), answer.GetDeadLetters()) })
}

func newDeadLettersReplay(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "replay ID…", Short: "Have some handled again: start the syncs that they ask for anew",
		Args: arguments(1, noLimit, "ID"),
	}
	r := newRunning(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return r.replay(cmd.Context(), args) }
	return cmd
}

func (r *running) replay(ctx context.Context, ids []string) error {
	answer, err := r.ReplayDeadLetters(ctx, ids)
	if err != nil {
		return err
	}
	return r.print(answer, func() { render.Replayed(r.env.Stdout, answer) })
}
