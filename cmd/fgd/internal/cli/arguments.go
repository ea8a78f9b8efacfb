package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fgdsync.dev/libs/nearest"
)

// noLimit is the most arguments of a command that takes any number.
const noLimit = 1 << 20

// noArguments refuses words beside the flags, and says where the repository belongs, which is what people try to give.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if cmd.Flags().Lookup("repo") != nil {
		hint = "; a repository is given as --repo " + args[0]
	}
	return fmt.Errorf("%s takes nothing but flags, and %q is none%s", cmd.CommandPath(), args[0], hint)
}

// noSuchCommand refuses words that are none of the commands of a group, and says which one was perhaps meant.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, of := range cmd.Commands() {
		names = append(names, of.Name())
	}
	hint := ""
	if meant := nearest.To(args[0], names); meant != "" {
		hint = "; perhaps " + meant + " is meant"
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), hint)
}

// arguments refuses fewer or more words than a command takes; what is one of them.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s needs a %s", cmd.CommandPath(), what)
		case len(args) > most:
			return fmt.Errorf("%s does not know what to do with %q; %d is the most that it takes", cmd.CommandPath(), args[most],
				most)
		}
		return nil
	}
}

// checkFlags refuses a call whose flags are not right.
func checkFlags(cmd *cobra.Command, args []string) error {
	if form, err := cmd.Flags().GetString("output"); err == nil {
		if err := (&output{form: form}).check(); err != nil {
			return err
		}
	}
	return requiredFlags(cmd, args)
}

// requiredFlags says which flags are missing, before cobra says it in its own words.
func requiredFlags(cmd *cobra.Command, _ []string) error {
	var missing []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Annotations[cobra.BashCompOneRequiredFlag] != nil && !f.Changed {
			missing = append(missing, "--"+f.Name)
		}
	})
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s needs %s", cmd.CommandPath(), strings.Join(missing, " and "))
}

// flagError says in words what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		return fmt.Errorf("--%s is %q, which is no %s", value.GetFlag().Name, value.GetValue(), takes(value.GetFlag()))
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		if _, err := strconv.Atoi(unknown.GetSpecifiedName()); err == nil {
			return fmt.Errorf("-%s is no number that %s takes; they begin with 1", unknown.GetSpecifiedName(), cmd.CommandPath())
		}
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if meant := nearest.To(unknown.GetSpecifiedName(), names); meant != "" {
			return fmt.Errorf("%w; perhaps --%s is meant", err, meant)
		}
	}
	return err
}

// takes says in words what a flag takes.
func takes(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "bool":
		return "true or false"
	case "int", "int32", "int64":
		return "whole number"
	case "time":
		return "time; write 2026-01-31, 2026-01-31 13:30:00 (UTC) or 2026-01-31T13:30:00+01:00"
	}
	return flag.Value.Type()
}
