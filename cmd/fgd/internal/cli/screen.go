package cli

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// checkSync refuses, by the names of the flags, what a command that runs a sync can't be told.
func (t *target) checkSync(options *syncv1.SyncOptions) error {
	switch {
	case t.stat && !options.GetValidateOnly():
		return exit.Misuse(errs.New(errs.InvalidRequest, "--stat is of the diff of --dry-run, which is not said.").
			WithRemedy("Say --dry-run too; without it the sync publishes, and prints no diff."))
	case t.FabricID < 0:
		return exit.Misuse(errs.New(errs.InvalidRequest, "--fabric-id is %d; fabrics have numbers from 1.", t.FabricID))
	}
	return nil
}

func (t *target) addStatFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&t.stat, "stat", false, "of a diff, only how much differs in each file")
}

// asked is the sync that the command line asks for.
func (t *target) asked() render.Run {
	return render.Run{
		Repository: t.Repo, Branch: t.Branch, Directory: t.Dir, StatOnly: t.stat, Next: t.command,
	}
}

// command returns the call of another command for the same directory.
func (t *target) command(name string) string {
	if t.Repo == "" {
		return t.system.command(name + " " + quoted(t.fabric))
	}
	words := []string{"fgd", name, "--repo", quoted(t.Repo), "--branch", quoted(t.Branch), "--dir", quoted(t.Dir)}
	for _, flag := range []struct {
		name, value string
	}{{"--config", t.ConfigPath}, {"--credentials-file", t.CredentialsFile}} {
		if flag.value != "" {
			words = append(words, flag.name, quoted(flag.value))
		}
	}
	if t.AllowHTTP {
		words = append(words, "--allow-http")
	}
	for _, network := range t.AllowNetworks {
		words = append(words, "--allow-network", network)
	}
	return strings.Join(words, " ")
}

// command returns the call of another command for the same system.
func (r *running) command(name string) string {
	call := "fgd " + name
	for _, flag := range []struct {
		name, value string
	}{
		{"--server", r.where.server},
		{"--context", r.where.context},
		{"--ca-file", r.where.caFile},
		{"--token-file", r.where.tokenFile},
	} {
		if flag.value != "" {
			call += " " + flag.name + " " + quoted(flag.value)
		}
	}
	return call
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quoted returns a word as a shell takes it.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// host returns the name of the host that a repository is on, for people.
func host(repo string) string {
	if u, err := url.Parse(repo); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	if before, _, found := strings.Cut(repo, ":"); found { // user@host:path
		return before[strings.LastIndex(before, "@")+1:]
	}
	return "this machine"
}
