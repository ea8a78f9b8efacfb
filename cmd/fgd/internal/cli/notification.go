package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
)

func newNotification(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "notification", Short: "Look at who outside is told what is the matter with fabrics, and try it",
		Long: "Targets are in the notifications_file of the bridge; what is shown is how the bridge that is asked has them.",
	}, newNotificationList(env), newNotificationTest(env))
}

func newNotificationList(env Environment) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the targets, and how each is", Args: noArguments}
	r := newRunning(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return r.listNotifications(cmd.Context()) }
	return cmd
}

// listNotifications prints targets; for programs the list alone, as all lists.
func (r *running) listNotifications(ctx context.Context) error {
	answer, err := r.Notifications(ctx)
	if err != nil {
		return err
	}
	if r.form == formName && r.jq == "" {
		for _, target := range answer.GetTargets() {
			r.env.printf("%s\n", target.GetName())
		}
		return nil
	}
	data, err := render.Plain(answer)
	if err != nil {
		return err
	}
	targets := data.(map[string]any)["targets"] //nolint:forcetypeassert // an object, of a message
	return r.print(targets, func() { render.Notifications(r.results(), answer.GetTargets()) })
}

func newNotificationTest(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "test TARGET", Short: "Send a message to a target, once, and say what came of it",
		Long: "Sends a message of the type fgd.test to a target, once. The exit code is 1 when it was not taken.",
		Args: arguments(1, 1, "target's name"),
	}
	r := newRunning(env, cmd)
	r.offers(cmd, r.targetNames)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		answer, err := r.TestNotification(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		err = r.print(answer, func() { render.NotificationTested(env.results(), args[0], answer) })
		if err == nil && !answer.GetTaken() {
			return exit.Code(exit.Failed)
		}
		return err
	}
	return cmd
}

// targetNames returns the names of targets, to complete.
func (r *running) targetNames(ctx context.Context, _ []string) (names []cobra.Completion, err error) {
	answer, err := r.Notifications(ctx)
	for _, target := range answer.GetTargets() {
		names = append(names, target.GetName())
	}
	return names, err
}
