package top

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/rivo/uniseg"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

var update = flag.Bool("update", false, "write the golden files") //nolint:gochecknoglobals // a flag of the test

// requireGolden compares a text with a file of testdata.
func requireGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v; with -update it becomes\n%s", name, err, got)
	}
}

func noon() time.Time { return time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC) }

func ago(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(noon().Add(-d)) }

// picture has what is long, wide and hostile.
func picture() *Picture {
	return &Picture{
		Server: "lab:9090", At: noon(), Fabrics: 12, Active: 2503,
		Health: &bridgev1.GetHealthResponse{
			Status: "degraded", Version: "v1.2.3", Components: []*bridgev1.ComponentHealth{
				{Name: "bridge", Status: "healthy"},
				{
					Name: "git-hosts", Status: "degraded", Service: new("github-sync"),
					Reason: new("git.example.com answers 503\x1b[2J"),
				},
				{Name: "redis", Status: "unknown", Service: new("orchestrator")},
			},
		},
		Counts: &bridgev1.FabricCounts{Failing: 1, Running: 2, Ok: 9},
		Running: []*bridgev1.SyncStatus{
			{
				SyncId: "01a230b5-c116-8b37-860c-c03400000001", FabricId: 1, FabricName: "fabric-1", State: "processing",
				StartedAt: ago(75 * time.Second), AcceptedAt: ago(time.Hour),
				Progress: &bridgev1.Progress{CurrentStage: "file_ingestion", FilesProcessed: 40, TotalFiles: 200},
			},
			{
				SyncId: "01a230b5-c117-8b37-860c-c03400000002", FabricId: 2, State: "initializing",
				FabricName: "\x1b[31m雪の結晶のとても長い名前のファブリック", StartedAt: ago(-time.Second),
			},
		},
		Waiting: []*bridgev1.SyncStatus{
			{SyncId: "01a230b5-c118-8b37-860c-c03400000003", FabricId: 3, State: "retrying", AcceptedAt: ago(3 * time.Hour)},
		},
	}
}

// keys are pressed one after the other.
func pressed(t *testing.T, m Model, keys ...string) (Model, tea.Cmd) {
	t.Helper()
	var next tea.Cmd
	for _, key := range keys {
		press := tea.KeyPressMsg{Text: key, Code: []rune(key)[0]}
		switch key {
		case "up":
			press = tea.KeyPressMsg{Code: tea.KeyUp}
		case "down":
			press = tea.KeyPressMsg{Code: tea.KeyDown}
		case "enter":
			press = tea.KeyPressMsg{Code: tea.KeyEnter}
		case "esc":
			press = tea.KeyPressMsg{Code: tea.KeyEscape}
		case "ctrl+c":
			press = tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
		}
		m, next = told(t, m, press)
	}
	return m, next
}

func told(t *testing.T, m Model, msg tea.Msg) (Model, tea.Cmd) {
	t.Helper()
	next, command := m.Update(msg)
	return next.(Model), command //nolint:forcetypeassert // it is one
}

// seen is what is seen of a model, without what makes it strong.
func seen(m Model) string {
	return strings.NewReplacer(strong, "", plain, "").Replace(m.View().Content) + "\n"
}

// TestPictures: what is seen fits its terminal whatever things are called, and nothing of it moves the cursor.
func TestPictures(t *testing.T) {
	t.Parallel()
	requireGolden(t, "text", picture().Text())
	for name, size := range map[string]tea.WindowSizeMsg{
		"wide": {Width: 120, Height: 40}, "usual": {Width: 80, Height: 24}, "small": {Width: 40, Height: 12},
	} {
		m, _ := told(t, New(System{}), size)
		if got := seen(m); !strings.HasPrefix(got, "Asking how it is") {
			t.Errorf("at first: %s", got)
		}
		m, next := told(t, m, looked{picture: picture()})
		if next == nil {
			t.Error("it does not look again")
		}
		m, _ = pressed(t, m, "down")
		got := seen(m)
		requireGolden(t, name, got)
		if n := strings.Count(got, "\n"); n > size.Height || strings.Contains(got, "\x1b") {
			t.Errorf("%s: %d lines\n%q", name, n, got)
		}
		for line := range strings.Lines(got) {
			if w := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); w > size.Width {
				t.Errorf("%s: %d columns: %s", name, w, line)
			}
		}
	}
}

