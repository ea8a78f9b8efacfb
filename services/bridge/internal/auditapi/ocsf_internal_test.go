package auditapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/chain"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

var update = flag.Bool("update", false, "rewrite what events have to look like")

// fixed are lines of all sorts, always the same.
func fixed() []chain.Line {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5_000_000, time.UTC)
	ann := &chain.Principal{Name: "Ann Example", Method: "token", TokenID: "ABCDEFGHIJKL", Via: "hnp"}
	bob := &chain.Principal{Name: "bob", Method: "oidc", Subject: "7b2e11"}
	const service = "fgd.bridge.v1."
	return []chain.Line{
		{
			ID: "1", Stage: chain.Requested, Time: at, Action: service + "AccessService/CreateToken",
			Principal: &chain.Principal{Name: "bootstrap", Method: "system"},
		},
		{
			ID: "2", Stage: chain.Completed, Time: at.Add(time.Second), Principal: ann, Source: "192.0.2.7",
			Action: service + "SyncService/TriggerSync", FabricID: 35, SyncID: "01a2", Code: chain.OK, CorrelationID: "my-id-1",
			TraceID: strings.Repeat("ab", 16),
		},
		{
			ID: "3", Stage: chain.Completed, Time: at, Principal: ann, Source: "2001:db8::7", FabricID: 36,
			Action: service + "FabricService/UpdateFabric", Code: "FGD_2020", Message: "There is no fabric 36.",
		},
		{
			ID: "4", Stage: chain.Denied, Time: at, Principal: bob, Source: "192.0.2.8", FabricID: 35, Code: "FGD_1051",
			Action: service + "FabricService/GetFabric", Message: "The call takes the role viewer.",
		},
		{
			ID: "5", Stage: chain.Interrupted, Time: at, Principal: bob, Source: "192.0.2.8",
			Action: service + "AccessService/RevokeToken", Object: &chain.Object{Kind: "token", Name: "ABCDEFGHIJKL"},
		},
		{
			ID: "6", Stage: chain.Denied, Time: at, Source: "192.0.2.9", Action: "GET /api/v1/fabrics", Code: "FGD_1050",
			Message: "The call does not say \"who\" makes it.",
		},
		{ID: "7", Stage: chain.Denied, Time: at, Source: "192.0.2.0/24", Action: "any", Code: "FGD_1055", Count: 140},
		{
			ID: "8", Stage: chain.Denied, Time: at, Source: "192.0.2.9", Action: "POST /webhooks/github", Code: "FGD_1062",
			Principal: &chain.Principal{Name: "webhook github", Method: "webhook"},
			Object:    &chain.Object{Kind: "delivery", Name: "72d3162e"},
		},
		{
			ID: "9", Stage: chain.Completed, Time: at, Principal: ann, Source: "192.0.2.7", FabricID: 35, Code: chain.OK,
			Action: service + "ConflictService/ResolveConflict", ValidateOnly: true,
			Object: &chain.Object{Kind: "conflict", Name: "c-3f2f1c9a7e10"},
		},
		{ID: "10", Stage: chain.Recovered, Time: at, Action: "audit", Message: "12 bytes after line 8 were no line."},
	}
}

// TestOCSF: events are those of the file beside this one, which others read by what OCSF says.
func TestOCSF(t *testing.T) {
	t.Parallel()
	head := chain.Head{Log: "0123456789abcdef", Hash: chain.Origin}
	var got []byte
	for _, line := range fixed() {
		raw, next, err := line.Seal(head)
		if err != nil {
			t.Fatal(err)
		}
		event, err := exported(bytes.TrimSpace(raw), &bridgev1.ExportAuditRequest{Format: "ocsf"})
		if err != nil {
			t.Fatal(err)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, event, "", "  "); err != nil {
			t.Fatal(err)
		}
		got, head = append(append(got, indented.Bytes()...), '\n'), next
	}
	path := filepath.Join("testdata", "ocsf.json")
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("events are not what %s has; go test -update rewrites it:\n%s", path, got)
	}
}
