package rpc_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/grpctest"
)

// relay passes calls on to the next service, and remembers what they belong to.
type relay struct {
	syncv1.UnimplementedSyncServiceServer
	next syncv1.SyncServiceClient
	seen chan rpc.Call
}

func (r *relay) GetSync(ctx context.Context, req *syncv1.GetSyncRequest) (*syncv1.GetSyncResponse, error) {
	if r.seen != nil {
		r.seen <- rpc.CallOf(ctx)
	}
	if r.next == nil {
		return &syncv1.GetSyncResponse{}, nil
	}
	return r.next.GetSync(ctx, req)
}

func (r *relay) WatchSync(req *syncv1.WatchSyncRequest,
	stream grpc.ServerStreamingServer[syncv1.WatchSyncResponse],
) error {
	if r.seen != nil {
		r.seen <- rpc.CallOf(stream.Context())
	}
	if r.next == nil {
		return nil
	}
	return rpc.Collect(stream.Context(), r.next.WatchSync, req, stream.Send)
}

// relays returns a client of the first of two services, for an audience, of which one passes calls on to the other, and
// the calls as both saw them.
func relays(t *testing.T, audience rpc.Audience) (client syncv1.SyncServiceClient, seen chan rpc.Call) {
	t.Helper()
	seen = make(chan rpc.Call, 2)
	serve := func(r *relay, audience rpc.Audience) syncv1.SyncServiceClient {
		return syncv1.NewSyncServiceClient(grpctest.ServeWith(t, telemetry.Discard(), audience,
			func(registrar grpc.ServiceRegistrar) { syncv1.RegisterSyncServiceServer(registrar, r) }))
	}
	second := serve(&relay{seen: seen}, rpc.Services)
	return serve(&relay{seen: seen, next: second}, audience), seen
}

// bothWays makes a unary call and a stream, and returns what the call belonged to on both hops of both.
func bothWays(ctx context.Context, t *testing.T, client syncv1.SyncServiceClient, seen chan rpc.Call) []rpc.Call {
	t.Helper()
	if _, err := client.GetSync(ctx, &syncv1.GetSyncRequest{}); err != nil {
		t.Fatal(err)
	}
	calls := []rpc.Call{<-seen, <-seen}
	err := rpc.Collect(ctx, client.WatchSync, &syncv1.WatchSyncRequest{},
		func(*syncv1.WatchSyncResponse) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return append(calls, <-seen, <-seen)
}

func TestACallTravelsOverEveryHop(t *testing.T) {
	t.Parallel()
	client, seen := relays(t, rpc.Services)
	ctx := rpc.WithPrincipal(t.Context(), "Zoë Ångström")
	ctx = rpc.WithCorrelationID(ctx, "id-1")
	ctx = rpc.WithRoutingKey(ctx, "https://git.example.com/r.git")
	ctx = rpc.WithAudit(rpc.WithVia(ctx, "hnp"), "7:ab cd")
	want := rpc.CallOf(ctx)
	want.Email = "zoe@example.com"
	ctx = rpc.WithCall(ctx, want)
	if want.Via == "" || want.Audit == "" || want.Principal == "" || want.CorrelationID == "" || want.RoutingKey == "" {
		t.Fatalf("the context has %+v", want)
	}
	for i, got := range bothWays(ctx, t, client, seen) {
		if got != want {
			t.Errorf("hop %d: %+v, not %+v", i, got, want)
		}
	}
	for i, got := range bothWays(t.Context(), t, client, seen) {
		if got != (rpc.Call{}) {
			t.Errorf("hop %d of a call of the system itself: %+v", i, got)
		}
	}
}

// TestTheEdgeSaysWhoAsks: a caller of the suite has a name and an id, what only services may say is not believed, and
// the second hop has what the first made of it.
func TestTheEdgeSaysWhoAsks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 200)
	for name, c := range map[string]struct {
		metadata []string
		want     rpc.Call // a new correlation id when it has none
	}{
		"nothing said": {nil, rpc.Call{Principal: "api"}},
		"a name": {
			[]string{"x-requested-by", "alice", "x-correlation-id", "my-id-1"},
			rpc.Call{Principal: "alice", CorrelationID: "my-id-1"},
		},
		"a name in UTF-8": {
			[]string{"x-requested-by-bin", "Zoë", "x-requested-by", "alice"},
			rpc.Call{Principal: "Zoë"},
		},
		"a name of many lines": {[]string{"x-requested-by-bin", "a\nb"}, rpc.Call{Principal: "a b"}},
		"a long name":          {[]string{"x-requested-by", long}, rpc.Call{Principal: long[:99] + "…"}},
		"a blank name":         {[]string{"x-requested-by", " "}, rpc.Call{Principal: "api"}},
		"an address": {
			[]string{"x-requested-by", "alice", "x-requested-by-email", "alice@example.com"},
			rpc.Call{Principal: "alice", Email: "alice@example.com"},
		},
		"an address of nobody": {
			[]string{"x-requested-by-email", "alice@example.com"}, rpc.Call{Principal: "api"},
		},
		"no address": {
			[]string{"x-requested-by", "alice", "x-requested-by-email", "Eve <eve@example.com>"},
			rpc.Call{Principal: "alice"},
		},
		"an id for the log": {[]string{"x-correlation-id", "a b\"c"}, rpc.Call{Principal: "api"}},
		"a service's words": {
			[]string{
				"fgd-principal-bin", "root", "fgd-correlation-id", "forged", "fgd-routing-key", "k", "fgd-audit",
				"1:a b", "fgd-via-bin", "hnp", "fgd-principal-email", "root@example.com",
			},
			rpc.Call{Principal: "api"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, seen := relays(t, rpc.Callers)
			ctx := metadata.AppendToOutgoingContext(t.Context(), c.metadata...)
			calls := bothWays(ctx, t, client, seen)
			for i, got := range calls {
				want := c.want
				if want.CorrelationID == "" {
					want.CorrelationID = calls[i-i%2].CorrelationID // what the edge chose
				}
				if got != want || len(got.CorrelationID) < len("my-id-1") || got.CorrelationID == "forged" {
					t.Errorf("hop %d: %+v, not %+v", i, got, want)
				}
			}
		})
	}
}

