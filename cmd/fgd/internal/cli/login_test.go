package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/cmd/fgd/internal/cli"
	"fgdsync.dev/testkit/oidcserver"
	"fgdsync.dev/testkit/redistest"
)

// signing is a running system that trusts an issuer, and somebody who has a home on this machine.
type signing struct {
	t         *testing.T
	issuer    *oidcserver.Server
	at        started
	home      string
	bootstrap string
	log       *watched
}

func setupSigning(t *testing.T) *signing {
	t.Helper()
	s := &signing{t: t, issuer: oidcserver.Start(t), home: t.TempDir()}
	folder := t.TempDir()
	file := filepath.Join(folder, "fgd.yaml")
	err := os.WriteFile(file, fmt.Appendf(nil, `
oidc_issuer: %s
oidc_audience: %s
oidc_client_id: %s
oidc_grants:
  - {group: admins, role: admin, all_fabrics: true}
  - {group: net-ops, role: viewer, fabric_ids: [35]}
`, s.issuer.URL(), oidcserver.Audience, oidcserver.ClientID), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s.at, s.log = up(t, nil, "--config", file, "--redis", redistest.Start(t).URL(), "--data", folder)
	s.bootstrap = s.at.tokenFile
	return s
}

// start runs a command for the system.
func (s *signing) start(ctx context.Context, stderr io.Writer, args ...string) (code int, stdout string) {
	var out bytes.Buffer
	code = cli.Run(ctx, cli.Environment{
		Args: append(args, "--server", s.at.GRPC), Environ: []string{"XDG_CONFIG_HOME=" + s.home},
		Stdout: &out, Stderr: stderr,
	})
	return code, out.String()
}

// fgd runs a command to its end, and returns all that it has printed.
func (s *signing) fgd(want int, args ...string) string {
	s.t.Helper()
	var stderr bytes.Buffer
	code, stdout := s.start(s.t.Context(), &stderr, args...)
	if code != want {
		s.t.Fatalf("%v: exit %d, not %d\n%s%s", args, code, want, stdout, &stderr)
	}
	return stdout + stderr.String()
}

// TestLogin: signed in at the issuer, one is oneself to the system, until one logs out.
func TestLogin(t *testing.T) {
	t.Parallel()
	s := setupSigning(t)
	s.fgd(4, "token", "list")
	s.issuer.Approve(time.Hour, "alice", "admins")
	said := s.fgd(0, "login")
	for _, part := range []string{
		oidcserver.UserCode, s.issuer.URL() + "/activate",
		"You are alice@example.com at " + s.at.GRPC + " (admin of all fabrics)",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("no %q in\n%s", part, said)
		}
	}
	if got := s.issuer.AskedAudience(); got != oidcserver.Audience {
		t.Errorf("the access token is for %q", got)
	}
	s.onlyForItsOwner()
	s.fgd(0, "token", "list")
	if made := s.fgd(0, "token", "list", "--token-file", s.bootstrap, "-o=json"); !strings.Contains(made, "bootstrap") {
		t.Errorf("a file that is named counts more: %s", made)
	}
	s.issuer.Approve(time.Hour, "bob", "net-ops")
	var prompt bytes.Buffer
	code, said := s.start(t.Context(), &prompt, "login", "-o=json")
	if code != 0 || !strings.Contains(said, `"name": "bob@example.com"`) || !strings.Contains(said, `"method": "oidc"`) {
		t.Errorf("another one: exit %d\n%s%s", code, said, &prompt)
	}
	newDocumented(t).check("login", said, "GetCallerResponse")
	if said := s.fgd(4, "token", "list"); !strings.Contains(said, "FGD_1051") {
		t.Errorf("bob lists tokens: %s", said)
	}
	s.fgd(0, "logout")
	if said := s.fgd(0, "logout"); !strings.Contains(said, "no login") {
		t.Errorf("logged out twice: %s", said)
	}
	if said := s.fgd(4, "token", "list"); !strings.Contains(said, "FGD_1050") {
		t.Errorf("logged out: %s", said)
	}
	if strings.Contains(s.log.String(), "eyJ") {
		t.Error("a JWT is in the log")
	}
}

