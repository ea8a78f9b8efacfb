package render_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/app"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/testkit/terminal"
)

var update = flag.Bool("update", false, "rewrite what is expected in testdata")

// requireGolden holds that a text is what a file of testdata has.
func requireGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what is printed; -update takes it over:\n%s", name, got)
	}
}

// onTerminal returns what is shown on a terminal that has so many columns, without colours.
func onTerminal(t *testing.T, columns uint16, show func(*render.Screen)) string {
	t.Helper()
	shown := terminal.Open(t, columns)
	show(render.NewScreen(shown.File, app.Lookup([]string{"NO_COLOR=1"})))
	return strings.ReplaceAll(shown.Text(), "\r\n", "\n")
}

func piped(show func(*render.Screen)) string {
	var out bytes.Buffer
	show(screen(&out))
	return out.String()
}

func value(t *testing.T, of any) *structpb.Value {
	t.Helper()
	v, err := structpb.NewValue(of)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func someConflict(t *testing.T) *bridgev1.Conflict {
	t.Helper()
	subnet := func(vlan, gateway any) *structpb.Value {
		return value(t, map[string]any{"vlan": vlan, "gateway": gateway, "dhcp": map[string]any{"enable": true}})
	}
	return &bridgev1.Conflict{
		ConflictId: "c-3f2f1c9a7e10", State: "open", Version: "9b1d5f0c2a7e4d31", Kind: "VPC",
		Namespace: "default", Name: "vpc-1", Path: "managed/vpcs/vpc-1.yaml", RecordId: 7,
		OpenedAt: &timestamppb.Timestamp{Seconds: 1772366400}, PathsTotal: 4,
		Git: &bridgev1.ResourceChange{
			Commit: "5ea0f1e9b3c1d7a2468ace013579bdf02468ace1", Name: "Ada", Email: "ada@example.com",
			Subject: "Renumber the tenants of the second row",
		},
		Netbox: &bridgev1.RecordChange{User: "grace", ChangedAt: &timestamppb.Timestamp{Seconds: 1772366300}},
		Paths: []*bridgev1.ConflictPath{
			{
				Path: "spec.subnets.default.vlan", Reason: "both_changed",
				Base: value(t, 1001), Git: value(t, 1002), Netbox: value(t, 4294967295),
			},
			{
				Path: "spec.subnets.storage", Reason: "both_added",
				Git: subnet(1010, "10.0.1.1"), Netbox: subnet(1011, "fd00:1234:5678:9abc:def0:1234:5678:9abc"),
			},
			{
				Path: `annotations."example.com/owner"`, Reason: "one_removed", Base: value(t, "<net & ops>"),
				Netbox: value(t, nil),
			},
			{
				Path: "spec", Reason: "merge_invalid", Message: "two subnets overlap", Base: value(t, map[string]any{}),
				Git: value(t, []any{"a"}), Netbox: value(t, ""),
			},
		},
	}
}

// TestAConflict is shown with the sides beside each other on a terminal, and below each other where there is no room.
func TestAConflict(t *testing.T) {
	t.Parallel()
	show := func(s *render.Screen) { render.Conflict(s, 35, someConflict(t)) }
	requireGolden(t, "conflict-80.txt", onTerminal(t, 80, show))
	requireGolden(t, "conflict-50.txt", onTerminal(t, 50, show))
	requireGolden(t, "conflict-pipe.txt", piped(show))
}

// TestConflicts are listed with what is where, and how to look at one.
func TestConflicts(t *testing.T) {
	t.Parallel()
	other := &bridgev1.Conflict{
		ConflictId: "c-2", State: "resolved", Kind: "Server", Namespace: "default", Name: "server-1",
		Paths: []*bridgev1.ConflictPath{{Path: "."}},
	}
	show := func(s *render.Screen) { render.Conflicts(s, 35, []*bridgev1.Conflict{someConflict(t), other}) }
	requireGolden(t, "conflicts-80.txt", onTerminal(t, 80, show))
	requireGolden(t, "conflicts-pipe.txt", piped(show))
	if got := piped(func(s *render.Screen) { render.Conflicts(s, 35, nil) }); got != "There is no such conflict.\n" {
		t.Errorf("printed %q", got)
	}
}

// TestAConflictOfVeryManyPaths says how many are not shown.
func TestAConflictOfVeryManyPaths(t *testing.T) {
	t.Parallel()
	c := someConflict(t)
	c.PathsTotal = 1234
	got := piped(func(s *render.Screen) { render.Conflict(s, 35, c) })
	if !strings.Contains(got, "\n\nand 1230 more paths, which --take is for too\n\n") {
		t.Errorf("printed\n%s", got)
	}
	got = piped(func(s *render.Screen) { render.Conflicts(s, 35, []*bridgev1.Conflict{c}) })
	if !strings.Contains(got, " and 1231 more; ") {
		t.Errorf("printed\n%s", got)
	}
}

// TestASettledConflict says who settled it and that nothing is left to do; one that settled itself says so.
func TestASettledConflict(t *testing.T) {
	t.Parallel()
	c := someConflict(t)
	c.State, c.ResolvedBy, c.SyncId = "resolved", "Ada", "s-1"
	c.ResolvedAt, c.BaseUnknown = &timestamppb.Timestamp{Seconds: 1772366500}, true
	c.Git, c.Netbox, c.RecordId, c.Path = nil, nil, 0, ""
	got := piped(func(s *render.Screen) { render.Conflict(s, 35, c) })
	for _, part := range []string{
		"settled   by Ada at 2026-03-01T12:01:40Z, sync s-1\n", "base      not known", "file      none\n", "record    none\n",
		"NetBox    not known who changed the record\n", "\nNothing is left to do: it is settled.\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
	if strings.Contains(got, "resolve") {
		t.Errorf("it says how to settle it:\n%s", got)
	}
	c.ResolvedBy, c.SyncId = "", ""
	got = piped(func(s *render.Screen) {
		render.ConflictResolved(s, &bridgev1.ResolveConflictResponse{Conflict: c})
	})
	if !strings.Contains(got, "settled   both sides say the same at 2026-03-01T12:01:40Z\n") {
		t.Errorf("printed\n%s", got)
	}
}

// TestAPreview says where the record would change, and shows the diff of the file.
func TestAPreview(t *testing.T) {
	t.Parallel()
	const text = "diff --git a/managed/vpcs/vpc-1.yaml b/managed/vpcs/vpc-1.yaml\n--- a/managed/vpcs/vpc-1.yaml\n" +
		"+++ b/managed/vpcs/vpc-1.yaml\n@@ -7 +7 @@\n-      vlan: 1002\n+      vlan: 1003\n"
	one := someConflict(t)
	none := someConflict(t)
	none.RecordId = 0
	for _, c := range []struct {
		answer *bridgev1.ResolveConflictResponse
		want   []string
	}{
		{&bridgev1.ResolveConflictResponse{Conflict: one, Diff: text}, []string{"record    stays as it is\n", text}},
		{
			&bridgev1.ResolveConflictResponse{Conflict: one, RecordFields: []string{"labels.a", "spec.b\x1b[2J"}},
			[]string{"record    changes at labels.a, spec.b", "not settled", "file      stays as it is\n"},
		},
		{&bridgev1.ResolveConflictResponse{Conflict: one, RecordFields: []string{"."}}, []string{"record    is deleted\n"}},
		{&bridgev1.ResolveConflictResponse{Conflict: none, RecordFields: []string{"."}}, []string{"record    is made\n"}},
	} {
		got := piped(func(s *render.Screen) { render.ConflictPreview(s, c.answer) })
		for _, part := range c.want {
			if !strings.Contains(got, part) || strings.Contains(got, "\x1b") {
				t.Errorf("no %q in\n%s", part, got)
			}
		}
	}
}

// TestValuesStayInTheirColumns: whatever a record has, no line of a terminal is too long, and none moves its cursor.
func TestValuesStayInTheirColumns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		wide := "क" + strings.Repeat("\u0903", 100) // one character, as wide as a hundred
		text := rapid.OneOf(rapid.String(),
			rapid.SampledFrom([]string{"\x1b[2J", "\u202e", "雪雪雪", "a\r\nb", "\t", wide, "a" + wide + "b"}))
		part := rapid.Custom(func(r *rapid.T) *structpb.Value {
			fields := map[string]*structpb.Value{}
			for range rapid.IntRange(0, 3).Draw(r, "fields") {
				fields[text.Draw(r, "key")] = structpb.NewStringValue(text.Draw(r, "value"))
			}
			return structpb.NewStructValue(&structpb.Struct{Fields: fields})
		})
		c := &bridgev1.Conflict{State: "resolved", Paths: []*bridgev1.ConflictPath{{
			Path: "spec", Base: part.Draw(r, "base"), Git: part.Draw(r, "git"),
			Netbox: structpb.NewStringValue(text.Draw(r, "netbox")),
		}}}
		shown := terminal.Open(t, 80)
		render.Conflict(render.NewScreen(shown.File, app.Lookup([]string{"NO_COLOR=1"})), 35, c)
		_, sides, _ := strings.Cut(strings.ReplaceAll(shown.Text(), "\r\n", "\n"), "BASE")
		for line := range strings.SplitSeq(sides, "\n") {
			if uniseg.StringWidth(line) > 80 || strings.ContainsAny(line, "\x1b\r\u202e\t") {
				r.Fatalf("a line is %q", line)
			}
		}
	})
}
