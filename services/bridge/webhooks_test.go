package bridge_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge"
)

// TestAWebhookIsSigned is X1 of the fault matrix: what is not signed with the secret, once and with SHA-256, is
// nobody's.
func TestAWebhookIsSigned(t *testing.T) {
	t.Parallel()
	h := setupHooked(t)
	body := hubBody("r", "main", "gitops/f1/raw/a.yaml")
	right := "sha256=" + hex.EncodeToString(mac(sha256.New, hubSecret, body))
	weak := hex.EncodeToString(mac(sha1.New, hubSecret, body))
	signing := "whsec_" + base64.StdEncoding.EncodeToString([]byte(signingKey))
	const hub, hubs = "X-Hub-Signature", "X-Hub-Signature-256"
	tea := hex.EncodeToString(mac(sha256.New, teaSecret, body))
	now := strconv.FormatInt(time.Now().Unix(), 10)
	standard := func(at, text string) []string {
		return []string{
			"X-Gitlab-Event", "Push Hook", "Webhook-Id", "m1", "Webhook-Timestamp", at,
			"Webhook-Signature", "v1," + base64.StdEncoding.EncodeToString(mac(sha256.New, signingKey, "m1."+at+"."+text)),
		}
	}
	for name, c := range map[string]struct {
		path    string
		headers []string
	}{
		"missing":                       {hubPush, nil},
		"of another body":               {hubPush, fromHub(hubSecret, body+" ", "x")[4:]},
		"with another secret":           {hubPush, fromHub(teaSecret, body, "x")[4:]},
		"SHA-1":                         {hubPush, []string{hub, "sha1=" + weak}},
		"SHA-1 as SHA-256":              {hubPush, []string{hubs, "sha256=" + weak}},
		"twice":                         {hubPush, []string{hubs, right, hubs, right}},
		"twice, one wrong":              {hubPush, []string{hubs, "sha256=00", hubs, right}},
		"without its name":              {hubPush, []string{hubs, strings.TrimPrefix(right, "sha256=")}},
		"cut off":                       {hubPush, []string{hubs, right[:40]}},
		"no hexadecimal":                {hubPush, []string{hubs, "sha256=zz"}},
		"empty":                         {hubPush, []string{hubs, ""}},
		"that of Gitea, wrong":          {teaPush, []string{"X-Gitea-Signature", tea[:62] + "00"}},
		"that of Gitea, and GitHub's":   {teaPush, []string{"X-Gitea-Signature", "00", hubs, "sha256=" + tea}},
		"no token":                      {labPush, []string{"X-Gitlab-Event", "Push Hook"}},
		"another token":                 {labPush, []string{"X-Gitlab-Token", labToken + "x"}},
		"the token twice":               {labPush, []string{"X-Gitlab-Token", labToken, "X-Gitlab-Token", labToken}},
		"a signing token as a token":    {labPush, []string{"X-Gitlab-Token", signing}},
		"signed for another body":       {labPush, standard(now, body+" ")},
		"signed long ago":               {labPush, standard("1700000000", body)},
		"signed wrongly, and the token": {labPush, append(standard(now, "x"), "X-Gitlab-Token", labToken)},
	} {
		h.checkProblem(name, h.post(c.path, body, c.headers...), http.StatusUnauthorized, "FGD_1062")
	}
	if started := h.syncsOf(); len(started) != 0 {
		t.Errorf("%d syncs were started", len(started))
	}
	if log := h.log.String(); strings.Contains(log, hubSecret) || strings.Contains(log, labToken) {
		t.Error("a secret is in the log")
	}
}