// TestAClientOfTheEdge says who asks as any caller can, and learns the id of its call.
func TestAClientOfTheEdge(t *testing.T) {
	t.Parallel()
	client, seen := relays(t, rpc.Callers)
	ctx := rpc.WithRoutingKey(rpc.WithCall(t.Context(), rpc.Call{Principal: "Zoë", Email: "zoe@example.com"}), "r")
	var header metadata.MD
	if _, err := client.GetSync(ctx, &syncv1.GetSyncRequest{}, grpc.Header(&header)); err != nil {
		t.Fatal(err)
	}
	got, second := <-seen, <-seen
	if got.Principal != "Zoë" || got.Email != "zoe@example.com" || got.RoutingKey != "" || got != second {
		t.Errorf("asked as %+v, then as %+v", got, second)
	}
	if ids := header.Get(rpc.CorrelationIDKey); len(ids) != 1 || ids[0] != got.CorrelationID {
		t.Errorf("the answer names %v, not %s", ids, got.CorrelationID)
	}
	if _, err := client.GetSync(rpc.WithCorrelationID(ctx, "my-id-1"), &syncv1.GetSyncRequest{}); err != nil {
		t.Fatal(err)
	}
	if got, second := <-seen, <-seen; got.CorrelationID != "my-id-1" || got != second {
		t.Errorf("asked as %+v, then as %+v", got, second)
	}
}

func TestTheAudienceOfAnRPC(t *testing.T) {
	t.Parallel()
	internal := map[string]grpc.ServiceInfo{
		"fgd.sync.v1.SyncService": {Methods: []grpc.MethodInfo{{Name: "GetSync"}}},
		"grpc.health.v1.Health":   {Methods: []grpc.MethodInfo{{Name: "Check"}}},
	}
	if err := rpc.CheckAudience(internal, rpc.Services); err != nil {
		t.Error(err)
	}
	if err := rpc.CheckAudience(internal, rpc.Callers); err == nil ||
		!strings.Contains(err.Error(), "fgd.sync.v1.SyncService/GetSync") {
		t.Errorf("an internal RPC for callers: %v", err)
	}
	unknown := map[string]grpc.ServiceInfo{"x.Service": {Methods: []grpc.MethodInfo{{Name: "Get"}}}}
	if err := rpc.CheckAudience(unknown, rpc.Services); err == nil || errs.IsError(err) {
		t.Errorf("an RPC without a contract: %v", err)
	}
}

// TestAnotherPrincipalHasNoAddress: that of who asked before is not theirs.
func TestAnotherPrincipalHasNoAddress(t *testing.T) {
	t.Parallel()
	ctx := rpc.WithCall(t.Context(), rpc.Call{Principal: "alice", Email: "alice@example.com"})
	if got := rpc.CallOf(rpc.WithPrincipal(ctx, "bob")); got != (rpc.Call{Principal: "bob"}) {
		t.Errorf("%+v", got)
	}
}

// TestCleanEmail: what is no address that a commit can have is none, and neither is a token.
func TestCleanEmail(t *testing.T) {
	t.Parallel()
	for text, taken := range map[string]bool{
		"alice@example.com": true, "a+b.c@x": true, "": false, "alice": false, "@example.com": false, "alice@": false,
		"a b@example.com": false, "Al <alice@example.com>": false, "alice@example.com\n": false, "zoë@example.com": false,
		"fgd_ABCDEFGHIJKL_secret@example.com": false, strings.Repeat("a", 65) + "@example.com": false,
	} {
		if got := rpc.CleanEmail(text); (got != "") != taken || taken && got != text {
			t.Errorf("%q is %q", text, got)
		}
	}
}

// FuzzClaims: whatever a caller sends as a name or a correlation id, what is taken over fits into one line of a log.
func FuzzClaims(f *testing.F) {
	f.Add("alice", "", "9f0c1d8e-6a55")
	f.Add("", "b\u00f6b\r\nFgd-Sync-Id: 1", strings.Repeat("x", 129))
	f.Add("\xff\u202e\x1b[2J", strings.Repeat("\u2603", 101), "a\nb")
	form := regexp.MustCompile(`\A[A-Za-z0-9._:-]{1,128}\z`)
	f.Fuzz(func(t *testing.T, encoded, plain, id string) {
		ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs(rpc.RequestedByKey, encoded, "x-requested-by", plain))
		name := rpc.ClaimedName(ctx)
		if !utf8.ValidString(name) || utf8.RuneCountInString(name) > 100 || strings.TrimSpace(name) != name ||
			strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q and %q: the name is %q", encoded, plain, name)
		}
		if clean := rpc.CleanCorrelationID(id); !form.MatchString(clean) || form.MatchString(id) && clean != id {
			t.Errorf("%q: the id is %q", id, clean)
		}
	})
}
