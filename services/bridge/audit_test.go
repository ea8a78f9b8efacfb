package bridge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// lines returns what is in the file of the audit.
func (b *bundle) lines() []chain.Line {
	b.t.Helper()
	raw, err := os.ReadFile(b.audit)
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []chain.Line
	for text := range strings.Lines(string(raw)) {
		line, err := chain.Parse([]byte(strings.TrimSuffix(text, "\n")))
		if err != nil {
			b.t.Fatalf("%s: %v", text, err)
		}
		lines = append(lines, line)
	}
	return lines
}

// stages returns the stages and codes of the lines of an RPC, or of a request over HTTP.
func (b *bundle) stages(action string) []string {
	b.t.Helper()
	var found []string
	for _, line := range b.lines() {
		if strings.Contains(line.Action, action) {
			found = append(found, strings.TrimSpace(string(line.Stage)+" "+line.Code))
		}
	}
	return found
}

// TestWhatChangesSomethingSaysSo: every path that takes another method than GET mutates, or is listed with a reason; no
// stream does, for streams are not written down.
func TestWhatChangesSomethingSaysSo(t *testing.T) {
	t.Parallel()
	reads := map[string]string{
		"FabricService.CheckConnection":       "it has credentials in its body, and leaves nothing",
		"FabricService.CheckFabricConnection": "it asks the Git host, and leaves nothing",
		"NetBoxService.CheckNetBox":           "it names a reference in its body, and leaves nothing",
	}
	for _, rpc := range rpcs() {
		if !isPublic(rpc) {
			continue
		}
		name := fmt.Sprintf("%s.%s", rpc.Parent().Name(), rpc.Name())
		mutates, _ := proto.GetExtension(rpc.Options(), accessv1.E_Mutates).(bool)
		if mutates && (rpc.IsStreamingServer() || rpc.IsStreamingClient()) {
			t.Errorf("%s is a stream, and changes something", name)
		}
		if mutates && reads[name] != "" {
			t.Errorf("%s is listed as one that reads", name)
		}
	}
	b := setup(t)
	b.openAPI().operations(func(method, path string, operation object) {
		id, _ := operation["operationId"].(string)
		name := strings.Replace(id, "_", ".", 1)
		if method == "get" || reads[name] != "" {
			return
		}
		for _, rpc := range rpcs() {
			if mutates, _ := proto.GetExtension(rpc.Options(), accessv1.E_Mutates).(bool); !mutates &&
				isPublic(rpc) && strings.HasPrefix(name, fmt.Sprintf("%s.%s", rpc.Parent().Name(), rpc.Name())) {
				t.Errorf("%s %s is %s, which changes nothing", method, path, name)
			}
		}
	})
}

// TestWhatHandsOutASecretSaysSo: an RPC whose answer has a secret changes something, or says that it is audited, which
// is for those that change nothing. Each is a single call, for streams are not written down.
func TestWhatHandsOutASecretSaysSo(t *testing.T) {
	t.Parallel()
	var tell []string
	for _, rpc := range rpcs() {
		if !isPublic(rpc) {
			continue
		}
		mutates, _ := proto.GetExtension(rpc.Options(), accessv1.E_Mutates).(bool)
		audited, _ := proto.GetExtension(rpc.Options(), accessv1.E_Audited).(bool)
		if secret := secretIn(rpc.Output()); secret && !mutates && !audited || audited && (!secret || mutates) {
			t.Errorf("%s: a secret in its answer %t, mutates %t, audited %t", nameOf(rpc), secret, mutates, audited)
		}
		if audited && (rpc.IsStreamingServer() || rpc.IsStreamingClient()) {
			t.Errorf("%s is a stream, and hands out a secret", nameOf(rpc))
		}
		if audited {
			tell = append(tell, nameOf(rpc))
		}
	}
	if !slices.Equal(tell, []string{"WebhookService.GetFabricWebhook"}) {
		t.Errorf("%v hand out secrets and change nothing", tell)
	}
}

// secretIn reports whether a message has a field that is not to be shown, at any depth. Answers do not hold themselves,
// but for objects and values of any fields.
func secretIn(message protoreflect.MessageDescriptor) bool {
	if message.ParentFile().Path() == "google/protobuf/struct.proto" {
		return false
	}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		options, _ := field.Options().(*descriptorpb.FieldOptions)
		if options.GetDebugRedact() || field.Message() != nil && secretIn(field.Message()) {
			return true
		}
	}
	return false
}

