package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/cli"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/sshserver"
)

const document = "apiVersion: vpc.githedgehog.com/v1beta1\nkind: IPv4Namespace\nmetadata:\n  name: default\nspec:\n " +
	" subnets: [10.0.0.0/16]\n"

// run runs a command line in this process, so that what it leaves behind is seen.
func run(ctx context.Context, t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = cli.Run(ctx, cli.Environment{
		Args: args, Environ: []string{"USER=alice", "HEDGEHOG_FGD_GIT_USERNAME=u", "HEDGEHOG_FGD_GIT_PASSWORD=p"},
		Stdout: &out, Stderr: &err,
	})
	return code, out.String(), err.String()
}

func TestSync(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document + "---\nkind: [\n"})
	for _, want := range []struct {
		code int
		text string
	}{{3, "quarantined  1"}, {0, "(nothing changed)"}} {
		code, stdout, stderr := run(t.Context(), t, "sync", "--repo", host.URL("r.git"), "--dir", "f",
			"--allow-http", "--allow-network=127.0.0.0/8")
		if stderr != "" || code != want.code || !strings.Contains(stdout, want.text) {
			t.Errorf("want %v: exit %d\n%s%s", want, code, stdout, stderr)
		}
	}
	if log := host.Git(t, "r.git", "log", "-1", "--format=%B", "main"); !strings.Contains(log, "Requested-by: alice") ||
		!strings.Contains(log, "Fgd-Sync-Id: ") {
		t.Errorf("message:\n%s", log)
	}
	host.Commit(t, "r.git", "main", map[string]string{"f/managed/ipv4namespaces/default.yaml": "kind: [\n"})
	code, stdout, _ := run(t.Context(), t, "sync", "--repo", host.URL("r.git"), "--dir", "f", "--allow-http",
		"--allow-network=127.0.0.0/8")
	if code != 3 || !strings.Contains(stdout, "FGD_1029") || strings.Contains(stdout, "quarantined  1") {
		t.Errorf("with a managed file that can't be read: exit %d\n%s", code, stdout)
	}
	code, _, stderr := run(t.Context(), t, "sync", "--repo", "http://127.0.0.1:1/x.git", "--dir", "f")
	if code != 2 || !strings.Contains(stderr, "FGD_4009") {
		t.Errorf("refused: exit %d\n%s", code, stderr)
	}
}

