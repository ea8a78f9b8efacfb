package bridge_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge"
)

const (
	hubSecret  = "secret-of-github-0001"
	oldSecret  = "secret-of-github-0000"
	labToken   = "token-of-gitlab-00001"
	teaSecret  = "secret-of-gitea-00001"
	signingKey = "0123456789abcdef0123456789abcdef"
	hubPush    = "/webhooks/github"
	labPush    = "/webhooks/gitlab"
	teaPush    = "/webhooks/gitea"
)

// hooked is a bridge that Git hosts post to, with fabrics of two repositories.
type hooked struct{ *bundle }

func setupHooked(t *testing.T, change ...func(*bridge.Config)) hooked {
	t.Helper()
	h := hooked{setup(t, append([]func(*bridge.Config){func(c *bridge.Config) {
		c.GithubWebhookSecret = []secret.String{secret.New(hubSecret), secret.New(oldSecret)}
		c.GitlabWebhookSecret = []secret.String{
			secret.New(labToken), secret.New("whsec_" + base64.StdEncoding.EncodeToString([]byte(signingKey))),
		}
		c.GiteaWebhookSecret = []secret.String{secret.New(teaSecret)}
	}}, change...)...)}
	for id, place := range map[int]string{
		35: "r main gitops/f1", 36: "r main gitops/f2", 37: "r next gitops/f1", 38: "other main gitops/f1", 39: "r main /",
	} {
		words := strings.Fields(place)
		h.ok("POST", "/api/v1/fabrics", fmt.Sprintf(`{"fabric_id":%d,"name":"fabric-%d","branch":%q,"gitops_directory":%q,
			"repository_url":"https://git.example/team/%s.git","options":{"allow_repository_root":true}}`,
			id, id, words[1], words[2], words[0]))
	}
	return h
}

// post posts as a Git host does, with headers in pairs of names and values.
func (h hooked) post(path, body string, headers ...string) answer {
	h.t.Helper()
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Add(pair[0], pair[1])
	}
	response, err := h.server.Client().Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	return read(h.t, response)
}

func mac(algorithm func() hash.Hash, key, text string) []byte {
	sum := hmac.New(algorithm, []byte(key))
	_, _ = io.WriteString(sum, text)
	return sum.Sum(nil)
}

// fromHub returns the headers of a push of GitHub.
func fromHub(key, body, id string) []string {
	return []string{
		"X-GitHub-Event", "push", "X-GitHub-Delivery", id,
		"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac(sha256.New, key, body)),
	}
}

// hubBody is a push of GitHub's to a repository.
func hubBody(repository, branch string, paths ...string) string {
	touched, _ := json.Marshal(paths) // strings are always JSON
	return fmt.Sprintf(`{"ref":"refs/heads/%s","before":"1111","after":"2222","commits":[{"id":"2222","modified":%s}],
		"repository":{"clone_url":"https://git.example/team/%s.git","ssh_url":"ssh://git@git.example/team/%s.git"},
		"pusher":{"name":"ada"}}`, branch, touched, repository, repository)
}

// looked returns the fabrics that a delivery had looked at, once it has.
func (h hooked) looked(id string) (fabrics []int) {
	h.t.Helper()
	h.until("the work for "+id, func() bool {
		for text := range strings.Lines(h.log.String()) {
			if !strings.Contains(text, "worked off") {
				continue
			}
			var line struct {
				Message string `json:"msg"`
				ID      string `json:"delivery_id"`
				Fabrics []int
				Error   string
			}
			if json.Unmarshal([]byte(text), &line) != nil || line.ID != id {
				continue
			}
			if line.Message != "webhook worked off" {
				h.t.Fatalf("delivery %s: %s: %s", id, line.Message, line.Error)
			}
			fabrics = line.Fabrics
			return true
		}
		return false
	})
	return fabrics
}

// syncsOf returns the syncs that webhooks have started.
func (h hooked) syncsOf() (started []*syncv1.Sync) {
	h.backend.mu.Lock()
	defer h.backend.mu.Unlock()
	for _, one := range h.backend.syncs {
		if one.GetTrigger() == syncv1.Trigger_TRIGGER_WEBHOOK {
			started = append(started, one)
		}
	}
	return started
}

// keyOf is the same for all spellings of a repository's URL, over HTTP and over SSH, as that of github-sync is.
func keyOf(repositoryURL string) (string, error) {
	u, err := url.Parse(repositoryURL)
	if err != nil || u.Host == "" || u.User != nil && u.Scheme != "ssh" {
		return "", errs.New(errs.RemoteRefused, "The repository URL can't be read.")
	}
	return strings.ToLower(u.Hostname()) + strings.TrimSuffix(u.Path, ".git"), nil
}

// CheckLocation says what a repository is called.
func (b *backend) CheckLocation(
	ctx context.Context, req *gitv1.CheckLocationRequest,
) (*gitv1.CheckLocationResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	key, err := keyOf(req.GetLocation().GetRepositoryUrl())
	return &gitv1.CheckLocationResponse{RepositoryKey: key}, err
}
