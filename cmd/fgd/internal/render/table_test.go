package render_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/cmd/fgd/internal/certs"
	"fgdsync.dev/cmd/fgd/internal/contexts"
	"fgdsync.dev/cmd/fgd/internal/netboximport"
	"fgdsync.dev/cmd/fgd/internal/render"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// hostile are names that others may have given: long ones, wide ones, and some that would move the cursor.
var hostile = []string{ //nolint:gochecknoglobals // read only
	"edge-1", strings.Repeat("a-very-long-name-", 12) + "end", strings.Repeat("雪", 90) + "末",
	"red\x1b[31m\x1b]0;title\x07 \u202eturned\nnext line\ttab",
}

const (
	someSync = "0f8fad5b-d9cb-469f-a165-70867728950e"
	columns  = 80
)

func ago(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(time.Now().Add(-d)) }

func at(seconds int64) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: seconds} }

// tables are all that commands print, each with hostile names in every place where somebody can put one.
func tables() map[string]func(*render.Screen) {
	var fabrics []*bridgev1.Fabric
	var syncs []*bridgev1.SyncStatus
	var tokens []*bridgev1.Token
	var lines []*bridgev1.AuditLine
	var letters []*bridgev1.DeadLetter
	var resources []*bridgev1.Resource
	var files []certs.Certificate
	var connections []*bridgev1.NetBoxConnection
	var objects []*bridgev1.NetBoxObject
	var imports []netboximport.Outcome
	var conflicts []*bridgev1.Conflict
	var receipts []*bridgev1.Receipt
	var edited []*bridgev1.EditedResource
	var actions []*bridgev1.PlannedAction
	var components []*bridgev1.ComponentHealth
	var targets []*bridgev1.NotificationTarget
	all := &contexts.All{Current: "lab", Contexts: map[string]contexts.Context{}}
	for i, name := range hostile {
		id := int32(i + 1)
		fabrics = append(fabrics, &bridgev1.Fabric{
			FabricId: id, Name: name, RepositoryUrl: "https://git.example.com/" + name, Branch: name, GitopsDirectory: name,
			Netbox: &bridgev1.NetBoxLink{Url: "https://netbox.example.com/" + name},
		})
		syncs = append(syncs, &bridgev1.SyncStatus{
			SyncId: someSync, FabricId: 2147483647, State: "completed", ValidateOnly: i == 1, Trigger: "fabric_created",
			AcceptedAt: ago(time.Duration(id) * 5 * time.Hour), RequestedBy: name,
		})
		tokens = append(tokens, &bridgev1.Token{
			TokenId: "V6f9AUb5feKn", Name: name, State: "revoked", ExpiresAt: at(1772366400), LastUsedAt: ago(7 * time.Minute),
			Grants: []*bridgev1.Grant{{Role: "admin", FabricIds: []int32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}},
		})
		lines = append(lines, &bridgev1.AuditLine{
			Seq: 123456, Time: at(1772366400), Principal: &bridgev1.AuditPrincipal{Name: name, Via: name},
			Source: "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535", Action: "/fgd.bridge.v1.SyncService/" + name,
			FabricId: id, Stage: "answered", Code: "FGD_1051",
		})
		letters = append(letters, &bridgev1.DeadLetter{
			Id: "1772366400000-12", Time: ago(50 * time.Hour), FabricId: id, SyncId: someSync, Deliveries: 5, Error: name,
		})
		resources = append(resources, &bridgev1.Resource{Kind: name, Namespace: name, Name: name, Path: "managed/" + name})
		files = append(files, certs.Certificate{
			File: "c/" + name, Names: hostile, Until: time.Unix(1772366400, 0), Days: 365,
		})
		connections = append(connections, &bridgev1.NetBoxConnection{
			Url: "https://" + name, State: "unavailable", Version: "4.4.1", FabricIds: []int32{1, 2, 3}, Reason: name,
		})
		objects = append(objects, &bridgev1.NetBoxObject{
			Type: "object_permission", Name: name, Action: "created", Detail: name,
		})
		imports = append(imports, netboximport.Outcome{
			NetBox: &bridgev1.NetBoxFabric{Fabric: id, Name: name}, State: "refused", FabricID: id, Reason: name,
		})
		conflicts = append(conflicts, &bridgev1.Conflict{
			ConflictId: "c-3f2f1c9a7e10", Kind: "VPC", Namespace: name, Name: name, State: "resolved",
		})
		receipts = append(receipts, &bridgev1.Receipt{
			Kind: "Server", Namespace: name, Name: name, State: "undeliverable", Deleted: true, RecordId: 1234567,
			Commit: "5ea0f1e9b3c1", VerifiedAt: at(1772366400),
		})
		edited = append(edited, &bridgev1.EditedResource{
			Kind: name, Namespace: name, Name: name, Effect: "unchanged", Path: name,
		})
		targets = append(targets, &bridgev1.NotificationTarget{
			Name: name, Form: "standard", Causes: []string{"sync_failed", "conflict"}, LastSentAt: at(1772366400),
			LastError: name,
		})
		components = append(components, &bridgev1.ComponentHealth{
			Name: name, Status: "unhealthy", Since: ago(49 * time.Hour), Code: new("FGD_5005"),
		})
		actions = append(actions, &bridgev1.PlannedAction{
			Action: "quarantine", Kind: name, Namespace: name, Name: name, From: "raw/" + name, To: "unmanaged/" + name,
		})
		all.Contexts["lab"+name[:4]] = contexts.Context{
			Server: "https://" + name, CAFile: "/etc/" + name, TokenFile: "/etc/" + name,
		}
	}
	return map[string]func(*render.Screen){
		"fabrics":      func(s *render.Screen) { render.Fabrics(s, fabrics) },
		"syncs":        func(s *render.Screen) { render.Syncs(s, syncs) },
		"targets":      func(s *render.Screen) { render.Notifications(s, targets) },
		"tokens":       func(s *render.Screen) { render.Tokens(s, tokens) },
		"audit":        func(s *render.Screen) { render.Audit(s, lines) },
		"dead letters": func(s *render.Screen) { render.DeadLetters(s, letters) },
		"resources":    func(s *render.Screen) { render.Resources(s, resources) },
		"certificates": func(s *render.Screen) { render.Certificates(s, files) },
		"contexts":     func(s *render.Screen) { render.Contexts(s, all) },
		"connections": func(s *render.Screen) {
			render.NetBox(s, &bridgev1.GetNetBoxResponse{Connections: connections})
		},
		"objects":   func(s *render.Screen) { render.NetBoxObjects(s, objects, true) },
		"imports":   func(s *render.Screen) { render.Imported(s, imports) },
		"conflicts": func(s *render.Screen) { render.Conflicts(s, 1, conflicts) },
		"receipts": func(s *render.Screen) {
			render.Receipts(s, &bridgev1.ListReceiptsResponse{Receipts: receipts})
		},
		"health": func(s *render.Screen) { render.Health(s, &bridgev1.GetHealthResponse{Components: components}) },
		"edited": func(s *render.Screen) { render.Edited(s, &bridgev1.EditResult{Resources: edited}) },
		"plan": func(s *render.Screen) {
			render.Sync(s, &bridgev1.SyncStatus{}, render.Run{Diff: " ", Plan: &bridgev1.Plan{Actions: actions}})
		},
	}
}

