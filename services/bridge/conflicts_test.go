package bridge_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/testkit/redistest"
)

// receiptsKey is where whoever delivers keeps the receipts of fabric 35.
const receiptsKey = "fgd:bridge:{3}:fabric:35:receipts"

// setupReceipts is a bridge with a linked fabric, whose receipts a test puts into Redis.
func setupReceipts(t *testing.T) (*bundle, *redisconn.Conn) {
	t.Helper()
	server := redistest.Start(t)
	b := setup(t, func(c *bridge.Config) { c.RedisURL = server.URL() })
	b.ok("POST", "/api/v1/fabrics", linkedFabric)
	return b, server.Conn(t)
}

func keep(t *testing.T, conn *redisconn.Conn, receipts ...*netboxv1.Receipt) {
	t.Helper()
	for _, r := range receipts {
		raw, err := proto.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		field := r.GetKind() + "/" + r.GetNamespace() + "/" + r.GetName()
		if err := conn.Main.HSet(t.Context(), receiptsKey, field, raw).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func conflicted(name string, state netboxv1.ConflictState) *netboxv1.Receipt {
	return &netboxv1.Receipt{
		Kind: "VPC", Namespace: "default", Name: name, RecordId: 7, State: netboxv1.State_STATE_HELD,
		Problem: &netboxv1.Problem{Reason: netboxv1.Reason_REASON_CONFLICT, Message: "both sides changed spec.vlan"},
		Conflict: &netboxv1.Conflict{
			ConflictId: "c-" + name, Version: "v-1", State: state, OpenedAt: &timestamppb.Timestamp{Seconds: 1},
			Paths: []*netboxv1.ConflictPath{{
				Path: "spec.vlan", Reason: "one_removed", Base: []byte("1001"), Netbox: []byte(`{"b":[1,null],"a":1e2}`),
			}},
		},
	}
}

// TestConflictsOverHTTP: by all their paths, as the receipts in Redis have them.
func TestConflictsOverHTTP(t *testing.T) {
	t.Parallel()
	b, redis := setupReceipts(t)
	keep(t, redis, conflicted("vpc-1", netboxv1.ConflictState_CONFLICT_STATE_OPEN),
		conflicted("vpc-2", netboxv1.ConflictState_CONFLICT_STATE_RESOLVED),
		&netboxv1.Receipt{Kind: "VPC", Namespace: "default", Name: "vpc-3", State: netboxv1.State_STATE_MERGING})
	for _, path := range []string{"/api/v1/fabrics/35/conflicts", "/api/plugins/hedgehog/fabrics/35/conflicts"} {
		for _, end := range []string{"", "/"} {
			answer := b.ok("GET", path+end, "")
			conflicts, _ := answer["conflicts"].([]any)
			if len(conflicts) != 1 || answer["total"] != 1.0 || answer["next_page_token"] != "" {
				t.Fatalf("%s: %v", path+end, answer)
			}
		}
		if all := b.ok("GET", path+"?state=all", "")["total"]; all != 2.0 {
			t.Errorf("%s: %v in all", path, all)
		}
	}
	const one = "/api/v1/fabrics/35/conflicts/c-vpc-1"
	const shown = `"paths":[{"path":"spec.vlan","reason":"one_removed","base":1001,"netbox":{"a":100,"b":[1,null]}}]`
	for _, path := range []string{one, one + "/"} {
		if a := b.call("GET", path, ""); a.status != 200 || !strings.Contains(a.raw, shown) ||
			!strings.Contains(a.raw, `"opened_at":"1970-01-01T00:00:01Z"`) || strings.Contains(a.raw, "resolved_at") {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	b.problem("GET", "/api/v1/fabrics/35/conflicts/c-9", "", 404, errs.ConflictNotFound.ID)
}

// TestAConflictIsNotSettledOverHTTP when it is another one by now, or not all of it is chosen. Each try is in the
// audit, with the conflict that it was about.
func TestAConflictIsNotSettledOverHTTP(t *testing.T) {
	t.Parallel()
	b, redis := setupReceipts(t)
	keep(t, redis, conflicted("vpc-1", netboxv1.ConflictState_CONFLICT_STATE_OPEN))
	paths := []string{
		"/api/v1/fabrics/35/conflicts/c-vpc-1:resolve", "/api/plugins/hedgehog/fabrics/35/conflicts/c-vpc-1/resolve",
	}
	for _, path := range paths {
		for _, end := range []string{"", "/"} {
			b.problem("POST", path+end, `{"version":"v-0","take":"git"}`, 409, errs.ConflictMoved.ID)
			b.problem("POST", path+end, `{"version":"v-1"}`, 400, errs.ConflictUnsettled.ID)
		}
	}
	problem := b.problem("POST", paths[0], `{"version":"v-1","choices":[{"path":"spec","take":"git"}]}`, 400, "FGD_1010")
	if field := problem["details"].(map[string]any)["field"]; field != "choices[0].path" {
		t.Errorf("the field is %v", field)
	}
	b.problem("POST", paths[0], `{"version":"v-0","take":"git","validate_only":true}`, 409, errs.ConflictMoved.ID)
	lines := b.lines()
	if last := lines[len(lines)-1]; !last.ValidateOnly || last.Object.Name != "c-vpc-1" {
		t.Errorf("the line of a preview is %+v", last)
	}
	last := lines[len(lines)-3]
	if last.ValidateOnly || !strings.HasSuffix(last.Action, "ConflictService/ResolveConflict") ||
		last.FabricID != 35 || last.Object == nil ||
		last.Object.Kind != "conflict" || last.Object.Name != "c-vpc-1" || last.Code != errs.InvalidRequest.ID {
		t.Errorf("the last line is %+v about %+v", last, last.Object)
	}
}

// TestReceiptsTellOfConflicts: a delivery counts what is open and what is on its way to Git, and a receipt names its
// conflict.
func TestReceiptsTellOfConflicts(t *testing.T) {
	t.Parallel()
	b, redis := setupReceipts(t)
	keep(t, redis, conflicted("vpc-1", netboxv1.ConflictState_CONFLICT_STATE_OPEN),
		conflicted("vpc-2", netboxv1.ConflictState_CONFLICT_STATE_RESOLVED),
		&netboxv1.Receipt{Kind: "VPC", Namespace: "default", Name: "vpc-3", State: netboxv1.State_STATE_MERGING})
	for _, query := range []string{"", "?state=merging", "?state=held&limit=1"} {
		delivery := b.ok("GET", "/api/v1/fabrics/35/receipts"+query, "")["delivery"].(map[string]any)
		if delivery["merging"] != 1.0 || delivery["conflicts"] != 1.0 || delivery["held"] != 2.0 {
			t.Errorf("%s: %v", query, delivery)
		}
	}
	var told []string
	for _, one := range b.ok("GET", "/api/v1/fabrics/35/receipts", "")["receipts"].([]any) {
		r := one.(map[string]any)
		problem, _ := r["problem"].(map[string]any)
		told = append(told, fmt.Sprint(r["name"], " ", r["state"], " ", r["conflict_id"], " ", problem["reason"]))
	}
	want := "vpc-1 held c-vpc-1 conflict, vpc-2 held <nil> conflict, vpc-3 merging <nil> <nil>"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("receipts %s", got)
	}
}

// TestReceiptsCountKindsWithoutAModelApart: they are neither refused nor waiting, and can be asked for by themselves.
func TestReceiptsCountKindsWithoutAModelApart(t *testing.T) {
	t.Parallel()
	b, redis := setupReceipts(t)
	keep(t, redis, &netboxv1.Receipt{
		Kind: "Agent", Namespace: "default", Name: "leaf-1", State: netboxv1.State_STATE_WITHOUT_MODEL,
		Problem: &netboxv1.Problem{Reason: netboxv1.Reason_REASON_NO_MODEL},
	})
	answer := b.ok("GET", "/api/v1/fabrics/35/receipts?state=without_model", "")
	delivery := answer["delivery"].(map[string]any)
	if delivery["without_model"] != 1.0 || delivery["undeliverable"] != 0.0 || answer["total"] != 1.0 {
		t.Errorf("the answer is %v", answer)
	}
	receipt := answer["receipts"].([]any)[0].(map[string]any)
	if receipt["state"] != "without_model" || receipt["problem"].(map[string]any)["reason"] != "no_model" {
		t.Errorf("the receipt is %v", receipt)
	}
}

// TestADeliverySaysWhatIsPublished: whoever asks knows whether all that was published is in NetBox, also before the
// delivery has seen it.
func TestADeliverySaysWhatIsPublished(t *testing.T) {
	t.Parallel()
	b, _ := setupReceipts(t)
	for _, published := range []any{nil, commitA} {
		b.backend.resources.published, _ = published.(string)
		for name, delivery := range map[string]any{
			"list":    b.ok("GET", "/api/v1/fabrics/35/receipts", "")["delivery"],
			"deliver": b.ok("POST", "/api/v1/fabrics/35/receipts:deliver", ""),
		} {
			if got := delivery.(map[string]any); got["published_commit"] != published || got["proven_commit"] != nil {
				t.Errorf("%s: the delivery is %v", name, got)
			}
		}
	}
}