// TestEveryHostCanAnnounceAPush: in the form that each has, and with the old secret while there are two.
func TestEveryHostCanAnnounceAPush(t *testing.T) {
	t.Parallel()
	h := setupHooked(t)
	body := hubBody("r", "main", "gitops/f1/raw/a.yaml")
	lab := `{"object_kind":"push","ref":"refs/heads/main","before":"1111","after":"3333","user_username":"ada",
		"project":{"git_ssh_url":"ssh://git@git.example/team/r.git"},"total_commits_count":1,
		"commits":[{"added":["gitops/f1/raw/a.yaml"]}]}`
	now := strconv.FormatInt(time.Now().Unix(), 10)
	signature := base64.StdEncoding.EncodeToString(mac(sha256.New, signingKey, "lab-2."+now+"."+lab))
	teaSum := hex.EncodeToString(mac(sha256.New, teaSecret, body))
	for id, c := range map[string]struct {
		path, body string
		headers    []string
	}{
		"hub-1": {hubPush, body, fromHub(hubSecret, body, "hub-1")},
		"hub-2": {hubPush, body + " ", fromHub(oldSecret, body+" ", "hub-2")},
		"tea-1": {teaPush, body, []string{"X-Gitea-Event", "push", "X-Gitea-Delivery", "tea-1", "X-Gitea-Signature", teaSum}},
		"tea-2": {teaPush, body + " ", []string{
			"X-Gitea-Event", "push", "X-Gitea-Delivery", "tea-2",
			"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac(sha256.New, teaSecret, body+" ")),
		}},
		"lab-1": {labPush, lab, []string{
			"X-Gitlab-Event", "Push Hook", "X-Gitlab-Event-UUID", "lab-1", "X-Gitlab-Token", labToken,
		}},
		"lab-2": {labPush, lab, []string{
			"X-Gitlab-Event", "Push Hook", "Webhook-Id", "lab-2", "Webhook-Timestamp", now,
			"Webhook-Signature", "v1,AAAA v1," + signature,
		}},
	} {
		if a := h.post(c.path, c.body, c.headers...); a.status != http.StatusOK || a.body["status"] != "accepted" {
			t.Errorf("%s: %d %s", id, a.status, a.raw)
			continue
		}
		if got := h.looked(id); !slices.Equal(got, []int{35, 39}) {
			t.Errorf("%s: %v were looked at", id, got)
		}
	}
	for _, one := range h.syncsOf() {
		if by := one.GetRequestedBy(); !strings.HasPrefix(by, "ada (git") {
			t.Errorf("requested by %q", by)
		}
	}
}

// TestAReplayedDelivery is X2 of the fault matrix: it does nothing, also under another id, which no host signs, and at
// another replica, which names its request alike.
func TestAReplayedDelivery(t *testing.T) {
	t.Parallel()
	h, replica := setupHooked(t), setupHooked(t)
	body := hubBody("r", "main", "gitops/f2/raw/a.yaml")
	for _, one := range []hooked{h, replica} {
		one.post(hubPush, body, fromHub(hubSecret, body, "first")...)
		one.looked("first")
	}
	started := len(h.syncsOf())
	for _, id := range []string{"first", "second"} {
		if a := h.post(hubPush, body, fromHub(hubSecret, body, id)...); a.body["status"] != "repeated" {
			t.Errorf("%s: %d %s", id, a.status, a.raw)
		}
	}
	if again := len(h.syncsOf()); started != 2 || again != started {
		t.Errorf("%d syncs, and then %d", started, again)
	}
	names := func(h hooked) []string {
		h.backend.mu.Lock()
		defer h.backend.mu.Unlock()
		return slices.Sorted(maps.Values(h.backend.requests))
	}
	if a, b := names(h), names(replica); !slices.Equal(a, b) || !strings.HasPrefix(a[len(a)-1], "webhook:") {
		t.Errorf("the replicas call the requests %v and %v", a, b)
	}
}

// TestALargePackedOrSlowDelivery is X3 of the fault matrix.
func TestALargePackedOrSlowDelivery(t *testing.T) {
	t.Parallel()
	h := setupHooked(t, func(c *bridge.Config) { c.RequestTimeout = time.Second })
	large := strings.Repeat(" ", 3<<20)
	h.checkProblem("too large", h.post(hubPush, large, fromHub(hubSecret, large, "x")...), 413, "FGD_1010")
	h.checkProblem("packed", h.post(hubPush, "{}", "Content-Encoding", "gzip"), 415, "FGD_1041")
	h.checkProblem("a form", h.post(hubPush, "payload=x", "Content-Type", "x"), 401, "FGD_1062")
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(large), large)
	for name, c := range map[string]struct{ head, want string }{
		"100 MB":  {"Content-Length: 104857600\r\n\r\n{", "HTTP/1.1 413 "},
		"chunked": {"Transfer-Encoding: chunked\r\n\r\n" + chunk, "HTTP/1.1 413 "},
		"slow":    {"Content-Length: 100\r\n\r\n{", "HTTP/1.1 408 "},
	} {
		conn, err := net.Dial("tcp", h.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /webhooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n%s", c.head)
		start := make([]byte, len(c.want))
		if _, err := io.ReadFull(conn, start); err != nil || string(start) != c.want {
			t.Errorf("%s: %v %q", name, err, start)
		}
		_ = conn.Close()
	}
}

