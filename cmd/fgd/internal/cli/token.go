package cli

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// envToken is the variable that holds what a command shows to a running system.
const envToken = "HEDGEHOG_FGD_TOKEN"

// bootstrapToken is where fgd up puts the first token, seen from where it was started.
const bootstrapToken = "fgd-data/bootstrap.token" //nolint:gosec // the name of a file

// readToken returns what a command shows to a server: of the variable, of the file that is named, of the login for it,
// or of the file that fgd up leaves here, where the server is on this machine; nothing where there is none of them.
// Whoever has signed in acts as himself, also where the first token lies.
func readToken(ctx context.Context, env Environment, file, server string) (secret.String, error) {
	if text := app.Environment(env.Environ, envToken); text != "" {
		return secret.New(strings.TrimSpace(text)), nil
	}
	named := file != ""
	if !named {
		token, err := logins(env).Token(ctx, server)
		if err != nil || !token.IsZero() || !isHere(server) {
			return token, err
		}
		file = bootstrapToken
	}
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) && !named {
		return secret.String{}, nil
	}
	if err != nil {
		return secret.String{}, exit.Misuse(errs.New(errs.InvalidRequest, "The token in %s can't be read.", file).
			WithCause(err).WithRemedy("Name a file with a token as --token-file, or set %s.", envToken))
	}
	return secret.New(strings.TrimSpace(string(raw))), nil
}

func newToken(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "token", Short: "Look after the tokens that callers of a running system show",
		Long: "The first token is made at the first start, and kept in bootstrap.token of the data folder.",
	}, newTokenCreate(env), newTokenList(env), newTokenRotate(env), newTokenRevoke(env))
}

// wish is a token as flags say it.
type wish struct {
	role     string
	fabrics  []string
	all      bool
	rights   []string
	networks []string
	speaks   bool
	lifetime time.Duration
	out      string
}

func newTokenCreate(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "create NAME --role ROLE --fabric N | --all-fabrics", Short: "Make a token, and print it, this once",
		Args: arguments(1, 1, "NAME"),
		Long: `Makes a token and prints it, or writes it into a file that only you can read. It can't be shown again. NAME is who
asks, in records and commits.`,
	}
	r, w := newRunning(env, cmd), &wish{}
	flags := cmd.Flags()
	flags.StringVar(&w.role, "role", "", "`role`: viewer, operator or admin (required)")
	flags.StringSliceVar(&w.fabrics, "fabric", nil, "name or `number` of a fabric that it is for; repeat it for more")
	r.offersFor(cmd, "fabric", r.fabricNames)
	flags.BoolVar(&w.all, "all-fabrics", false, "it is for all fabrics, those to come among them")
	flags.StringSliceVar(&w.rights, "right", nil,
		"`right` of an admin of some fabrics: name_hosts, name_references, force, take_over, allow_repository_root")
	flags.StringSliceVar(&w.networks, "network", nil, "`network` that it may be used from, as 10.0.0.0/8")
	flags.BoolVar(&w.speaks, "speaks-for-people", false, "it is for a service that says for whom it asks, as HNP does")
	flags.DurationVar(&w.lifetime, "lifetime", 0, "for how long it is taken, as 720h; 90 days without it")
	addOutFlag(cmd, &w.out)
	_ = cmd.MarkFlagRequired("role")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return r.createToken(cmd.Context(), args[0], w) }
	return cmd
}

func (r *running) createToken(ctx context.Context, name string, w *wish) error {
	if w.all == (len(w.fabrics) > 0) {
		return exit.Misuse(errs.New(errs.InvalidRequest, "It has to be said which fabrics the token is for.").
			WithRemedy("Give --fabric for each, or --all-fabrics."))
	}
	var ids []int32
	for _, word := range w.fabrics {
		id, err := r.FabricID(ctx, word)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if w.out != "" {
		if err := writable(w.out); err != nil { // before there is a token that could be lost
			return err
		}
	}
	answer, err := r.CreateToken(ctx, &bridgev1.CreateTokenRequest{
		Name: name, Networks: w.networks, SpeaksForPeople: w.speaks,
		Grants: []*bridgev1.Grant{{Role: w.role, FabricIds: ids, AllFabrics: w.all, Rights: w.rights}},
	}, w.lifetime)
	if err != nil {
		return err
	}
	return r.handOver(answer.GetToken(), answer.GetText(), w.out)
}

// handOver shows a token this once, or writes it into a file.
func (r *running) handOver(token *bridgev1.Token, text, out string) error {
	if out != "" {
		if err := writeToken(out, text, "fgd token rotate "+token.GetTokenId()); err != nil {
			return err
		}
		text = ""
	}
	answer := &bridgev1.CreateTokenResponse{Token: token, Text: text}
	return r.print(answer, func() { render.NewToken(r.env.Stdout, token, text, out) })
}

func newTokenList(env Environment) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List tokens, without their secrets", Args: noArguments}
	r := newRunning(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		answer, err := r.Tokens(cmd.Context())
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Tokens(r.results(), answer.GetTokens()) })
	}
	return cmd
}

func newTokenRotate(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rotate ID", Short: "Give a token another secret, and print it; the old one is not taken any more",
		Args: arguments(1, 1, "token's ID"),
	}
	var lifetime time.Duration
	var out string
	cmd.Flags().DurationVar(&lifetime, "lifetime", 0,
		"for how long it is taken from now on; as long as before without it")
	addOutFlag(cmd, &out)
	r := newRunning(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if out != "" {
			if err := writable(out); err != nil { // before the old one is taken no more
				return err
			}
		}
		answer, err := r.RotateToken(cmd.Context(), args[0], lifetime)
		if err != nil {
			return err
		}
		return r.handOver(answer.GetToken(), answer.GetText(), out)
	}
	return cmd
}

func newTokenRevoke(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke ID", Short: "Have a token taken no more", Args: arguments(1, 1, "token's ID"),
	}
	r, confirm := newRunning(env, cmd), &confirmation{}
	confirm.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := confirm.ask(env, "The token "+args[0]+" would be taken no more."); err != nil {
			return err
		}
		answer, err := r.RevokeToken(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Revoked(env.Stdout, answer.GetToken()) })
	}
	return cmd
}