// TestKeys: arrows choose and stay within, Enter shows, Esc goes back, c asks before it cancels, q and Ctrl-C end.
func TestKeys(t *testing.T) {
	t.Parallel()
	var asked []string
	shown := &bridgev1.SyncStatus{
		FabricId: 2, FabricName: "two", State: "processing", Trigger: "manual", RequestedBy: "alice", ValidateOnly: true,
		AcceptedAt: ago(time.Minute), CompletedAt: ago(30 * time.Second),
		Errors: []*bridgev1.Finding{{Code: "FGD_1001", Name: "INVALID_YAML", File: "raw/a\x1b.yaml", Message: "no\nYAML"}},
	}
	system := System{
		Look: func() (*Picture, error) { return picture(), nil },
		Show: func(id string) (*bridgev1.SyncStatus, error) {
			shown.SyncId = id
			return shown, nil
		},
		Cancel: func(id string) error {
			asked = append(asked, id)
			return errs.New(errs.SyncCancelled, "You may not.")
		},
	}
	m, _ := told(t, New(system), tea.WindowSizeMsg{Width: 80, Height: 24})
	m, _ = told(t, m, m.Init()())
	first, second, third := m.chosen, m.ids()[1], m.ids()[2]
	for _, step := range []struct{ key, chosen string }{
		{"up", first}, {"down", second}, {"j", third}, {"down", third}, {"k", second},
	} {
		if m, _ = pressed(t, m, step.key); m.chosen != step.chosen {
			t.Errorf("after %s: %s", step.key, m.chosen)
		}
	}
	m, next := pressed(t, m, "enter")
	m, _ = told(t, m, next())
	requireGolden(t, "sync", seen(m))
	if m, next = pressed(t, m, "c", "n"); next != nil || !strings.Contains(seen(m), "Nothing was done.") {
		t.Errorf("a no:\n%s", seen(m))
	}
	if m, _ = pressed(t, m, "c"); !strings.Contains(seen(m), "Cancel the sync "+second+"?") {
		t.Errorf("no question:\n%s", seen(m))
	}
	m, next = pressed(t, m, "y")
	m, _ = told(t, m, next())
	if len(asked) != 1 || asked[0] != second || !strings.Contains(seen(m), "You may not.") {
		t.Errorf("%v\n%s", asked, seen(m))
	}
	if m, _ = pressed(t, m, "esc", "c"); m.asking != second {
		t.Errorf("it is asked about %q", m.asking)
	}
	picture, err := system.Look()
	if err != nil {
		t.Fatal(err)
	}
	ended := *picture
	ended.Running, ended.Waiting = nil, nil
	if m, _ = told(t, m, looked{picture: &ended}); !strings.Contains(seen(m), "Cancel the sync "+second+"?") {
		t.Errorf("the question is about another sync now:\n%s", seen(m))
	}
	if m, next = pressed(t, m, "y"); next == nil {
		t.Fatal("nothing is asked")
	}
	m, _ = told(t, m, next())
	if len(asked) != 2 || asked[1] != second {
		t.Errorf("%v", asked)
	}
	m, _ = told(t, m, looked{picture: picture})
	if m, _ = pressed(t, m, "down"); m.open != "" || m.chosen != second {
		t.Errorf("it is not back:\n%s", seen(m))
	}
	m, _ = told(t, m, looked{err: errors.New("broken")})
	if m.picture == nil || !strings.Contains(seen(m), "✗ FGD_5001") {
		t.Errorf("a system that does not answer:\n%s", seen(m))
	}
	m, _ = told(t, m, looked{picture: &Picture{At: noon(), Health: &bridgev1.GetHealthResponse{Status: "healthy"}}})
	if m, next = pressed(t, m, "down", "c", "enter"); m.chosen != "" || m.asking != "" || next != nil {
		t.Errorf("without a sync: %+v", m)
	}
	if m, next = pressed(t, m, "q"); next == nil || m.Interrupted {
		t.Error("q does not end it")
	}
	if m, next = pressed(t, m, "ctrl+c"); next == nil || !m.Interrupted {
		t.Error("Ctrl-C does not end it")
	}
}