// TestWhatIsSignedAndNoPush is X4 of the fault matrix: whoever knows the secret can still send anything.
func TestWhatIsSignedAndNoPush(t *testing.T) {
	t.Parallel()
	h := setupHooked(t)
	for name, body := range map[string]string{
		"cut off": `{"ref":"refs/heads/ma`, "nothing": "", "null": "null", "a list": "[]", "no repository": `{"ref":"refs/heads/main"}`,
		"deep":        strings.Repeat("[", 100_000),
		"deep inside": `{"commits":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}",
		"wrong types": `{"ref":7,"commits":{"a":1},"repository":[]}`, "wrong commits": `{"commits":[1,"x",null]}`,
	} {
		h.checkProblem(name, h.post(hubPush, body, fromHub(hubSecret, body, "x")...), 400, "FGD_1065")
	}
	odd := strings.Replace(hubBody("r", "main", "a\x00b", "\r\n"), `"name":"ada"`,
		`"name":"x","name":"eve\r\nFgd-Sync-Id: 1\u0000\u202e","login":null`, 1)
	if a := h.post(hubPush, odd, fromHub(hubSecret, odd, "odd")...); a.body["status"] != "accepted" {
		t.Fatalf("odd: %d %s", a.status, a.raw)
	}
	h.looked("odd")
	for _, one := range h.syncsOf() {
		if by := one.GetRequestedBy(); strings.ContainsAny(by, "\r\n\x00\u202e") || !strings.HasSuffix(by, " (github)") {
			t.Errorf("requested by %q", by)
		}
	}
	if strings.Contains(h.log.String(), "panic") {
		t.Error("something panicked")
	}
}

// TestAnUnknownRepository is X5 of the fault matrix: the answer is the one of a known repository.
func TestAnUnknownRepository(t *testing.T) {
	t.Parallel()
	h := setupHooked(t)
	known, unknown := hubBody("r", "main", "gitops/f1/x"), hubBody("nowhere", "main", "gitops/f1/x")
	a := h.post(hubPush, known, fromHub(hubSecret, known, "known")...)
	b := h.post(hubPush, unknown, fromHub(hubSecret, unknown, "unknown")...)
	if a.status != b.status || a.raw != b.raw {
		t.Errorf("%d %s and %d %s", a.status, a.raw, b.status, b.raw)
	}
	if got := h.looked("unknown"); len(got) != 0 {
		t.Errorf("%v were looked at", got)
	}
}

// TestOnlyWhatAPushTouches: fabrics of the branch whose directories it changes, and all of the branch when it does not
// tell all.
func TestOnlyWhatAPushTouches(t *testing.T) {
	t.Parallel()
	h := setupHooked(t)
	base := hubBody("r", "main", "gitops/f1/raw/a.yaml")
	many := make([]string, 300)
	for i := range many {
		many[i] = fmt.Sprint("docs/", i)
	}
	all := []int{35, 36, 39}
	for name, c := range map[string]struct {
		body string
		want []int
	}{
		"one":                 {base, []int{35, 39}},
		"two":                 {hubBody("r", "main", "gitops/f1/a", "gitops/f2/a"), all},
		"none":                {hubBody("r", "main", "README.md", "gitops/f11/a"), []int{39}},
		"another-branch":      {hubBody("r", "next", "gitops/f1/a"), []int{37}},
		"a-branch-of-nobody":  {hubBody("r", "main2", "gitops/f1/a"), nil},
		"another-repository":  {hubBody("other", "main", "gitops/f1/a"), []int{38}},
		"a-new-branch":        {strings.Replace(base, `"1111"`, `"0000"`, 1), all},
		"forced":              {strings.Replace(base, `{`, `{"forced":true,`, 1), all},
		"some-commits":        {strings.Replace(base, `{`, `{"total_commits":9,`, 1), all},
		"many-paths":          {hubBody("r", "main", many...), all},
		"no-paths":            {hubBody("r", "main"), all},
		"the-place-of-a-link": {hubBody("r", "main", "gitops"), all},
	} {
		h.post(hubPush, c.body, fromHub(hubSecret, c.body, name)...)
		if got := h.looked(name); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v were looked at, not %v", name, got, c.want)
		}
	}
}

// TestWhatIsNoPush is answered, and does nothing.
func TestWhatIsNoPush(t *testing.T) {
	t.Parallel()
	h := setupHooked(t)
	sign := func(event, body string) []string {
		return append(fromHub(hubSecret, body, "x")[4:], "X-GitHub-Event", event)
	}
	tag := strings.Replace(hubBody("r", "main", "a"), "refs/heads/main", "refs/tags/v1", 1)
	gone := strings.Replace(hubBody("r", "main", "a"), `"2222"`, `"0000"`, 1)
	for event, body := range map[string]string{"ping": `{"zen":""}`, "issues": "{", "push": tag, "": "{}"} {
		if a := h.post(hubPush, body, sign(event, body)...); a.status != 200 || a.body["status"] != "ignored" {
			t.Errorf("%s: %d %s", event, a.status, a.raw)
		}
	}
	if a := h.post(hubPush, gone, sign("push", gone)...); a.body["status"] != "ignored" {
		t.Errorf("a branch that goes: %d %s", a.status, a.raw)
	}
	h.problem("GET", hubPush, "", 405, "FGD_1010")
	h.problem("POST", "/webhooks/nobody", "{}", 404, "FGD_1022")
	off := setup(t)
	off.problem("POST", hubPush, "{}", 404, "FGD_1063", header{"Content-Type", "application/json"})
}

// TestARepositoryHasASecretOfItsOwn: it is the one of all fabrics of the repository, and opens no other.
func TestARepositoryHasASecretOfItsOwn(t *testing.T) {
	t.Parallel()
	h := setupHooked(t)
	own := func(fabric int) (path, secret string) {
		shown := h.ok("GET", fmt.Sprintf("/api/v1/fabrics/%d/webhook", fabric), "")
		endpoint, _ := shown["endpoints"].([]any)[0].(map[string]any)
		path, _ = endpoint["path"].(string)
		secret, _ = shown["secret"].(string)
		return path, secret
	}
	body, foreign := hubBody("r", "main", "gitops/f1/a"), hubBody("other", "main", "gitops/f1/a")
	nobody := "/webhooks/github/" + strings.Repeat("0", 32)
	h.checkProblem("before one was asked for", h.post(nobody, body), 404, "FGD_1063")
	path, mine := own(35)
	if samePath, same := own(36); samePath != path || same != mine {
		t.Error("two fabrics of one repository have two secrets")
	}
	otherPath, others := own(38)
	h.post(path, body, fromHub(mine, body, "own")...)
	if got := h.looked("own"); !slices.Equal(got, []int{35, 39}) {
		t.Errorf("%v were looked at", got)
	}
	h.checkProblem("the secret of another", h.post(path, body, fromHub(others, body, "x")...), 401, "FGD_1062")
	h.checkProblem("that of all", h.post(path, body, fromHub(hubSecret, body, "x")...), 401, "FGD_1062")
	h.checkProblem("at the path of all", h.post(hubPush, body, fromHub(mine, body, "x")...), 401, "FGD_1062")
	h.checkProblem("of nobody", h.post(nobody, body, fromHub(mine, body, "x")...), 401, "FGD_1062")
	elsewhere := append(fromHub(mine, body, "again"), "X-Gitea-Event", "push")
	if a := h.post(strings.Replace(path, "github", "gitea", 1), body, elsewhere...); a.body["status"] != "repeated" {
		t.Errorf("a delivery of GitHub at the path of Gitea, which has the same secret: %d %s", a.status, a.raw)
	}
	h.post(path, foreign, fromHub(mine, foreign, "foreign")...)
	if got := h.looked("foreign"); len(got) != 0 {
		t.Errorf("with the secret of another repository %v were looked at", got)
	}
	h.post(otherPath, foreign, fromHub(others, foreign, "theirs")...)
	if got := h.looked("theirs"); !slices.Equal(got, []int{38}) {
		t.Errorf("%v were looked at", got)
	}
	if strings.Contains(h.log.String(), mine) {
		t.Error("a secret is in the log")
	}
}

// TestASecretCountsForEveryFabricOfItsRepository: so it is for who is admin of each of them, and for nobody who is not,
// also when the foreign one was registered later. Which others there are is not said.
func TestASecretCountsForEveryFabricOfItsRepository(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	register := func(id int, repository string) {
		g.ok("POST", "/api/v1/fabrics", fmt.Sprintf(`{"fabric_id":%d,"name":"fabric-%d","gitops_directory":"gitops/f%d",
			"repository_url":"https://git.example/team/%s.git"}`, id, id, id, repository), bearer(g.bootstrap))
	}
	register(35, "r")
	register(38, "other")
	one, both := bearer(g.grant("admin", "35")), bearer(g.grant("admin", "35,36"))
	g.ok("GET", "/api/v1/fabrics/35/webhook", "", one)
	register(36, "r")
	refused := g.problem("GET", "/api/v1/fabrics/35/webhook", "", http.StatusForbidden, "FGD_1051", one)
	text := fmt.Sprint(refused["message"], refused["remedy"], refused["details"])
	if strings.Contains(text, "36") || strings.Contains(text, "team/r") {
		t.Errorf("the refusal tells of the other fabric: %s", text)
	}
	mixed := bearer(g.create(`{"name":"mixed","grants":[{"role":"admin","fabric_ids":[35]},` +
		`{"role":"operator","all_fabrics":true}]}`))
	g.problem("GET", "/api/v1/fabrics/35/webhook", "", http.StatusForbidden, "FGD_1051", mixed)
	g.ok("GET", "/api/v1/fabrics/35/webhook", "", both)
	g.ok("GET", "/api/v1/fabrics/35/webhook", "", bearer(g.bootstrap))
	if got := g.stages("GetFabricWebhook"); !slices.Contains(got, "completed FGD_1051") {
		t.Errorf("the refusal is not written down: %v", got)
	}
}

// TestAFullQueue: a delivery that finds no room is refused, and can be delivered again; what waits is done still.
func TestAFullQueue(t *testing.T) {
	t.Parallel()
	h := setupHooked(t)
	h.backend.mu.Lock() // nothing that is asked of it is answered
	full := false
	for i := range 1000 {
		body := hubBody("r", "other", fmt.Sprint("gitops/f1/", i)) // of no fabric: little is to be done for each
		if a := h.post(hubPush, body, fromHub(hubSecret, body, fmt.Sprint("n", i))...); a.status != http.StatusOK {
			h.checkProblem("a full queue", a, http.StatusServiceUnavailable, "FGD_1064")
			if after := a.header.Get("Retry-After"); after != "10" {
				t.Errorf("Retry-After %q", after)
			}
			full = true
			break
		}
	}
	h.backend.mu.Unlock()
	if !full {
		t.Fatal("there is no end of it")
	}
	wanted := hubBody("other", "main", "gitops/f1/again")
	h.until("room", func() bool {
		return h.post(hubPush, wanted, fromHub(hubSecret, wanted, "again")...).body["status"] == "accepted"
	})
	if got := h.looked("again"); !slices.Equal(got, []int{38}) {
		t.Errorf("%v were looked at", got)
	}
}

// TestWhatWaitsIsDoneBeforeTheEnd: the bridge is told to end while deliveries wait that were answered. All of them have
// their syncs when it has ended, and one that comes then is refused, to be delivered again.
func TestWhatWaitsIsDoneBeforeTheEnd(t *testing.T) {
	t.Parallel()
	h := setupHooked(t)
	const many = 20     // more than are worked off at the same time
	h.backend.mu.Lock() // nothing that is asked of it is answered
	for i := range many {
		body := hubBody("other", "main", fmt.Sprint("gitops/f1/", i))
		if a := h.post(hubPush, body, fromHub(hubSecret, body, fmt.Sprint("n", i))...); a.body["status"] != "accepted" {
			t.Errorf("%d: %d %s", i, a.status, a.raw)
		}
	}
	h.end()
	h.backend.mu.Unlock()
	h.await()
	if started := len(h.syncsOf()); started != many {
		t.Errorf("%d syncs for %d deliveries:\n%s", started, many, h.log)
	}
	body := hubBody("other", "main", "gitops/f1/late")
	late := h.post(hubPush, body, fromHub(hubSecret, body, "late")...)
	h.checkProblem("after the end", late, http.StatusServiceUnavailable, "FGD_1064")
}

// TestWhatFailsCanBeDeliveredAgain: a sync that could not be started was not seen.
func TestWhatFailsCanBeDeliveredAgain(t *testing.T) {
	t.Parallel()
	h := setupHooked(t)
	h.backend.fail(fmt.Errorf("away"))
	body := hubBody("r", "main", "gitops/f1/a")
	h.post(hubPush, body, fromHub(hubSecret, body, "first")...)
	h.until("the failure", func() bool { return strings.Contains(h.log.String(), "webhook was not worked off") })
	h.backend.fail(nil)
	h.post(hubPush, body, fromHub(hubSecret, body, "second")...)
	if got := h.looked("second"); !slices.Equal(got, []int{35, 39}) {
		t.Errorf("%v were looked at", got)
	}
}

// TestSecretsAreJudged: short ones and a third one are refused at the start, and not repeated.
func TestSecretsAreJudged(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string][]string{
		"short": {"hunter2"}, "three": {hubSecret, oldSecret, teaSecret}, "no signing token": {"whsec_?hunter2?hunter2"},
	} {
		cfg := bridge.DefaultConfig()
		for _, text := range texts {
			cfg.GithubWebhookSecret = append(cfg.GithubWebhookSecret, secret.New(text))
		}
		err := cfg.Validate()
		if err == nil || !strings.Contains(err.Error(), "github_webhook_secret") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
