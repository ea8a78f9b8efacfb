package githubsync_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/githubserver"
	"fgdsync.dev/testkit/gitserver"
)

// hub is the service in front of a GitHub: a Git host that takes the tokens of an App, and the API that makes them.
type hub struct {
	*bench
	api         *githubserver.Server
	credentials *gitv1.Credentials
}

const hubRepository = "octo/fabrics.git"

// newHub knows other hosts too that are said to be GitHub.
func newHub(t *testing.T, files map[string]string, others ...string) *hub {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var host *gitserver.Server
	api := githubserver.Start(t, githubserver.Options{
		App: 7, Installation: 8, Key: &key.PublicKey, Owner: "octo", Name: "fabrics",
		Head: func(branch string) string {
			return strings.TrimSpace(host.Git(t, hubRepository, "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch))
		},
	})
	host = gitserver.Start(t, gitserver.Options{Accepts: api.Accepts})
	host.Create(t, hubRepository, branch, files)
	h := &hub{api: api, bench: replica(t, host, func(c *githubsync.Config) {
		c.GitHubHosts = append(others, host.Address()+"="+api.URL())
	})}
	raw := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	h.credentials = h.seal(&gitv1.PlainCredentials{GithubApp: &gitv1.GitHubApp{
		AppId: 7, InstallationId: 8,
		PrivateKey: string(raw),
	}})
	return h
}

func (h *hub) openAs(c *gitv1.Credentials) (*gitv1.Snapshot, error) {
	response, err := h.repositories.OpenSnapshot(h.t.Context(), &gitv1.OpenSnapshotRequest{
		Location: &gitv1.Location{RepositoryUrl: h.host.URL(hubRepository), Branch: branch, Directory: "f", Credentials: c},
	})
	return response.GetSnapshot(), err
}

func (h *hub) mustOpen() *gitv1.Snapshot {
	h.t.Helper()
	s, err := h.openAs(h.credentials)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// requireEnd holds the repository to a number of commits, and everything that was written to having no token in it.
func (h *hub) requireEnd(commits int) {
	h.t.Helper()
	if n := h.host.Commits(h.t, hubRepository, branch); n != commits {
		h.t.Errorf("%d commits, not %d", n, commits)
	}
	h.host.RequireSound(h.t, hubRepository)
	if text := h.log.String(); strings.Contains(text, "ghs_") || strings.Contains(text, "PRIVATE KEY") {
		h.t.Errorf("the log has a secret:\n%s", text)
	}
}

// TestG8TokenExpiresMidSync: a token is gone between fetch and push, and again between the two halves of a push. The
// sync ends well each time, with a token made for the purpose.
func TestG8TokenExpiresMidSync(t *testing.T) {
	t.Parallel()
	for name, withdraw := range map[string]func(*hub){
		"before the push": func(h *hub) { h.api.Withdraw() },
		"within the push": func(h *hub) {
			h.host.Break(gitserver.Fault{On: gitserver.Refs, Times: 1, Before: h.api.Withdraw})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, content)
			s := h.mustOpen()
			tree := h.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
			withdraw(h)
			published, err := h.publish(s, tree)
			if err != nil {
				t.Fatal(err)
			}
			if page := h.host.URL("octo/fabrics/commit/") + published.GetCommit(); published.GetCommitUrl() != page {
				t.Errorf("page %q, not %q", published.GetCommitUrl(), page)
			}
			if h.api.Minted() != 2 {
				t.Errorf("%d tokens", h.api.Minted())
			}
			h.requireEnd(2)
		})
	}
}

// TestG8TokensThatHardlyLive: tokens that are never good for ten minutes are made anew for each request, and do.
func TestG8TokensThatHardlyLive(t *testing.T) {
	t.Parallel()
	h := newHub(t, content)
	h.api.Lifetime(5 * time.Minute)
	s := h.mustOpen()
	if _, err := h.publish(s, h.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})); err != nil {
		t.Fatal(err)
	}
	h.requireEnd(2)
}

// TestG8NoNewToken: when no new token can be made just now, the push says so and not that the credentials are wrong.
func TestG8NoNewToken(t *testing.T) {
	t.Parallel()
	h := newHub(t, content)
	s := h.mustOpen()
	tree := h.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
	h.api.Withdraw()
	h.api.Fault(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	_, err := h.publish(s, tree)
	if e := errs.From(err); e.Code.ID != errs.GitHubRateLimited.ID || e.RetryAfter < 80*time.Second {
		t.Errorf("%v, wait %s", e, e.RetryAfter)
	}
	h.requireEnd(1)
}

// TestAppIsRefused: what an App meets has its code, whether GitHub's API or its Git host says it, and nobody asks for
// ever.
func TestAppIsRefused(t *testing.T) {
	t.Parallel()
	h := newHub(t, content)
	h.api.Fault(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	_, err := h.openAs(h.credentials)
	if e := errs.From(err); e.Code.ID != errs.GitHubRateLimited.ID || e.RetryAfter < 80*time.Second {
		t.Errorf("%v, wait %s", e, e.RetryAfter)
	}
	if h.host.Requests(gitserver.Refs) != 0 {
		t.Error("the Git host was asked without a token")
	}
	h = newHub(t, content)
	h.host.Break(gitserver.Fault{Status: http.StatusUnauthorized, Text: "no"})
	_, err = h.openAs(h.credentials)
	h.requireCode(err, errs.GitHubAuthenticationFailed)
	if !strings.Contains(errs.From(err).Message, "refuses the credentials") || h.api.Minted() != 2 ||
		h.host.Requests(gitserver.Refs) != 2 {
		t.Errorf("%v: %d tokens, %d requests", err, h.api.Minted(), h.host.Requests(gitserver.Refs))
	}
	h.host.Mend()
	h.mustOpen()
	other := h.seal(&gitv1.PlainCredentials{GithubApp: &gitv1.GitHubApp{
		AppId: 7, InstallationId: 9,
		PrivateKey: otherKey(t),
	}})
	_, err = h.openAs(other)
	h.requireCode(err, errs.GitHubAuthenticationFailed)
	h.requireEnd(1)
	plain := setup(t)
	plain.host.Create(t, repository, branch, content)
	location := &gitv1.Location{
		RepositoryUrl: plain.host.URL(repository), Branch: branch,
		Credentials: plain.seal(&gitv1.PlainCredentials{
			GithubApp: &gitv1.GitHubApp{AppId: 7, InstallationId: 9, PrivateKey: otherKey(t)},
		}),
	}
	plain.requireCode(plain.tryOpen(location), errs.GitHubRequired)
}

func otherKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}
