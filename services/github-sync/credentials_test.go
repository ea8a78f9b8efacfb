package githubsync_test

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
)

// doors are the passwords that a Git host takes, and those that it was shown.
type doors struct {
	mu    sync.Mutex
	valid []string
	shown []string
}

func (d *doors) accepts(_, given string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if given != "" {
		d.shown = append(d.shown, given)
	}
	return slices.Contains(d.valid, given)
}

// take makes passwords the valid ones, and gives what was shown before.
func (d *doors) take(valid ...string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	shown := d.shown
	d.valid, d.shown = valid, nil
	return slices.Compact(shown)
}

func (b *bench) openWith(c *gitv1.Credentials) *gitv1.Snapshot {
	b.t.Helper()
	response, err := b.repositories.OpenSnapshot(b.t.Context(), &gitv1.OpenSnapshotRequest{
		Location: &gitv1.Location{RepositoryUrl: b.host.URL(repository), Branch: branch, Directory: "f", Credentials: c},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return response.GetSnapshot()
}

// TestX18KeyRotatesMidSync: while a sync runs, its fabric gets other credentials and the key that seals is changed. The
// sync ends well with the credentials that it began with, the next one takes the new ones, and what the old key has
// sealed can be opened and sealed anew.
func TestX18KeyRotatesMidSync(t *testing.T) {
	t.Parallel()
	d := &doors{valid: []string{"before", "after"}}
	host := gitserver.Start(t, gitserver.Options{Accepts: d.accepts})
	host.Create(t, repository, branch, content)
	file := filepath.Join(t.TempDir(), "key")
	b := replica(t, host, func(c *githubsync.Config) { c.CredentialsKeyFile = file })
	before := b.seal(&gitv1.PlainCredentials{Token: "before"})
	running := b.openWith(before)
	if err := githubsync.RotateKey(file); err != nil {
		t.Fatal(err)
	}
	after := b.seal(&gitv1.PlainCredentials{Token: "after"})
	d.take("before", "after")
	if _, err := b.publish(running, b.mustWrite(running, map[string]string{"a.yaml": "a: 2\n"})); err != nil {
		t.Fatal(err)
	}
	if shown := d.take("before", "after"); !slices.Equal(shown, []string{"before"}) {
		t.Errorf("the running sync signed in with %v", shown)
	}
	next := b.openWith(after)
	if shown := d.take("before"); !slices.Equal(shown, []string{"after"}) {
		t.Errorf("the next sync signed in with %v", shown)
	}
	if got := b.files(next, next.GetTree())["a.yaml"]; got != "a: 2\n" {
		t.Errorf("the running sync left %q", got)
	}
	resealed, err := b.repositories.ResealCredentials(t.Context(), &gitv1.ResealCredentialsRequest{
		Credentials: before, RepositoryUrl: host.URL(repository),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.openWith(before)
	b.openWith(resealed.GetCredentials())
	b.requireCommits(2)
}

// TestKeyOfTheEnvironment: the key of the environment counts more than a file, which is not made.
func TestKeyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	host := gitserver.Start(t, gitserver.Options{User: user, Password: password})
	host.Create(t, repository, branch, content)
	file := filepath.Join(t.TempDir(), "key")
	environment := map[string]string{
		githubsync.EnvKey: key.String(), "HEDGEHOG_FGD_GIT_X_HOSTS": host.Address(),
	}
	one := replicaIn(t, host, environment, func(c *githubsync.Config) { c.CredentialsKeyFile = file })
	other := replicaIn(t, host, environment)
	sealed := one.seal(&gitv1.PlainCredentials{Username: user, Password: password})
	other.openWith(sealed)
	if err := githubsync.RotateKey(file); !errs.HasCode(err, errs.CredentialsUnreadable) {
		t.Errorf("a key file was made: %v", err)
	}
	kept, err := other.repositories.ResealCredentials(t.Context(), &gitv1.ResealCredentialsRequest{
		Credentials: reference("env:HEDGEHOG_FGD_GIT_X"), RepositoryUrl: host.URL(repository),
	})
	if err != nil || kept.GetCredentials().GetReference() != "env:HEDGEHOG_FGD_GIT_X" {
		t.Errorf("a reference became %v, %v", kept, err)
	}
}

// TestAKeyInMemoryIsWarnedOf: what it seals is lost at the end, which nobody would know before.
func TestAKeyInMemoryIsWarnedOf(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	file := func(c *githubsync.Config) { c.CredentialsKeyFile = filepath.Join(t.TempDir(), "key") }
	const key = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
	for name, c := range map[string]struct {
		bench *bench
		warns bool
	}{
		"in memory": {replica(t, host), true}, "in a file": {replica(t, host, file), false},
		"in the environment": {replicaIn(t, host, map[string]string{githubsync.EnvKey: key}), false},
	} {
		log := c.bench.log.String()
		if warns := strings.Contains(log, "level=WARN") && strings.Contains(log, "credentials_key_file"); warns != c.warns {
			t.Errorf("%s: warned %t:\n%s", name, warns, log)
		}
	}
}

// TestWhetherCredentialsAreReadable: with another key they are not, nor is a reference that leads to nothing.
func TestWhetherCredentialsAreReadable(t *testing.T) {
	t.Parallel()
	const url = "https://git.example.com/o/r"
	environment := map[string]string{
		"HEDGEHOG_FGD_GIT_THERE": password, "HEDGEHOG_FGD_GIT_THERE_HOSTS": "git.example.com",
	}
	file := func(name string) func(*githubsync.Config) {
		path := filepath.Join(t.TempDir(), name)
		return func(cfg *githubsync.Config) { cfg.CredentialsKeyFile = path }
	}
	first, second := replicaIn(t, newHost(t), environment, file("a")), replicaIn(t, newHost(t), environment, file("b"))
	readable := func(b *bench, credentials ...*gitv1.Credentials) []bool {
		request := &gitv1.CheckCredentialsRequest{}
		for _, c := range credentials {
			request.Locations = append(request.Locations, &gitv1.Location{
				RepositoryUrl: url, Branch: branch, Credentials: c,
			})
		}
		response, err := b.repositories.CheckCredentials(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		return response.GetReadable()
	}
	sealed := first.sealFor(url, first.login)
	there, nowhere := reference("env:HEDGEHOG_FGD_GIT_THERE"), reference("env:HEDGEHOG_FGD_GIT_NOWHERE")
	if got := readable(first, sealed, there, nowhere, nil); !slices.Equal(got, []bool{true, true, false, true}) {
		t.Errorf("with the key that has sealed them: %v", got)
	}
	if got := readable(second, sealed, there, nowhere, nil); !slices.Equal(got, []bool{false, true, false, true}) {
		t.Errorf("with another key: %v", got)
	}
	if text := first.log.String() + second.log.String(); strings.Contains(text, password) {
		t.Errorf("the log has a secret:\n%s", text)
	}
}