// TestWhoAskedForASecret: a line before it is handed out and one after, with who it was and which fabric, and not the
// secret. One that can't be written down is not handed out.
func TestWhoAskedForASecret(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.ok("POST", "/api/v1/fabrics", `{"fabric_id":35,"name":"f","repository_url":"https://git.example/r.git",`+
		`"gitops_directory":"gitops/f1"}`, bearer(g.bootstrap))
	admin := g.grant("admin", "35")
	secret, _ := g.ok("GET", "/api/v1/fabrics/35/webhook", "", bearer(admin))["secret"].(string)
	if got := g.stages("GetFabricWebhook"); !slices.Equal(got, []string{"requested", "completed OK"}) {
		t.Fatalf("written down is %v", got)
	}
	lines := g.lines()
	if last := lines[len(lines)-1]; last.FabricID != 35 || last.Principal.TokenID != idOf(admin) {
		t.Errorf("fabric %d, by %+v", last.FabricID, last.Principal)
	}
	if raw, err := os.ReadFile(g.audit); err != nil || secret == "" || strings.Contains(string(raw), secret) {
		t.Errorf("the secret is in the audit, or there is none: %v", err)
	}
	if err := os.Rename(g.audit, g.audit+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(g.audit, 0o700); err != nil {
		t.Fatal(err)
	}
	g.problem("GET", "/api/v1/fabrics/35/webhook", "", 503, errs.AuditUnwritable.ID, bearer(admin))
}

// TestTheFirstTokenIsWrittenDown: nobody asks for it, and it may do everything.
func TestTheFirstTokenIsWrittenDown(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	if got := g.stages("CreateToken"); !slices.Equal(got, []string{"requested", "completed OK"}) {
		t.Fatalf("written down is %v", got)
	}
	made := g.lines()[1]
	if *made.Principal != (chain.Principal{Name: "bootstrap", Method: "system"}) ||
		*made.Object != (chain.Object{Kind: "token", Name: idOf(g.bootstrap)}) {
		t.Errorf("by %+v: %+v", made.Principal, made.Object)
	}
}

// TestWhoChangedWhat: the person, the service that speaks for it, and what came of it, and nothing of the body.
func TestWhoChangedWhat(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	service := g.create(`{"name":"hnp","grants":[{"role":"admin","all_fabrics":true}],"speaks_for_people":true}`)
	const planted = "hunter2-planted"
	g.ok("POST", "/api/v1/fabrics", `{"fabric_id":35,"name":"`+planted+`","repository_url":"https://git.example/r.git",`+
		`"gitops_directory":"gitops/f1","credentials":{"token":"`+planted+`"}}`, bearer(service),
		header{"X-Requested-By", "Ann Example"}, header{"X-Correlation-Id", "my-id-1"})
	g.problem("DELETE", "/api/v1/fabrics/36", "", http.StatusNotFound, errs.FabricNotFound.ID, bearer(service))
	var call []chain.Line
	for _, line := range g.lines() {
		if strings.HasSuffix(line.Action, "FabricService/CreateFabric") {
			call = append(call, line)
		}
	}
	if len(call) != 2 || call[0].Stage != chain.Requested || call[1].Stage != chain.Completed || call[0].ID != call[1].ID {
		t.Fatalf("lines %+v", call)
	}
	want := chain.Principal{Name: "Ann Example", Method: "token", TokenID: idOf(service), Via: "hnp"}
	if one := call[1]; *one.Principal != want || one.FabricID != 35 || one.SyncID == "" || one.Code != chain.OK ||
		one.CorrelationID != "my-id-1" || one.Source != "127.0.0.1" {
		t.Errorf("line %+v of %+v", one, one.Principal)
	}
	if got := g.stages("DeleteFabric"); !slices.Equal(got, []string{"requested", "completed FGD_2020"}) && len(got) != 2 {
		t.Errorf("a call that failed: %v", got)
	}
	raw, err := os.ReadFile(g.audit)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{planted, service[17:], g.bootstrap[17:]} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("%.4s… is in the audit", secret)
		}
	}
}

