package bridge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge"
)

// replica is another bridge with the same tokens, which has its peppers from a file.
func (g *guarded) replica(peppers string) *guarded {
	g.t.Helper()
	folder := g.t.TempDir()
	other := &guarded{folder: folder, bootstrap: g.bootstrap}
	other.bundle = setup(g.t, func(c *bridge.Config) {
		c.Unauthenticated = false
		c.TokenPepperFile, c.BootstrapTokenFile = peppers, filepath.Join(folder, "bootstrap")
	})
	g.backend.mu.Lock()
	known := g.backend.tokens.all()
	g.backend.mu.Unlock()
	other.backend.mu.Lock()
	defer other.backend.mu.Unlock()
	for _, token := range known {
		other.backend.tokens.stored[token.GetTokenId()] = token
	}
	other.backend.wake()
	return other
}

// shows reports whether a bridge takes a token.
func (g *guarded) takes(token string) bool {
	return g.call("GET", "/api/v1/caller", "", bearer(token)).status == http.StatusOK
}

// TestAPepperRotates is X18 of the fault matrix: streams go on, tokens that are out are taken as long as their pepper
// is there, and one that is made anew outlives it.
func TestAPepperRotates(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withSyncs(35)
	g.backend.mu.Lock()
	g.backend.events["sync-of-35"] = nil // goes on
	g.backend.mu.Unlock()
	old := g.grant("viewer", "35")
	ctx := metadata.AppendToOutgoingContext(t.Context(), rpc.AuthorizationKey, "Bearer "+old)
	stream, err := bridgev1.NewSyncServiceClient(g.self).
		StreamSyncEvents(ctx, &bridgev1.StreamSyncEventsRequest{SyncId: "sync-of-35"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(filepath.Join(g.folder, "peppers"))
	if err != nil {
		t.Fatal(err)
	}
	const pepper = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n"
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "peppers")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	both := g.replica(write(pepper + string(first)))
	both.until("the tokens that are out", func() bool { return both.takes(old) && both.takes(g.bootstrap) })
	renewed, _ := both.ok("POST", "/api/v1/tokens/"+idOf(old)+":rotate", "{}", bearer(g.bootstrap))["text"].(string)
	made := both.grant("viewer", "35")
	g.backend.tell("sync-of-35", progress(1))
	if _, err := stream.Recv(); err != nil {
		t.Errorf("the stream that was open: %v", err)
	}
	after := both.replica(write(pepper))
	after.until("the tokens that were made anew", func() bool { return after.takes(renewed) && after.takes(made) })
	for name, gone := range map[string]string{"replaced": old, "of the pepper that is gone": g.bootstrap} {
		after.problem("GET", "/api/v1/caller", "", http.StatusUnauthorized, "FGD_1050", bearer(gone))
		if after.takes(gone) {
			t.Errorf("a token is taken that is %s", name)
		}
	}
}

// TestNamesForgeNothing is X19 of the fault matrix: whatever is in a name, it ends no line of the log or of the audit,
// and nothing in it is filled in.
func TestNamesForgeNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	const forgery = "{\"level\":\"INFO\",\"msg\":\"forged\"}"
	for name, want := range map[string]string{
		"eve\r\n" + forgery + "\r\nFgd-Fence: 9": "eve  " + forgery + "  Fgd-Fence: 9",
		"eve\n\n" + forgery:                      "eve  " + forgery,
		"eve\u0085\u2028\u202e\x00\x1b[31m":      "",
		"{{.Token}} ${jndi:ldap://x} %s%n $(id)": "{{.Token}} ${jndi:ldap://x} %s%n $(id)",
	} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), rpc.RequestedByKey, name)
		started, err := bridgev1.NewSyncServiceClient(b.self).TriggerSync(ctx, &bridgev1.TriggerSyncRequest{FabricId: 35})
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		b.backend.mu.Lock()
		got := b.backend.syncs[started.GetSyncId()].GetRequestedBy()
		b.backend.mu.Unlock()
		if strings.ContainsAny(got, "\r\n\u0085\u2028\u202e\x00\x1b") || want != "" && got != want {
			t.Errorf("requested by %q, not %q", got, want)
		}
	}
	for _, body := range []string{
		`{"name":"x\r\ny","grants":[{"role":"viewer","all_fabrics":true}]}`,
		`{"name":"x\u001b[31m","grants":[{"role":"viewer","all_fabrics":true}]}`,
	} {
		made := b.call("POST", "/api/v1/tokens", body)
		if made.status == http.StatusOK && strings.ContainsAny(fmt.Sprint(made.body["token"]), "\r\n\x1b") {
			t.Errorf("a token with the name of %s: %s", body, made.raw)
		}
	}
	b.call("GET", "/api/v1/syncs/x%0d%0a"+"forged", "", header{"X-Correlation-Id", "x\tforged"})
	b.requireWholeLines("forged")
}

