package bridge_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// TestTokenLifecycle: made, listed, used, rotated and revoked over the API.
func TestTokenLifecycle(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	first := g.ok("GET", "/api/v1/caller", "", bearer(g.bootstrap))
	if first["name"] != "bootstrap" || first["method"] != "token" || first["token_id"] != idOf(g.bootstrap) {
		t.Errorf("the first caller: %v", first)
	}
	made := g.ok("POST", "/api/v1/tokens",
		`{"name":"alice","grants":[{"role":"operator","fabric_ids":[35,36]}],"lifetime_seconds":3600,`+
			`"networks":["127.0.0.0/8","::1/128"]}`, bearer(g.bootstrap))
	text := made["text"].(string)
	token := made["token"].(map[string]any)
	if token["state"] != "active" || token["created_by"] != "bootstrap" || token["token_id"] != idOf(text) {
		t.Errorf("made %v", token)
	}
	if got := g.ok("GET", "/api/v1/caller", "", bearer(text)); got["name"] != "alice" {
		t.Errorf("called by %v", got)
	}
	rotated := g.ok("POST", "/api/v1/tokens/"+idOf(text)+":rotate", "{}", bearer(g.bootstrap))["text"].(string)
	if idOf(rotated) != idOf(text) || rotated == text {
		t.Errorf("rotated %q into %q", idOf(text), idOf(rotated))
	}
	g.problem("GET", "/api/v1/caller", "", 401, "FGD_1050", bearer(text))
	g.ok("GET", "/api/v1/caller", "", bearer(rotated))
	list := g.ok("GET", "/api/v1/tokens", "", bearer(g.bootstrap))
	if list["total"] != 2.0 || strings.Contains(fmt.Sprint(list), "digest") {
		t.Errorf("list %v", list)
	}
	if got := g.ok("DELETE", "/api/v1/tokens/"+idOf(rotated), "", bearer(g.bootstrap)); got["state"] != "revoked" {
		t.Errorf("revoked %v", got)
	}
	problem := g.problem("GET", "/api/v1/caller", "", 401, "FGD_1050", bearer(rotated))
	if !strings.Contains(problem["message"].(string), "revoked") {
		t.Errorf("problem %v", problem)
	}
	g.problem("POST", "/api/v1/tokens/"+idOf(rotated)+":rotate", "{}", 404, "FGD_1052", bearer(g.bootstrap))
	g.problem("DELETE", "/api/v1/tokens/000000000000", "", 404, "FGD_1052", bearer(g.bootstrap))
	for _, secret := range []string{text, rotated, g.bootstrap} {
		if strings.Contains(g.log.String(), secret[17:]) {
			t.Error("a token is in the log")
		}
	}
}

// TestTwoTokensAreNone: who reads the first and who reads the last would see different callers, over gRPC as over HTTP.
func TestTwoTokensAreNone(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	ctx := metadata.AppendToOutgoingContext(g.as(g.bootstrap), "authorization", "Bearer "+g.grant("viewer", ""))
	_, err := bridgev1.NewAccessServiceClient(g.self).GetCaller(ctx, &bridgev1.GetCallerRequest{})
	if !errs.HasCode(err, errs.NotAuthenticated) {
		t.Errorf("two tokens: %v", err)
	}
}

