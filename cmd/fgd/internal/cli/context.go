package cli

import (
	"cmp"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/contexts"
	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
)

func newContext(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "context", Short: "Name running systems, and say which one commands are for",
		Long: `A context is the name of a running system, with its address and the files that say what is trusted and shown there.
They are kept in fgd/config.yaml of XDG_CONFIG_HOME, or of .config in your home. A token is never kept there.

Which system a command is for, the first of these says: --server, --context, the variables ` + envServer + `
and ` + envContext + `, the current context, and where fgd up serves on this machine, ` + defaultServer + `.`,
	}, newContextSet(env), newContextUse(env), newContextList(env), newContextShow(env), newContextRemove(env))
}

func newContextSet(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "set NAME --server HOST:PORT", Short: "Make a context, or change what flags name of it",
		Long: "Makes a context, or changes what flags name of one that is there. The first one is the current one.",
		Args: arguments(1, 1, "NAME"),
	}
	wanted := &contexts.Context{}
	flags := cmd.Flags()
	flags.StringVar(&wanted.Server, "server", "",
		"`address` of gRPC of fgd up, or of a bridge, as HOST:PORT; https://HOST:PORT for TLS")
	flags.StringVar(&wanted.CAFile, "ca-file", "",
		"PEM `file` of authorities that are trusted there; empty for those of this machine")
	flags.StringVar(&wanted.TokenFile, "token-file", "", "`file` with the token that is shown there; empty for none")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := contexts.CheckName(args[0]); err != nil {
			return err
		}
		isCurrent := false
		err := contextsOf(env).Change(cmd.Context(), func(all *contexts.All) error {
			changed, err := merged(cmd, all.Contexts[args[0]], *wanted)
			if err != nil {
				return err
			}
			all.Contexts[args[0]], all.Current = changed, cmp.Or(all.Current, args[0])
			isCurrent = all.Current == args[0]
			return nil
		})
		if err != nil {
			return err
		}
		env.printf("The context %s is set%s.\n", args[0], map[bool]string{true: "; it is the current one"}[isCurrent])
		return nil
	}
	return cmd
}

// merged returns a context with what flags name of it.
func merged(cmd *cobra.Command, is, wanted contexts.Context) (contexts.Context, error) {
	if cmd.Flags().Changed("server") || is.Server == "" {
		if wanted.Server == "" {
			return is, exit.Misuse(errs.New(errs.InvalidRequest, "A context needs the address of a server.").
				WithRemedy("Give --server HOST:PORT."))
		}
		is.Server = wanted.Server
	}
	for _, file := range []struct {
		flag, path string
		to         *string
	}{{"ca-file", wanted.CAFile, &is.CAFile}, {"token-file", wanted.TokenFile, &is.TokenFile}} {
		if !cmd.Flags().Changed(file.flag) {
			continue
		}
		path, err := absolute(file.path)
		if err != nil {
			return is, err
		}
		*file.to = path
	}
	return is, checkServer(is.Server)
}

func newContextUse(env Environment) *cobra.Command {
	return &cobra.Command{
		Use: "use NAME", Short: "Make a context the current one", Args: arguments(1, 1, "NAME"),
		ValidArgsFunction: offerContexts(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := contextsOf(env).Change(cmd.Context(), func(all *contexts.All) error {
				_, err := all.Named(args[0])
				all.Current = args[0]
				return err
			})
			if err == nil {
				env.printf("The context %s is the current one.\n", args[0])
			}
			return err
		},
	}
}

func newContextList(env Environment) *cobra.Command {
	out := &output{env: env}
	cmd := &cobra.Command{
		Use: "list", Short: "List the contexts", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			all, err := contextsOf(env).Load()
			if err != nil {
				return err
			}
			return out.print(all, func() { render.Contexts(out.results(), all) })
		},
	}
	out.add(cmd)
	return cmd
}

func newContextShow(env Environment) *cobra.Command {
	return &cobra.Command{
		Use: "show [NAME]", Short: "Show a context; without a name, which system commands are for, and what says so",
		Args: arguments(0, 1, "NAME"), ValidArgsFunction: offerContexts(env),
		RunE: func(_ *cobra.Command, args []string) error {
			flags := serverFlags{}
			if len(args) > 0 {
				flags.context = args[0]
			}
			found, err := flags.choose(env)
			if err != nil {
				return err
			}
			from := found.from
			if flags.context != "" {
				from = ""
			}
			render.Context(env.results(), found.name, found.Context, from)
			return nil
		},
	}
}

func newContextRemove(env Environment) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Forget a context; its login stays", Args: arguments(1, 1, "NAME"),
		ValidArgsFunction: offerContexts(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := contextsOf(env).Change(cmd.Context(), func(all *contexts.All) error {
				if _, err := all.Named(args[0]); err != nil {
					return err
				}
				delete(all.Contexts, args[0])
				if all.Current == args[0] {
					all.Current = ""
				}
				return nil
			})
			if err == nil {
				env.printf("The context %s is forgotten.\n", args[0])
			}
			return err
		},
	}
}