// TestTablesFit 80 columns whatever is in them, with the ids that commands are called with; what is cut says so, and
// -o wide cuts nothing.
func TestTablesFit(t *testing.T) {
	t.Parallel()
	whole := map[string]string{"syncs": someSync, "tokens": "V6f9AUb5feKn", "conflicts": "c-3f2f1c9a7e10"}
	for name, show := range tables() {
		text := onTerminal(t, columns, show)
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if width := uniseg.StringWidth(line); width > columns {
				t.Errorf("%s: a line of %d columns: %q", name, width, line)
			}
			if strings.ContainsAny(line, "\x1b\x07\u202e\t") {
				t.Errorf("%s: a line moves the cursor: %q", name, line)
			}
		}
		if strings.Contains(text, "-end") || name != "syncs" && !strings.Contains(text, "…") {
			t.Errorf("%s: nothing says that something was cut:\n%s", name, text)
		}
		if !strings.Contains(text, whole[name]) {
			t.Errorf("%s: no %s in\n%s", name, whole[name], text)
		}
		wide := onTerminal(t, columns, func(s *render.Screen) { show(s.ShowingAll()) })
		if strings.Contains(wide, "…") || !strings.Contains(wide, "-end") || !strings.Contains(wide, "末") {
			t.Errorf("%s: -o wide cuts something:\n%s", name, wide)
		}
	}
}

// TestTables are as people see them at 80 columns, and in a pipe.
func TestTables(t *testing.T) {
	t.Parallel()
	for name, show := range tables() {
		file := "table-" + strings.ReplaceAll(name, " ", "-")
		requireGolden(t, file+"-80.txt", onTerminal(t, columns, show))
	}
}