// requireWholeLines holds that every line of the log and of the audit is one of ours.
func (b *bundle) requireWholeLines(forged string) {
	b.t.Helper()
	for line := range strings.Lines(b.log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry["msg"] == forged {
			b.t.Errorf("a line of the log: %s: %v", line, err)
		}
	}
	if lines := b.lines(); len(lines) == 0 { // each is parsed
		b.t.Error("nothing is in the audit")
	}
	if got := b.ok("GET", "/api/v1/audit:verify", ""); got["intact"] != true {
		b.t.Errorf("verified %v", got)
	}
}

// nested are texts of JSON that are as deep as is said, and closed or not.
func nested(deep int) []string {
	objects := strings.Repeat(`{"a":`, deep)
	return []string{
		strings.Repeat("[", deep), strings.Repeat("[", deep) + strings.Repeat("]", deep),
		objects, objects + "1" + strings.Repeat("}", deep),
	}
}

// TestDeepJSON: what is nested ten thousand times and more is refused, by every route that takes a body, wherever in
// the body it is.
func TestDeepJSON(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	replace := strings.NewReplacer("{fabric_id}", "35", "{sync_id}", "s", "{path}", "unmanaged/a", "{token_id}", "t")
	var routes []string
	b.openAPI().operations(func(method, path string, _ object) {
		if method == "post" || method == "patch" || method == "put" {
			routes = append(routes, strings.ToUpper(method)+" "+replace.Replace(path))
		}
	})
	if len(routes) < 20 {
		t.Errorf("only %d routes", len(routes))
	}
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		for _, text := range nested(10_000) {
			for _, body := range []string{text, `{"fabric_id":` + text + `}`, `{"options":` + text + `}`} {
				if a := b.call(method, path, body); a.status != http.StatusBadRequest || len(a.raw) > 4<<10 {
					t.Errorf("%s %s: %d with %d bytes", method, path, a.status, len(a.raw))
				}
			}
		}
	}
	for _, text := range nested(150_000) {
		a := b.call("POST", "/api/v1/fabrics", `{"credentials":`+text+`}`)
		b.checkProblem("150,000 deep", a, http.StatusBadRequest, "FGD_1010")
	}
	if strings.Contains(b.log.String(), "panic") {
		t.Error("something panicked")
	}
}

// TestABodyOfFiveMebibytes: over JSON it is not read, and over gRPC no field holds so much.
func TestABodyOfFiveMebibytes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	large := strings.Repeat("x", 5<<20)
	b.problem("POST", "/api/v1/fabrics", `{"name":"`+large+`"}`, http.StatusRequestEntityTooLarge, "FGD_1010")
	b.problem("POST", "/api/v1/fabrics", packed(t, `{"name":"`+large+`"}`), http.StatusRequestEntityTooLarge, "FGD_1010",
		header{"Content-Encoding", "gzip"})
	_, err := bridgev1.NewFabricServiceClient(b.network("")).
		CreateFabric(t.Context(), &bridgev1.CreateFabricRequest{Name: large, RepositoryUrl: "https://git.example/r.git"})
	if e := errs.From(err); e == nil || e.Code.ID != errs.InvalidRequest.ID || len(e.Message) > 1000 {
		t.Errorf("over gRPC: %.200v", err)
	}
	if len(b.log.String()) > 64<<10 {
		t.Errorf("the log has %d bytes", len(b.log.String()))
	}
}
