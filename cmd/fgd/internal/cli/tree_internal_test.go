package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "rewrite docs/cli-reference.md")

// Tree calls back with every command that people may call, those of cobra among them.
func Tree(visit func(*cobra.Command)) {
	root := newRoot(Environment{Stdout: io.Discard, Stderr: io.Discard})
	root.InitDefaultCompletionCmd("completion")
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		visit(cmd)
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() && sub.Name() != "help" {
				walk(sub)
			}
		}
	}
	walk(root)
}

// TestEveryCommandIsRunByAScript: what no script runs, nobody knows to work as it is documented.
func TestEveryCommandIsRunByAScript(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var scripts strings.Builder
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		scripts.Write(raw)
	}
	Tree(func(cmd *cobra.Command) {
		if cmd.HasAvailableSubCommands() && cmd.Name() != "sync" {
			return
		}
		words := regexp.QuoteMeta(cmd.CommandPath())
		if cmd.HasAvailableSubCommands() { // its own call, and not that of another below it
			words += " --repo"
		}
		call := regexp.MustCompile(`(?m)^[^#\n]*exec (sh -c ['"])?([^'"\n]*[ ;|])?` + words + `( |$)`)
		if !call.MatchString(scripts.String()) {
			t.Errorf("no script of testdata runs %s", cmd.CommandPath())
		}
	})
}

// TestReference: docs/cli-reference.md has every command and flag, as --help shows them.
func TestReference(t *testing.T) {
	t.Parallel()
	var made strings.Builder
	made.WriteString("# Every command and flag\n\nThis page is made of the commands themselves: what `fgd COMMAND --help` " +
		"says. [The command line](cli.md) has\nhow they are used. `go test ./cmd/fgd/internal/cli -run TestReference " +
		"-args -update` makes it anew.\n")
	Tree(func(cmd *cobra.Command) { made.WriteString(section(cmd)) })
	const page = "../../../../docs/cli-reference.md"
	if *update {
		if err := os.WriteFile(page, []byte(made.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	is, err := os.ReadFile(page)
	if err != nil || string(is) != made.String() {
		t.Errorf("docs/cli-reference.md is not what the commands are (%v): make it anew by\n"+
			"go test ./cmd/fgd/internal/cli -run TestReference -args -update", err)
	}
}

// section returns what the reference says of a command.
func section(cmd *cobra.Command) string {
	text := fmt.Sprintf("\n## %s\n\n%s.\n", cmd.CommandPath(), strings.TrimSuffix(cmd.Short, "."))
	if cmd.Long != "" {
		text += "\n```text\n" + strings.TrimSpace(cmd.Long) + "\n```\n"
	}
	if cmd.Runnable() && !cmd.HasAvailableSubCommands() || cmd.Name() == "sync" {
		flags := strings.TrimRight(cmd.LocalFlags().FlagUsagesWrapped(116), "\n")
		text += "\n```text\n" + cmd.UseLine() + "\n\n" + flags + "\n```\n"
	}
	return text
}

// TestEveryCommandHasAGroup in the help of fgd.
func TestEveryCommandHasAGroup(t *testing.T) {
	t.Parallel()
	for _, cmd := range newRoot(Environment{}).Commands() {
		if cmd.GroupID == "" {
			t.Errorf("%s is in no group of groups.go", cmd.CommandPath())
		}
	}
}