// TestCheck: exit 0 without problems, 3 with some, and each is named.
func TestCheck(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	for _, want := range []struct {
		code   int
		text   string
		branch string
	}{{0, "can push        yes", "main"}, {3, "problem: FGD_4006 BRANCH_NOT_FOUND", "other"}, {2, "", "a..b"}} {
		code, stdout, stderr := run(t.Context(), t, "check", "--repo", host.URL("r.git"), "--branch", want.branch,
			"--allow-http", "--allow-network=127.0.0.0/8")
		if code != want.code || !strings.Contains(stdout, want.text) {
			t.Errorf("want %v: exit %d\n%s%s", want, code, stdout, stderr)
		}
	}
	if code, stdout, _ := run(t.Context(), t, "check", "--repo", host.URL("r.git"), "-o=json",
		"--allow-http", "--allow-network=127.0.0.0/8"); code != 0 || !strings.Contains(stdout, `"default_branch": "main"`) {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	if n := host.Commits(t, "r.git", "main"); n != 1 {
		t.Errorf("%d commits", n)
	}
}

// TestCheckWarns: what is no obstacle is told, and is no problem.
func TestCheckWarns(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	_, private := sshserver.NewKey(t)
	key, config := filepath.Join(t.TempDir(), "key"), filepath.Join(t.TempDir(), "fgd.yaml")
	for path, content := range map[string]string{key: private, config: "signing_key_file: " + key + "\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := run(t.Context(), t, "check", "--repo", host.URL("r.git"), "--dir", "f", "--config", config,
		"--allow-http", "--allow-network=127.0.0.0/8")
	if code != 0 || !strings.Contains(stdout, "warning: FGD_4031 COMMITTER_IS_NOBODY: ") ||
		!strings.Contains(stdout, "Set commit_committer") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

// TestANameInAURL: check and sync say alike what to write in its place, and don't repeat it.
func TestANameInAURL(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"check", "sync"} {
		code, stdout, stderr := run(t.Context(), t, command, "--repo", "https://s3cret@dev.azure.example/o/p/_git/r",
			"--dir", "f")
		if code != 2 || !strings.Contains(stderr, "FGD_4009") ||
			!strings.Contains(stderr, "Use https://dev.azure.example/o/p/_git/r, without the name.") ||
			strings.Contains(stdout+stderr, "s3cret") {
			t.Errorf("%s: exit %d\n%s%s", command, code, stdout, stderr)
		}
	}
}

// TestCheckOverSSH: the key comes from a file, and the known hosts from the configuration.
func TestCheckOverSSH(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	server := sshserver.Start(t, host.Folder)
	folder := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := file("fgd.yaml", "ssh_known_hosts_file: "+file("known_hosts", server.KnownHosts())+"\n")
	login := file("login.yaml", "ssh_private_key: |\n  "+strings.ReplaceAll(strings.TrimSpace(server.Key()), "\n",
		"\n  ")+"\n")
	for _, credentials := range [][]string{{"--credentials-file", login}, nil} {
		args := append([]string{
			"check", "--repo", server.URL("r.git"), "--config", config,
			"--allow-http", "--allow-network=127.0.0.0/8",
		},
			credentials...)
		code, stdout, stderr := run(t.Context(), t, args...)
		want, text := 0, "can push        yes"
		if credentials == nil {
			want, text = 3, "problem: FGD_4016 CREDENTIALS_UNSUITABLE" // the user name and password of the environment
		}
		if code != want || !strings.Contains(stdout, text) {
			t.Errorf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	if code, stdout, stderr := run(t.Context(), t, "validate", "testdata"); code != 3 ||
		!strings.Contains(stdout, "bad.yaml:2:") || !strings.Contains(stdout, ": FGD_1002 UNSUPPORTED_RESOURCE: ") ||
		stderr != "" {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, stderr := run(t.Context(), t, "validate", "testdata", "-o=json")
	var report struct {
		Files []struct {
			Path     string
			Findings []struct{ Code, Name string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != 3 || stderr != "" ||
		!strings.HasSuffix(stdout, "}\n") || len(report.Files) == 0 || !strings.Contains(stdout, `"code": "FGD_1002"`) {
		t.Errorf("as JSON: exit %d, %v\n%s%s", code, err, stdout, stderr)
	}
	if code, stdout, stderr := run(t.Context(), t, "validate", "nothing.yaml", "-o=json"); code != 2 || stderr != "" ||
		!strings.HasPrefix(stdout, `{"error":`) {
		t.Errorf("an error as JSON: exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	if code, stdout, stderr := run(t.Context(), t, "demo", "--exit"); code != 0 || stderr != "" {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

// TestCredentials: a file of credentials may hold any way to sign in, and a key file is rotated; neither is ever
// quoted.
func TestCredentials(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "x-access-token", Password: "s3cret"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	file := filepath.Join(t.TempDir(), "file")
	for _, test := range []struct {
		content, text string
		code          int
	}{
		{"token: s3cret\n", "", 0},
		{"ssh_private_key: s3cret\n", "FGD_1010", 2},
		{"github_app: {app_id: 1, installation_id: 2, private_key: s3cret}\n", "FGD_1010", 2},
		{"token: s3cret\ngithub_app: {}\n", "exactly one way", 2},
		{"passphrase: s3cret\n", "github_app", 2},
	} {
		if err := os.WriteFile(file, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := run(t.Context(), t, "sync", "--repo", host.URL("r.git"), "--dir", "f",
			"--allow-http", "--allow-network=127.0.0.0/8", "--credentials-file", file)
		if code != test.code || !strings.Contains(stderr, test.text) || strings.Contains(stdout+stderr, "s3cret") {
			t.Errorf("%s: exit %d\n%s%s", test.content, code, stdout, stderr)
		}
	}
	if code, _, stderr := run(t.Context(), t, "credentials", "rotate-key", "--key-file", file); code != 1 ||
		strings.Contains(stderr, "s3cret") {
		t.Errorf("no key file: exit %d\n%s", code, stderr)
	}
}

func TestRotateKey(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	const old = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
	if err := os.WriteFile(file, []byte(old+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := run(t.Context(), t, "credentials", "rotate-key", "--key-file", file)
	raw, err := os.ReadFile(file)
	keys := strings.Fields(string(raw))
	if err != nil || code != 0 || len(keys) != 2 || keys[1] != old || keys[0] == old ||
		strings.Contains(stdout+stderr, "AGE-SECRET") {
		t.Errorf("exit %d, %d keys, %v\n%s%s", code, len(keys), err, stdout, stderr)
	}
	if code, _, stderr := run(t.Context(), t, "credentials", "rotate-key"); code != 2 {
		t.Errorf("no file: exit %d\n%s", code, stderr)
	}
}

// TestWrongCalls: what is wrong with a call is said in the words of the command line, before anything is done.
func TestWrongCalls(t *testing.T) {
	t.Parallel()
	target := []string{"--repo", "/nowhere.git", "--dir", "f"}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"nothing"}, `unknown command "nothing" for "fgd"`},
		{[]string{"quarantine", "nothing"}, `unknown command "nothing" for "fgd quarantine"`},
		{[]string{"sync"}, "fgd sync needs --repo\nSee fgd sync --help."},
		{[]string{"credentials", "rotate-key"}, "fgd credentials rotate-key needs --key-file"},
		{[]string{"quarantine", "lst"}, `"lst" for "fgd quarantine"; perhaps list is meant`},
		{[]string{"state", "nothing"}, `unknown command "nothing" for "fgd state"`},
		{[]string{"dead-letters", "nothing"}, `unknown command "nothing" for "fgd dead-letters"`},
		{[]string{"credentials", "nothing"}, `unknown command "nothing" for "fgd credentials"`},
		{append([]string{"restore", "--commit", "abc"}, target...), `--commit is "abc"`},
		{[]string{"sync", "repo.git"}, `takes nothing but flags, and "repo.git" is none; a repository is given as --repo`},
		{[]string{"sync", "repo.git"}, "See fgd sync --help."},
		{[]string{"sync", "--bracnh", "x"}, "perhaps --branch is meant"},
		{[]string{"quarantine", "show", "1"}, "fgd quarantine show needs a PATH\nSee fgd quarantine show --help."},
		{append([]string{"quarantine", "show", "a", "b"}, target...), `does not know what to do with "b"`},
		{[]string{"check", "--redis", "x"}, "unknown flag: --redis"},
		{append([]string{"history", "--limit", "x"}, target...), `--limit is "x", which is no whole number`},
		{append([]string{"history", "--since", "x"}, target...), `--since is "x", which is no time; write 2026-01-31`},
		{append([]string{"diff", strings.Repeat("a", 40), "abc"}, target...), `TO is "abc"`},
	} {
		code, stdout, stderr := run(t.Context(), t, c.args...)
		if code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d\n%s%s", c.args, code, stdout, stderr)
		}
		if strings.Contains(stderr, "strconv") || strings.Contains(stderr, "arg(s)") {
			t.Errorf("%v: words of a parser: %s", c.args, stderr)
		}
	}
}

// TestAnErrorAsJSON is the one document that was asked for, whatever command it ends and however early.
func TestAnErrorAsJSON(t *testing.T) {
	t.Parallel()
	target := []string{"--repo", "/nowhere.git", "--dir", "f", "-o=json"}
	for _, args := range [][]string{
		{"state", "rebuild", "--server", "127.0.0.1:1", "-o=json"},
		{"dead-letters", "list", "--server", "127.0.0.1:1", "-o=json"},
		append([]string{"diff", "abc"}, target...), append([]string{"doctor"}, target...),
		{"validate", "nothing.yaml", "-o=json"},
	} {
		code, stdout, stderr := run(t.Context(), t, args...)
		if code == 0 || !strings.HasPrefix(stdout, `{"error":{"code":"FGD_`) || !strings.HasSuffix(stdout, "}\n") ||
			!json.Valid([]byte(stdout)) || stderr != "" {
			t.Errorf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
	}
}

// TestVersion is told in every way in which people ask for it.
func TestVersion(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"version", "--version", "-v"} {
		if code, stdout, stderr := run(t.Context(), t, arg); code != 0 || stdout != "fgd "+app.Version+"\n" || stderr != "" {
			t.Errorf("%s: exit %d\n%s%s", arg, code, stdout, stderr)
		}
	}
}

// TestAPathThatNeverWas is no empty history.
func TestAPathThatNeverWas(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	args := []string{"history", "--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8"}
	if code, stdout, _ := run(t.Context(), t, append(args, "raw")...); code != 0 || !strings.Contains(stdout, "commit ") {
		t.Errorf("one that was: exit %d\n%s", code, stdout)
	}
	if code, _, stderr := run(t.Context(), t, append(args, "nope")...); code != 2 ||
		!strings.Contains(stderr, `No commit of the branch changed "nope"`) {
		t.Errorf("exit %d\n%s", code, stderr)
	}
}

// TestWhereCommitsSayTheyWereMade: the list tells what the commit of a sync says of NetBox, and nothing that another
// one says.
func TestWhereCommitsSayTheyWereMade(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	trailers := "HNP-Request-Id: req-1\nHNP-Change-Id: 17\nHNP-Change-Id: 18\n"
	for i, message := range []string{"Forged\n\n" + trailers, "Edit\n\nFgd-Sync-Id: s\nFgd-Trigger: manual\n" + trailers} {
		host.CommitSaying(t, "r.git", "main", message, map[string]string{"f/raw/b.yaml": fmt.Sprint(i)})
	}
	args := []string{"history", "--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8"}
	code, stdout, _ := run(t.Context(), t, args...)
	if code != 0 || strings.Count(stdout, "where   git\n") != 2 || !strings.Contains(stdout,
		"where    netbox\nrequest  req-1\nchanges  17 18\n") || strings.Count(stdout, "req-1") != 1 {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	code, stdout, _ = run(t.Context(), t, append(args, "-o=json")...)
	if code != 0 || strings.Count(stdout, `"netbox_request_id": "req-1"`) != 1 ||
		strings.Count(stdout, `"origin": "git"`) != 2 {
		t.Errorf("as JSON: exit %d\n%s", code, stdout)
	}
}

// TestAVariableThatNothingReads is warned of, and does not end up in the result.
func TestAVariableThatNothingReads(t *testing.T) {
	t.Parallel()
	var out, err bytes.Buffer
	code := cli.Run(t.Context(), cli.Environment{
		Args: []string{"validate", "testdata", "-o=json"}, Environ: []string{"HEDGEHOG_FGD_MAX_FILE_BYTE=1"},
		Stdout: &out, Stderr: &err,
	})
	if code != 3 || !json.Valid(out.Bytes()) || err.String() !=
		"fgd: warning: nothing reads the variable HEDGEHOG_FGD_MAX_FILE_BYTE; perhaps "+
			"HEDGEHOG_FGD_MAX_FILE_BYTES is meant\n" {
		t.Errorf("exit %d\n%s%s", code, &out, &err)
	}
}
