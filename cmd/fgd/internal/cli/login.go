package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/login"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/secret"
)

func newLogin(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "login", Short: "Sign in for a running system at the issuer that it trusts", Args: noArguments,
		Long: `Prints a page and a code, waits until somebody has signed in there with any browser, and keeps what comes of it for
the server. Commands for that server then act for that person, until fgd logout. Sign in only
for a system that you trust: it gets what proves who you are.`,
	}
	r := newReached(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return r.login(cmd.Context()) }
	return cmd
}

func (r *running) login(ctx context.Context) error {
	where, err := r.Login(ctx)
	if err != nil {
		return err
	}
	found, err := login.SignIn(ctx, r.Server, where, func(p login.Prompt) { render.SignIn(r.env.Stderr, p) })
	if err != nil {
		return err
	}
	r.Token = func(context.Context) (secret.String, error) { return found.Access, nil }
	who, err := r.Caller(ctx) // before it is kept: one that the system does not take is of no use
	if err != nil {
		return err
	}
	if err := logins(r.env).Save(found); err != nil {
		return err
	}
	return r.print(who, func() { render.Caller(r.env.Stdout, r.Server, who) })
}

func newLogout(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "logout", Short: "Forget the login for a running system", Args: noArguments,
		Long: `Removes what fgd login has kept for a server. The issuer is not asked; what it has given ends by itself.`,
	}
	where := &serverFlags{}
	where.add(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		found, err := where.choose(env)
		if err != nil {
			return err
		}
		removed, err := logins(env).Remove(found.Server)
		switch {
		case err != nil:
			return err
		case removed:
			env.printf("The login for %s is forgotten.\n", found.Server)
		default:
			env.printf("There is no login for %s.\n", found.Server)
		}
		return nil
	}
	return cmd
}

func logins(env Environment) login.Store { return login.NewStore(app.Lookup(env.Environ)) }
