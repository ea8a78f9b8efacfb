package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/libs/errs"
)

// confirmation says whether a command may do what can't be undone.
type confirmation struct{ yes, noInput bool }

func (c *confirmation) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do it, and ask nothing")
	cmd.Flags().BoolVar(&c.noInput, "no-input", false, "ask nothing; without --yes nothing is done")
}

// ask asks a person at a terminal whether to go on. Where there is none, --yes has to be said.
func (c *confirmation) ask(env Environment, what string) error {
	if c.yes {
		return nil
	}
	isSeen := env.Stdin != nil && term.IsTerminal(int(env.Stdin.Fd())) && env.errors().Terminal()
	if c.noInput || !isSeen {
		return exit.Misuse(errs.New(errs.InvalidRequest, "%s Nobody is asked here, and nothing was done.", what).
			WithRemedy("Say --yes when it is wanted."))
	}
	_, _ = fmt.Fprintf(env.Stderr, "%s Go on? [y/N] ", what)
	answer, _ := bufio.NewReader(env.Stdin).ReadString('\n') // an end is a no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	_, _ = fmt.Fprintln(env.Stderr, "Nothing was done.")
	return exit.Code(exit.Failed)
}
