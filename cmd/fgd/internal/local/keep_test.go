package local

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/services/orchestrator"
)

// kept is where services keep what they have.
type kept struct{ Repositories, Key, Ledger string }

func keptWith(t *testing.T, source *config.Source) kept {
	t.Helper()
	git, orchestration := githubsync.DefaultConfig(), orchestrator.DefaultConfig()
	for _, target := range []any{&git, &orchestration} {
		if err := source.Into(target); err != nil {
			t.Fatal(err)
		}
	}
	return kept{git.DataDir, git.CredentialsKeyFile, orchestration.LedgerFile}
}

func load(t *testing.T, environ ...string) *config.Source {
	t.Helper()
	source, err := config.Load("", environ)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// TestOneProcessKeepsWhatFiveKeep: fgd up and five processes that are started in one folder, one after the other, have
// the same key, ledger and repositories. It has the folder of the process for itself.
func TestOneProcessKeepsWhatFiveKeep(t *testing.T) {
	t.Chdir(t.TempDir())
	one, err := Up{DataDir: "fgd-data"}.configure(load(t))
	if err != nil {
		t.Fatal(err)
	}
	want := kept{"fgd-data/git", "fgd-data/credentials.key", "fgd-data/ledger.db"}
	if got := keptWith(t, one); got != want {
		t.Errorf("fgd up keeps %+v", got)
	}
	if got := keptWith(t, load(t)); got != want {
		t.Errorf("five processes keep %+v", got)
	}
}

// TestTwoOverOneRedis: fgd up takes the keys that it is told, since tokens of another one are of use with its peppers
// only.
func TestTwoOverOneRedis(t *testing.T) {
	t.Parallel()
	said := map[string]string{
		"token_pepper_file": "/s/peppers", "webhook_key_file": "/s/webhooks", "bootstrap_token_file": "/s/first",
		"audit_file": "/s/audit", "audit_key_file": "/s/audit.key",
	}
	var environ []string
	for key, file := range said {
		environ = append(environ, config.EnvPrefix+strings.ToUpper(key)+"="+file)
	}
	second, err := Up{DataDir: t.TempDir()}.configure(load(t, environ...))
	if err != nil {
		t.Fatal(err)
	}
	for key, file := range said {
		if got := second.Text(key, ""); got != file {
			t.Errorf("%s is %q", key, got)
		}
	}
}

// TestTheKeyFileThatIsSaid counts for fgd up and for commands, also when it is said that there is none; a command has
// none of its own.
func TestTheKeyFileThatIsSaid(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, c := range []struct {
		environ     []string
		up, command string
	}{
		{nil, folder + "/credentials.key", ""},
		{[]string{"HEDGEHOG_FGD_CREDENTIALS_KEY_FILE="}, "", ""},
		{[]string{"HEDGEHOG_FGD_CREDENTIALS_KEY_FILE=/k"}, "/k", "/k"},
	} {
		up, err := Up{DataDir: folder}.configure(load(t, c.environ...))
		if err != nil {
			t.Fatal(err)
		}
		command, err := (&Target{}).configure(load(t, c.environ...), folder, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := keptWith(t, up).Key; got != c.up {
			t.Errorf("%v: fgd up has %q", c.environ, got)
		}
		if got := keptWith(t, command).Key; got != c.command {
			t.Errorf("%v: a command has %q", c.environ, got)
		}
	}
}

// TestANumberThatNoFabricHas is refused by the name of the flag, and not by that of a field that nobody wrote.
func TestANumberThatNoFabricHas(t *testing.T) {
	t.Parallel()
	_, _, err := (&Target{Repo: t.TempDir(), FabricID: -1}).prepare(Environment{})
	if !errs.HasCode(err, errs.InvalidRequest) || !strings.Contains(err.Error(), "--fabric-id is -1") {
		t.Errorf("got %v", err)
	}
}