// onlyForItsOwner looks at the files of the logins.
func (s *signing) onlyForItsOwner() {
	s.t.Helper()
	folder := filepath.Join(s.home, "fgd", "logins")
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		s.t.Errorf("%v, %v", info, err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 {
		s.t.Errorf("%v, %v", files, err)
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Mode().Perm() != 0o600 {
			s.t.Errorf("%s: %v, %v", file.Name(), info, err)
		}
	}
}

// TestALoginLasts as long as the issuer refreshes it; then it is said what to do, and nobody else is acted for.
func TestALoginLasts(t *testing.T) {
	t.Parallel()
	s := setupSigning(t)
	s.issuer.Approve(10*time.Second, "alice", "admins") // not long enough for a call
	s.fgd(0, "login")
	s.fgd(0, "token", "list")
	s.fgd(0, "token", "list")
	if n := s.issuer.Refreshed(); n != 1 {
		t.Errorf("refreshed %d times", n)
	}
	s.issuer.Approve(10*time.Second, "alice", "admins")
	s.fgd(0, "login")
	s.issuer.RefuseRefresh()
	said := s.fgd(1, "token", "list")
	if !strings.Contains(said, "FGD_1058") || !strings.Contains(said, "invalid_grant No.  [2Jinvalid_grant") ||
		!strings.Contains(said, "fgd login --server "+s.at.GRPC) {
		t.Errorf("a login that is over: %q", said)
	}
	s.issuer.Set(oidcserver.Away)
	if said := s.fgd(1, "token", "list"); !strings.Contains(said, "FGD_1058") ||
		!strings.Contains(said, "reached from here") {
		t.Errorf("the issuer is away: %s", said)
	}
	for _, file := range []string{"{", `{"server":"elsewhere","access_token":"x"}`} {
		files, err := filepath.Glob(filepath.Join(s.home, "fgd", "logins", "*.json"))
		if err != nil || len(files) != 1 || os.WriteFile(files[0], []byte(file), 0o600) != nil {
			t.Fatal(files, err)
		}
		if said := s.fgd(1, "token", "list"); !strings.Contains(said, "FGD_1058") {
			t.Errorf("a damaged login: %s", said)
		}
	}
}

// TestNobodySignsIn: what the issuer says is one line of the error, and nothing is kept.
func TestNobodySignsIn(t *testing.T) {
	t.Parallel()
	s := setupSigning(t)
	s.issuer.Deny("access_denied")
	if said := s.fgd(1, "login"); !strings.Contains(said, "FGD_1058") || strings.Contains(said, "\x1b") ||
		!strings.Contains(said, "access_denied No.") {
		t.Errorf("refused: %q", said)
	}
	s.issuer.Approve(time.Hour, "carol", "strangers")
	if said := s.fgd(4, "login"); !strings.Contains(said, "FGD_1051") || !strings.Contains(said, "oidc_grants") {
		t.Errorf("without a grant: %s", said)
	}
	for says, fault := range map[string]oidcserver.Fault{
		"status 302": oidcserver.Redirect, "can't be read": oidcserver.Junk, "bytes": oidcserver.Large,
		"calls itself": oidcserver.Foreign,
	} {
		s.issuer.Set(fault)
		if said := s.fgd(1, "login"); !strings.Contains(said, "FGD_1058") || !strings.Contains(said, says) ||
			strings.Contains(said, "\x1b") {
			t.Errorf("%s: %q", says, said)
		}
	}
	if _, err := os.Stat(filepath.Join(s.home, "fgd")); err == nil {
		t.Error("something is kept")
	}
	at, _ := up(t, nil)
	if code, _, stderr := run(t.Context(), t, "login", "--server", at.GRPC); code != 1 ||
		!strings.Contains(stderr, "FGD_1057") {
		t.Errorf("where nobody can sign in: exit %d\n%s", code, stderr)
	}
}

// seen ends something when a text is written.
type seen struct {
	bytes.Buffer
	text string
	then func()
}

func (s *seen) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.text)) {
		s.then()
	}
	return s.Buffer.Write(p)
}

// TestALoginIsInterrupted while it waits for a person.
func TestALoginIsInterrupted(t *testing.T) {
	t.Parallel()
	s := setupSigning(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	stderr := &seen{text: oidcserver.UserCode, then: interrupt}
	if code, stdout := s.start(ctx, stderr, "login"); code != 130 || stdout != "" ||
		!strings.Contains(stderr.String(), "fgd: interrupted") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}
