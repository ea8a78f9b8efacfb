package cli

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// envAdminToken is the variable that holds the token of an administrator of NetBox.
const envAdminToken = "HEDGEHOG_FGD_NETBOX_ADMIN_TOKEN" //nolint:gosec // the name of a variable

const longestToken = 4 << 10

// adminToken reads the token of an administrator: of a file, of what comes in where the file is "-", or of the
// variable. It is no argument, which everybody on the machine sees.
func adminToken(env Environment, file string) (secret.String, error) {
	text := app.Environment(env.Environ, envAdminToken)
	switch {
	case file == "-" && env.Stdin != nil:
		raw, err := io.ReadAll(io.LimitReader(env.Stdin, longestToken))
		if err != nil {
			return secret.String{}, unreadableToken(err)
		}
		text = string(raw)
	case file != "":
		raw, err := os.ReadFile(file)
		if err != nil {
			return secret.String{}, unreadableToken(err)
		}
		text = string(raw)
	}
	if text = strings.TrimSpace(text); text == "" {
		return secret.String{}, unreadableToken(nil)
	}
	return secret.New(text), nil
}

func unreadableToken(cause error) error {
	return exit.Misuse(errs.New(errs.InvalidRequest, "The token of an administrator of NetBox is needed, and can't be read.").
		WithCause(cause).
		WithRemedy("Name a file with it as --admin-token-file (- is what comes in), or set %s.", envAdminToken))
}

func addAdminFlags(cmd *cobra.Command, url, file *string, planOnly *bool) {
	addNetBoxFlags(cmd, url, nil)
	cmd.Flags().StringVar(file, "admin-token-file", "",
		"`file` with the token of an administrator of NetBox, - for what comes in; else "+envAdminToken)
	cmd.Flags().BoolVar(planOnly, "dry-run", false, "say what would be done, and do nothing")
}

func newNetBoxSetUp(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "setup", Short: "Make in NetBox what delivery needs: a user, its permissions, a token, a webhook",
		Args: noArguments,
		Long: `Makes the user fgd-sync with the permissions that it needs and no more, and a token, which is printed this once, or
written into a file that only you can read. The token of the administrator is used for this alone, and kept nowhere.
Doing it again changes only what is missing or different. What it makes carries the id of the installation; what has one
of the names without that is somebody else's, and nothing is done then.`,
	}
	r, request := newRunning(env, cmd), &bridgev1.SetUpNetBoxRequest{}
	var adminFile, out string
	addAdminFlags(cmd, &request.Url, &adminFile, &request.PlanOnly)
	flags := cmd.Flags()
	flags.StringVar(&request.WebhookAddress, "webhook-address", "",
		"`address` of the JSON API as NetBox reaches it; without it no webhook is made")
	flags.StringSliceVar(&request.AllowedNetworks, "allowed-network", nil,
		"`network` that the token may be used from, as 192.0.2.0/24; repeat it for more")
	flags.BoolVar(&request.NewToken, "new-token", false, "make another token, with the networks of the one that is there, which is revoked")
	addOutFlag(cmd, &out)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		token, err := adminToken(env, adminFile)
		if err != nil {
			return err
		}
		request.AdminToken = token.Reveal()
		if out != "" && !request.GetPlanOnly() {
			if err := writable(out); err != nil { // before there is a token that could be lost
				return err
			}
		}
		answer, err := r.SetUpNetBox(cmd.Context(), request)
		if err != nil {
			return err
		}
		if out != "" && answer.GetToken() != "" {
			if err := writeToken(out, answer.GetToken(), "fgd netbox setup --new-token"); err != nil {
				return err
			}
			answer.Token = ""
		}
		return r.print(answer, func() { render.NetBoxSetUp(r.results(), answer, request.GetPlanOnly(), out) })
	}
	return cmd
}

func newNetBoxRemove(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove", Short: "Remove from NetBox what setup has made; records stay", Args: noArguments,
		Long: `Removes the user fgd-sync with its token, the permissions, the webhook and the event rule that setup has made. Fabrics
stay linked, and nothing is delivered for them any more: fgd fabric update FABRIC --no-netbox ends a link. --dry-run
names them.`,
	}
	r, request, confirm := newRunning(env, cmd), &bridgev1.RemoveNetBoxRequest{}, &confirmation{}
	confirm.add(cmd)
	var adminFile string
	addAdminFlags(cmd, &request.Url, &adminFile, &request.PlanOnly)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		token, err := adminToken(env, adminFile)
		if err != nil {
			return err
		}
		request.AdminToken = token.Reveal()
		if !request.GetPlanOnly() {
			if err := confirm.ask(env, "The user, the token and the webhook in NetBox would be removed."); err != nil {
				return err
			}
		}
		answer, err := r.RemoveNetBox(cmd.Context(), request)
		if err != nil {
			return err
		}
		var linked *bridgev1.GetNetBoxResponse
		if request.GetPlanOnly() {
			if linked, err = r.NetBox(cmd.Context()); err != nil {
				return err
			}
		}
		return r.print(answer, func() {
			render.NetBoxObjects(r.results(), answer.GetObjects(), request.GetPlanOnly())
			render.StillLinked(env.Stdout, linked, request.GetUrl())
		})
	}
	return cmd
}