// TestWhoWasRefused: without a token, with one that is none, with too little, and on a foreign fabric; a flood is
// counted.
func TestWhoWasRefused(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withSyncs(35, 36)
	viewer := g.grant("viewer", "35")
	g.problem("GET", "/api/v1/fabrics", "", 401, "FGD_1050")
	if got := g.stages("GET /api/v1/fabrics"); !slices.Equal(got, []string{"denied FGD_1050"}) {
		t.Errorf("without a token: %v", got)
	}
	g.problem("GET", "/api/v1/fabrics/"+g.bootstrap, "", 401, "FGD_1050")
	if raw, err := os.ReadFile(g.audit); err != nil || strings.Contains(string(raw), g.bootstrap[17:]) {
		t.Errorf("a token of a path is in the audit: %v", err)
	}
	g.problem("DELETE", "/api/v1/fabrics/35", "", 403, "FGD_1051", bearer(viewer))
	if got := g.stages("DeleteFabric"); !slices.Equal(got, []string{"denied FGD_1051"}) {
		t.Errorf("with too little: %v", got)
	}
	g.call("GET", "/api/v1/fabrics/36", "", bearer(viewer))
	if got := g.stages("GetFabric"); len(got) != 1 || !strings.HasPrefix(got[0], "denied ") {
		t.Errorf("a foreign fabric: %v", got)
	}
	if err := g.invokeAs(caller{token: viewer}, "SyncService", "StreamSyncEvents", 36); err == nil {
		t.Error("a foreign stream was admitted")
	}
	if got := g.stages("StreamSyncEvents"); len(got) != 1 || !strings.HasPrefix(got[0], "denied ") {
		t.Errorf("a stream: %v", got)
	}
	before := len(g.lines())
	for range 200 {
		g.call("GET", "/api/v1/caller", "")
	}
	if after := len(g.lines()); after-before > 100 {
		t.Errorf("200 refused calls wrote %d lines", after-before)
	}
}

// TestNothingIsDoneThatCantBeWrittenDown: changes are refused before their effect, reads go on, a sync can be ended.
func TestNothingIsDoneThatCantBeWrittenDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	syncID := b.fabric()
	if err := os.Rename(b.audit, b.audit+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(b.audit, 0o700); err != nil {
		t.Fatal(err)
	}
	b.problem("DELETE", "/api/v1/fabrics/35", "", http.StatusServiceUnavailable, errs.AuditUnwritable.ID)
	b.ok("GET", "/api/v1/fabrics/35", "")
	if c := components(t, b.ok("GET", "/api/v1/health", ""))["audit"]; c["status"] != "unhealthy" {
		t.Errorf("health %v", c)
	}
	if a := b.call("POST", "/api/v1/syncs/"+syncID+":cancel", "{}"); strings.Contains(a.raw, errs.AuditUnwritable.ID) {
		t.Errorf("ending a sync: %d %s", a.status, a.raw)
	}
	if err := os.Remove(b.audit); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(b.audit+".moved", b.audit); err != nil {
		t.Fatal(err)
	}
	b.ok("DELETE", "/api/v1/fabrics/35", "")
	if got := b.stages("CancelSync"); len(got) != 2 || got[0] != "requested" {
		t.Errorf("what was kept: %v", got)
	}
	if got := b.ok("GET", "/api/v1/audit:verify", ""); got["intact"] != true {
		t.Errorf("verified %v", got)
	}
}

// TestTheAuditIsShown: listed, filtered to who asks, exported and verified.
func TestTheAuditIsShown(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.ok("POST", "/api/v1/fabrics", `{"fabric_id":35,"name":"f","repository_url":"https://git.example/r.git",`+
		`"gitops_directory":"gitops/f1"}`, bearer(g.bootstrap))
	viewer, stranger := g.grant("viewer", "35"), g.grant("viewer", "36")
	count := func(token, query string) int {
		lines, _ := g.ok("GET", "/api/v1/audit"+query, "", bearer(token))["lines"].([]any)
		return len(lines)
	}
	if own, foreign := count(viewer, ""), count(stranger, ""); own == 0 || foreign != 0 {
		t.Errorf("who may see it is shown %d lines, and who may not %d", own, foreign)
	}
	all, some := count(g.bootstrap, ""), count(g.bootstrap, "?action=CreateToken&principal=bootstrap&limit=2")
	if all < 6 || some != 2 {
		t.Errorf("shown %d and %d lines", all, some)
	}
	for format, want := range map[string]string{"jsonl": `"stage":"requested"`, "ocsf": `"class_uid":6003`} {
		a := g.call("GET", "/api/v1/audit:export?format="+format, "", bearer(g.bootstrap))
		lines := strings.Split(strings.TrimSpace(a.raw), "\n")
		if a.status != http.StatusOK || len(lines) < 6 || !json.Valid([]byte(lines[0])) || !strings.Contains(a.raw, want) {
			t.Errorf("%s: %d %s", format, a.status, a.raw)
		}
	}
	if got := g.ok("GET", "/api/v1/audit:verify", "", bearer(g.bootstrap)); got["intact"] != true {
		t.Errorf("verified %v", got)
	}
}
