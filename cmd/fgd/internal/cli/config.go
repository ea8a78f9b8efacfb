package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/cmd/fgd/internal/settings"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
)

func newConfig(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "config", Short: "Check a configuration, see what it comes to, and what its keys are for",
	}, newConfigCheck(env), newConfigPrint(env), newConfigExplain(env))
}

func newConfigCheck(env Environment) *cobra.Command {
	out, path, services := &output{env: env}, "", []string(nil)
	cmd := &cobra.Command{
		Use: "check [--config FILE]", Short: "Say everything that is wrong with a configuration", Args: noArguments,
		Long: `Reads a file and the environment as fgd up and the five services would, and says at once everything that is
wrong: keys that nobody knows, values that are not allowed or contradict each other, files that can't be read, places
where a service would not listen because others reach it there, and variables with the prefix HEDGEHOG_FGD_ that nothing
reads. It reaches no network, and no file is changed.

Exit codes: 0 nothing is wrong, 1 failed, 2 called wrongly, 3 something is.`,
		RunE: func(*cobra.Command, []string) error {
			for _, name := range services {
				if !slices.Contains(settings.Services(), name) {
					return exit.Misuse(errs.New(errs.InvalidRequest, "--service is %q; it has to be one of %s.", name,
						strings.Join(settings.Services(), ", ")))
				}
			}
			report, err := settings.Check(path, env.Environ, services...)
			if err != nil {
				return err
			}
			if err := out.print(report, func() { render.Checked(env.results(), report) }); err != nil {
				return err
			}
			if len(report.Findings) > 0 {
				return exit.Code(exit.Findings)
			}
			return nil
		},
	}
	addConfigFlag(cmd, &path)
	cmd.Flags().StringSliceVar(&services, "service", nil, "`name` of the service that it is for; all of them without it")
	_ = cmd.RegisterFlagCompletionFunc("service",
		cobra.FixedCompletions(settings.Services(), cobra.ShellCompDirectiveNoFileComp))
	out.add(cmd)
	return cmd
}

func newConfigPrint(env Environment) *cobra.Command {
	out, path := &output{env: env}, ""
	cmd := &cobra.Command{
		Use: "print [--config FILE]", Short: "Show what every key is, and where that is said", Args: noArguments,
		Long: `Shows what every key comes to: FROM is "default", the place in the file, or the variable. What may hold a
password is "set" or "unset". Flags of fgd up are not looked at.`,
		RunE: func(*cobra.Command, []string) error {
			values, err := settings.Values(path, env.Environ)
			if err != nil {
				return exit.Misuse(err)
			}
			return out.print(values, func() { render.Settings(env.results(), values) })
		},
	}
	addConfigFlag(cmd, &path)
	out.add(cmd)
	return cmd
}

func newConfigExplain(env Environment) *cobra.Command {
	out := &output{env: env}
	cmd := &cobra.Command{
		Use: "explain KEY", Short: "Say what a key is for, and what it may be", Args: arguments(1, 1, "KEY"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, key := range settings.Keys() {
				names = append(names, key.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := config.Find(settings.Keys(), args[0])
			if err != nil {
				return exit.Misuse(err)
			}
			return out.print(key, func() { render.Explained(env.results(), key) })
		},
	}
	out.add(cmd)
	return cmd
}
