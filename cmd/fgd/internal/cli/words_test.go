package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/cli"
	"fgdsync.dev/testkit/gitserver"
)

// TestWhatCannotBeMeant is refused before anything is done, by the name that the command line has for it.
func TestWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	target := []string{"--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8"}
	for says, args := range map[string][]string{
		"--stat is of the diff of --dry-run":        append([]string{"sync", "--stat"}, target...),
		"--stat is of the diff of --dry-run, which": append([]string{"restore", "--stat", "--commit", "HEAD"}, target...),
		"--fabric-id is -1":                         append([]string{"sync", "--fabric-id", "-1"}, target...),
		"--limit is 0; allowed is 1 to 20000":       append([]string{"history", "--limit", "0"}, target...),
		"name files, or say --all, and not both":    append([]string{"quarantine", "retry", "--all", "x"}, target...),
		`No commit of the branch changed "nope"`:    append([]string{"diff", "HEAD", "--path", "nope"}, target...),
		"There is nothing to judge in ":             {"validate", t.TempDir()},
		"--retired-log goes with commits":           {"audit", "verify", "--file", "x", "--retired-log", "0123456789abcdef"},
		"perhaps validate is meant":                 {"vaildate", "x"},
	} {
		code, stdout, stderr := run(t.Context(), t, args...)
		if code != 2 || !strings.Contains(stderr, says) || strings.Contains(stderr, "Did you mean") {
			t.Errorf("%v: exit %d, and no %q in\n%s%s", args, code, says, stdout, stderr)
		}
	}
	if code, stdout, stderr := run(t.Context(), t, append([]string{"diff", "HEAD", "--path", "raw/a.yaml"},
		target...)...); code != 0 {
		t.Errorf("a path that has not changed: exit %d\n%s%s", code, stdout, stderr)
	}
	if n := host.Commits(t, "r.git", "main"); n != 1 {
		t.Errorf("%d commits", n)
	}
}

// TestWhatACheckDoesNotKnow is not told as a no, in words or as JSON.
func TestWhatACheckDoesNotKnow(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	for name, c := range map[string]struct {
		repo    string
		unknown []string
		no      []string
	}{
		"nobody listens": {
			"http://127.0.0.1:1/r.git",
			[]string{"authenticated", "can read", "can push", "branch exists"},
			[]string{"reachable"},
		},
		"no repository": {host.URL("no.git"), []string{"authenticated", "can push", "branch exists"}, []string{"can read"}},
	} {
		args := []string{"check", "--repo", c.repo, "--allow-http", "--allow-network=127.0.0.0/8"}
		_, stdout, stderr := run(t.Context(), t, args...)
		_, raw, _ := run(t.Context(), t, append(args, "-o=json")...)
		var asJSON map[string]any
		if err := json.Unmarshal([]byte(raw), &asJSON); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, raw)
		}
		said := map[string]string{}
		for line := range strings.Lines(stdout) {
			if fact, value, found := strings.Cut(line, "  "); found {
				said[fact] = strings.TrimSpace(value)
			}
		}
		for _, fact := range c.unknown {
			if _, told := asJSON[strings.ReplaceAll(fact, " ", "_")]; told || said[fact] != "unknown" {
				t.Errorf("%s: %s is told as %q\n%s%s%s", name, fact, said[fact], stdout, stderr, raw)
			}
		}
		for _, fact := range c.no {
			if asJSON[strings.ReplaceAll(fact, " ", "_")] != false || said[fact] != "no" {
				t.Errorf("%s: %s is told as %q\n%s%s", name, fact, said[fact], stdout, raw)
			}
		}
	}
}

// TestHowToSignIn is said by a command that was given no credentials, and two ways at once are a wrong call.
func TestHowToSignIn(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	with := func(environ []string, command string) (int, string) {
		var out bytes.Buffer
		code := cli.Run(t.Context(), cli.Environment{
			Args: []string{
				command, "--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8",
			},
			Environ: environ, Stdout: &out, Stderr: &out,
		})
		return code, out.String()
	}
	for command, want := range map[string]int{"sync": 1, "check": 3, "history": 1} {
		if code, said := with(nil, command); code != want || !strings.Contains(said, "Set HEDGEHOG_FGD_GIT_TOKEN, or ") {
			t.Errorf("%s: exit %d\n%s", command, code, said)
		}
	}
	both := []string{"HEDGEHOG_FGD_GIT_TOKEN=t", "HEDGEHOG_FGD_GIT_USERNAME=u", "HEDGEHOG_FGD_GIT_PASSWORD=p"}
	if code, said := with(both, "sync"); code != 2 || !strings.Contains(said, "are both set") {
		t.Errorf("both: exit %d\n%s", code, said)
	}
}

// TestAnInterruptedCommandAnswersAsJSON, as was asked for.
func TestAnInterruptedCommandAnswersAsJSON(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	for command, says := range map[string]string{"sync": "fgd history", "history": "Call it again."} {
		code, stdout, stderr := run(ctx, t, command, "--repo", host.URL("r.git"), "--dir", "f", "--allow-http",
			"--allow-network=127.0.0.0/8", "-o=json")
		if code != 130 || !json.Valid([]byte(stdout)) || !strings.Contains(stdout, says) || stderr != "" {
			t.Errorf("%s: exit %d\n%s%s", command, code, stdout, stderr)
		}
	}
}

// TestJSONHasTheWordsOfTheAPI, whichever command prints it: lower-case words, numbers, and blob_sha.
func TestJSONHasTheWordsOfTheAPI(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{
		"f/raw/a.yaml": "apiVersion: vpc.githedgehog.com/v1beta1\nkind: [\n",
	})
	target := []string{"--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8"}
	if code, stdout, stderr := run(t.Context(), t, append([]string{"sync"}, target...)...); code != 3 ||
		!strings.Contains(stdout, "1 quarantined: fgd quarantine list") {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	target = append(target, "-o=json")
	for says, args := range map[string][]string{
		`"blob_sha": "`:       append([]string{"quarantine", "list"}, target...),
		`"size": 48`:          append([]string{"quarantine", "show", "unmanaged/a.yaml"}, target...),
		`"commit_sha": "`:     append([]string{"history"}, target...),
		`"severity": "error"`: {"validate", "testdata", "-o=json"},
		`"kind": "invalid"`:   {"validate", "testdata", "-o=json"},
	} {
		_, stdout, stderr := run(t.Context(), t, args...)
		if !strings.Contains(stdout, says) || strings.Contains(stdout, "blob_id") || strings.Contains(stdout, "SEVERITY_") ||
			strings.Contains(stdout, "KIND_") {
			t.Errorf("%v: no %s in\n%s%s", args, says, stdout, stderr)
		}
	}
}