// TestARevokedTokenEndsItsStreams: what goes on ends, and says why.
func TestARevokedTokenEndsItsStreams(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withSyncs(35)
	g.backend.mu.Lock()
	g.backend.events["sync-of-35"] = nil // goes on
	g.backend.mu.Unlock()
	text := g.grant("viewer", "35")
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+text)
	stream, err := bridgev1.NewSyncServiceClient(g.self).
		StreamSyncEvents(ctx, &bridgev1.StreamSyncEventsRequest{SyncId: "sync-of-35"})
	if err != nil {
		t.Fatal(err)
	}
	g.until("a listener", func() bool {
		g.backend.mu.Lock()
		defer g.backend.mu.Unlock()
		return g.backend.watchers == 1
	})
	g.change(text, func(t *accessv1.Token) { t.RevokedAt = timestamppb.Now() }) // by another bridge
	if _, err := stream.Recv(); !errs.HasCode(err, errs.NotAuthenticated) {
		t.Errorf("the stream ended with %v", err)
	}
	if err := g.backend.awaitNoWatchers(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAChangedTokenIsReplacedWhole: what a later record does not grant is not granted any more, and an earlier one that
// comes late brings nothing back.
func TestAChangedTokenIsReplacedWhole(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withSyncs(35, 36)
	text := g.create(`{"name":"alice","grants":[{"role":"admin","fabric_ids":[35,36]}]}`)
	g.backend.mu.Lock()
	before := proto.CloneOf(g.backend.tokens.stored[idOf(text)])
	g.backend.mu.Unlock()
	less := func(token *accessv1.Token) {
		token.Grants = []*accessv1.Grant{{Role: accessv1.Role_ROLE_VIEWER, FabricIds: []int32{36}}}
	}
	granted := func(token string) string {
		return fmt.Sprint(g.ok("GET", "/api/v1/caller", "", bearer(token))["grants"])
	}
	g.change(text, less)
	const want = "[map[all_fabrics:false fabric_ids:[36] rights:[] role:viewer]]"
	g.until("the grants of the later record", func() bool { return granted(text) == want })
	g.backend.mu.Lock()
	g.backend.tokens.stored[idOf(text)] = before
	g.backend.mu.Unlock()
	other := g.grant("viewer", "35")
	g.change(other, less)
	g.until("what was told together with the earlier record", func() bool { return granted(other) == want })
	if got := granted(text); got != want {
		t.Errorf("granted is %s", got)
	}
}

// TestWhoSpeaksForPeople: a service that may is believed, and named beside them; nobody else is. It gives their e-mail
// address, too.
func TestWhoSpeaksForPeople(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	hnp := g.create(`{"name":"hnp","grants":[{"role":"operator","all_fabrics":true}],"speaks_for_people":true}`)
	person := g.create(`{"name":"mallory","grants":[{"role":"operator","all_fabrics":true}]}`)
	for _, c := range []struct{ token, claims, who, via string }{
		{hnp, "alice", "alice", "hnp"},
		{hnp, "", "hnp", ""},
		{person, "alice", "mallory", ""},
		{person, "", "mallory", ""},
	} {
		g.call("POST", "/api/v1/fabrics/35/syncs", "{}", bearer(c.token), header{"X-Requested-By", c.claims},
			header{"X-Requested-By-Email", "alice@example.com"})
		g.backend.mu.Lock()
		md := g.backend.metadata
		g.backend.mu.Unlock()
		if got := fmt.Sprint(md.Get("fgd-principal-bin"), md.Get("fgd-via-bin")); got !=
			fmt.Sprint([]string{c.who}, strings.Fields(c.via)) {
			t.Errorf("%q for %q: %s", c.token[:8], c.claims, got)
		}
		if known := len(md.Get("fgd-principal-email")) > 0; known != (c.who == "alice") {
			t.Errorf("%q for %q: the address is %q", c.token[:8], c.claims, md.Get("fgd-principal-email"))
		}
		if len(md.Get("authorization")) > 0 {
			t.Error("the token goes on to other services")
		}
	}
}

// TestRightsBesideTheRole: an admin of some fabrics has no more than is named; an admin of all has every right.
func TestRightsBesideTheRole(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withSyncs(35)
	requests := []struct{ right, request string }{
		{"name_hosts", `PATCH /api/v1/fabrics/35 {"repository_url":"https://git.example.com/x"}`},
		{"name_hosts", `PATCH /api/v1/fabrics/35 {"netbox":{"url":"https://netbox.example.com"}}`},
		{"name_references", `PATCH /api/v1/fabrics/35 {"credentials":{"ref":"env:HEDGEHOG_FGD_GIT_X"}}`},
		{"name_references", `PATCH /api/v1/fabrics/35 {"netbox":{"token_ref":"env:HEDGEHOG_FGD_NETBOX_X"}}`},
		{"allow_repository_root", `PATCH /api/v1/fabrics/35 {"options":{"allow_repository_root":true}}`},
		{"force", `POST /api/v1/fabrics/35/syncs {"options":{"force":true}}`},
		{"force", `POST /api/v1/fabrics/35/receipts:deliver {"overwrite":true}`},
		{"force", `POST /api/v1/fabrics/35/receipts:deliver {"confirm_deletions":true}`},
		{"take_over", `POST /api/v1/fabrics/35/syncs {"options":{"take_over":true}}`},
	}
	all, none, operator := g.grant("admin", ""), g.grant("admin", "35"), g.grant("operator", "")
	for _, c := range requests {
		right := c.right
		method, rest, _ := strings.Cut(c.request, " ")
		path, body, _ := strings.Cut(rest, " ")
		refused := func(token string) bool {
			a := g.call(method, path, body, bearer(token))
			return a.status == http.StatusForbidden && strings.Contains(a.raw, "FGD_1051")
		}
		if refused(all) || !refused(none) || !refused(operator) || refused(g.grant("admin", "35", right)) {
			t.Errorf("%s: admin of all refused %v, of one %v, operator %v", right, refused(all), refused(none),
				refused(operator))
		}
		if right != "force" && !refused(g.grant("admin", "35", "force")) {
			t.Errorf("%s is had by who has force", right)
		}
		if refusedBy := g.call(method, path, body, bearer(g.grant("admin", "36", right))); refusedBy.status != 404 {
			t.Errorf("%s: an admin of another fabric: %d", right, refusedBy.status)
		}
	}
}

// TestListsShowWhatIsSeen: a list leaves out what the caller may not see, and is not refused.
func TestListsShowWhatIsSeen(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	for _, c := range []struct {
		token string
		some  bool
		ids   []int32
	}{
		{g.bootstrap, false, nil}, {g.grant("viewer", "35,7"), true, []int32{7, 35}},
	} {
		g.call("GET", "/api/v1/fabrics", "", bearer(c.token))
		g.backend.mu.Lock()
		asked := g.backend.listed
		g.backend.mu.Unlock()
		if asked.GetOnlySome() != c.some || fmt.Sprint(asked.GetFabricIds()) != fmt.Sprint(c.ids) {
			t.Errorf("asked for %v", asked)
		}
	}
}

// TestTokensThatCantBeKnown: when nobody says any more which tokens are taken, none is.
func TestTokensThatCantBeKnown(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.ok("GET", "/api/v1/caller", "", bearer(g.bootstrap))
	g.backend.mu.Lock()
	g.backend.tokens.silent = true
	g.backend.mu.Unlock()
	g.clock.Add(int64(29 * time.Second))
	g.ok("GET", "/api/v1/caller", "", bearer(g.bootstrap))
	g.clock.Add(int64(2 * time.Second))
	g.problem("GET", "/api/v1/caller", "", 503, "FGD_5030", bearer(g.bootstrap))
}

// TestStreamsEndWhenTokensCantBeKnown: a revocation would not be heard of, so what goes on ends too, over gRPC as over
// HTTP, and says to come again. When somebody says again which tokens are taken, it can.
func TestStreamsEndWhenTokensCantBeKnown(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withSyncs(35)
	g.backend.mu.Lock()
	g.backend.events["sync-of-35"] = nil // goes on
	g.backend.mu.Unlock()
	text := g.grant("viewer", "35")
	ctx, cancel := context.WithTimeout(g.as(text), patience)
	defer cancel()
	listen := func() grpc.ServerStreamingClient[bridgev1.StreamSyncEventsResponse] {
		stream, err := bridgev1.NewSyncServiceClient(g.self).
			StreamSyncEvents(ctx, &bridgev1.StreamSyncEventsRequest{SyncId: "sync-of-35"})
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	listeners := func(n int) {
		g.until(fmt.Sprintf("%d listeners", n), func() bool {
			g.backend.mu.Lock()
			defer g.backend.mu.Unlock()
			return g.backend.watchers == n
		})
	}
	stream, lines := listen(), make(chan answer, 1)
	go func() { lines <- g.call("GET", "/api/v1/syncs/sync-of-35/events", "", bearer(text)) }()
	listeners(2)
	g.backend.mu.Lock()
	g.backend.tokens.silent = true
	g.backend.mu.Unlock()
	g.clock.Add(int64(31 * time.Second))
	_, err := stream.Recv()
	if e := errs.From(err); e.Code.ID != "FGD_5030" || !strings.Contains(e.RemedyText(), "Come again") {
		t.Errorf("the stream ended with %v", err)
	}
	g.until("an end of the lines", func() bool { return len(lines) == 1 })
	if a := <-lines; !strings.Contains(a.raw, "FGD_5030") || !strings.Contains(a.raw, "Come again") {
		t.Errorf("the lines ended with %d %s", a.status, a.raw)
	}
	listeners(0)
	g.backend.mu.Lock()
	g.backend.tokens.silent = false
	g.backend.wake()
	g.backend.mu.Unlock()
	g.until("tokens that are known", func() bool {
		return g.call("GET", "/api/v1/caller", "", bearer(text)).status == http.StatusOK
	})
	again := listen()
	g.backend.tell("sync-of-35", progress(1))
	if _, err := again.Recv(); err != nil {
		t.Errorf("come again: %v", err)
	}
}

// TestGuessesAreLimited: who shows too much that is no valid token is told no more about it, whatever it is. A good one
// is taken from the same address all the while.
func TestGuessesAreLimited(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	revoked := g.grant("viewer", "35")
	g.ok("DELETE", "/api/v1/tokens/"+idOf(revoked), "", bearer(g.bootstrap))
	replaced := g.grant("viewer", "35") // has another secret now
	g.ok("POST", "/api/v1/tokens/"+idOf(replaced)+":rotate", "{}", bearer(g.bootstrap))
	guesses := []string{"guess", revoked, replaced}
	for i := range 10 {
		g.problem("GET", "/api/v1/caller", "", 401, "FGD_1050", bearer(guesses[i%len(guesses)]))
	}
	var told []string
	for _, guess := range guesses {
		a := g.call("GET", "/api/v1/caller", "", bearer(guess))
		if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
			t.Errorf("after ten guesses: %d %s", a.status, a.raw)
		}
		problem := a.body["error"].(map[string]any)
		told = append(told, fmt.Sprint(problem["code"], problem["message"], problem["remedy"]))
	}
	if slices.Sort(told); told[0] != told[len(told)-1] {
		t.Errorf("one guess is told from another: %q", told)
	}
	g.ok("GET", "/api/v1/caller", "", bearer(g.bootstrap))
	g.problem("GET", "/api/v1/caller", "", 401, "FGD_1050") // nothing shown is no guess
	g.clock.Add(int64(25 * time.Second))
	g.problem("GET", "/api/v1/caller", "", 429, "FGD_1055", bearer("guess"))
	g.forgive()
	g.problem("GET", "/api/v1/caller", "", 401, "FGD_1050", bearer("guess"))
}

// TestATokenOfAnotherBridge can be changed by one that has not heard of it yet.
func TestATokenOfAnotherBridge(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	id, other := idOf(g.grant("viewer", "35")), "000000000000"
	g.backend.mu.Lock()
	g.backend.tokens.silent = true
	elsewhere := proto.CloneOf(g.backend.tokens.stored[id])
	elsewhere.TokenId = other
	g.backend.tokens.stored[other] = elsewhere
	g.backend.mu.Unlock()
	if made := g.ok("POST", "/api/v1/tokens/"+other+":rotate", "{}", bearer(g.bootstrap)); made["text"] == "" {
		t.Errorf("rotated: %v", made)
	}
	if got := g.ok("DELETE", "/api/v1/tokens/"+other, "", bearer(g.bootstrap)); got["state"] != "revoked" {
		t.Errorf("revoked: %v", got)
	}
	g.problem("DELETE", "/api/v1/tokens/000000000001", "", 404, "FGD_1052", bearer(g.bootstrap))
}

// TestALostToken: where nobody is asked, who has lost every token makes one.
func TestALostToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.ok("POST", "/api/v1/tokens", `{"name":"alice","grants":[{"role":"admin","all_fabrics":true}]}`)
	if text, _ := made["text"].(string); !strings.HasPrefix(text, "fgd_") || len(b.backend.tokens.all()) != 1 {
		t.Errorf("made %v", made)
	}
}

// TestSeveralAuthorizations: which of them counts would be a matter of who reads them.
func TestSeveralAuthorizations(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.server.URL+"/api/v1/caller", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header["Authorization"] = []string{"Bearer " + g.bootstrap, "Bearer " + g.bootstrap}
	response, err := g.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if a := read(t, response); a.status != http.StatusUnauthorized {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

// TestForgedSources: the address that metadata says is believed inside the process alone.
func TestForgedSources(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	local := g.create(`{"name":"local","grants":[{"role":"viewer","all_fabrics":true}],"networks":["127.0.0.0/8","::1/128"]}`)
	g.ok("GET", "/api/v1/caller", "", bearer(local))
	for _, forged := range []header{{"Grpc-Metadata-Fgd-Source", "192.0.2.1"}, {"X-Forwarded-For", "192.0.2.1"}} {
		g.ok("GET", "/api/v1/caller", "", bearer(local), forged)
	}
	elsewhere := g.create(`{"name":"far","grants":[{"role":"viewer","all_fabrics":true}],"networks":["192.0.2.0/24"]}`)
	for _, forged := range []header{
		{"Grpc-Metadata-Fgd-Source", "192.0.2.1"}, {"X-Forwarded-For", "192.0.2.1"}, {"Fgd-Source", "192.0.2.1"},
	} {
		g.problem("GET", "/api/v1/caller", "", 401, "FGD_1050", bearer(elsewhere), forged)
		g.forgive()
	}
}
