package render_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"

	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/testkit/terminal"
)

// screen is one that is no terminal.
func screen(w io.Writer) *render.Screen { return render.NewScreen(w, app.Lookup(nil)) }

// TestCommitsDoNotMoveTheCursor: whoever made a commit has written what is shown of it.
func TestCommitsDoNotMoveTheCursor(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	evil := "\x1b[2Jeve\r\u202e"
	render.Commits(screen(&out), &bridgev1.ListCommitsResponse{
		Commits: []*bridgev1.Commit{{
			CommitSha: "1", AuthorName: evil, AuthorEmail: evil, Subject: evil, SyncId: evil, Trigger: evil, RequestedBy: evil,
		}},
	})
	render.More(screen(&out), "next", true)
	if strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) ||
		strings.Count(out.String(), "eve") != 6 {
		t.Errorf("printed %q", out.String())
	}
	if !strings.Contains(out.String(), "--page-token next") || !strings.Contains(out.String(), "older commits") {
		t.Errorf("nothing says how to go on: %s", &out)
	}
}

// TestContentDoesNotMoveTheCursor of a terminal, in a diff, a finding or a file. Elsewhere it is exact.
func TestContentDoesNotMoveTheCursor(t *testing.T) {
	t.Parallel()
	const evil = "\x1b[2J\r\u202e"
	show := func(w io.Writer) {
		s := render.NewScreen(w, app.Lookup([]string{"NO_COLOR=1"}))
		render.Diff(s, &bridgev1.DiffDirectoryResponse{
			Diff: "diff --git a/a b/a\n@@ -0,0 +1 @@\n+\teve" + evil + "\n",
		}, false)
		render.QuarantinedFile(s, &bridgev1.QuarantinedFile{
			Path: "unmanaged/a", Reason: &bridgev1.Finding{Message: "eve" + evil}, Content: new("eve" + evil + "\n"),
		})
	}
	var exact bytes.Buffer
	show(&exact)
	if n := strings.Count(exact.String(), evil); n != 3 {
		t.Errorf("%d of 3 are exact: %q", n, exact.String())
	}
	screen := terminal.Open(t, 80)
	show(screen.File)
	shown := screen.Text()
	if strings.ContainsAny(shown, evil[:1]+"\r\u202e") || strings.Count(shown, "eve") != 3 ||
		!strings.Contains(shown, "+\teve") {
		t.Errorf("shown is %q", shown)
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	render.Error(screen(&out), errs.New(errs.RedisConnectionFailed, "Redis is away.").WithCause(errors.New("refused")).
		WithMeta(render.CorrelationID, "my-id-1"))
	want := "fgd: FGD_5003 REDIS_CONNECTION_FAILED: Redis is away.\n  cause: refused\n  correlation id: my-id-1\n  remedy: "
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("printed %s", &out)
	}
}

// TestPosition: as far as it is known.
func TestPosition(t *testing.T) {
	t.Parallel()
	for want, at := range map[string]struct {
		file         string
		line, column int32
	}{"": {"", 1, 1}, "a: ": {"a", 0, 3}, "a:1: ": {"a", 1, 0}, "a:1:2: ": {"a", 1, 2}} {
		if got := render.Position(at.file, at.line, at.column); got != want {
			t.Errorf("%v is %q", at, got)
		}
	}
}

// TestADryRun has the diff and the plan before its findings and figures.
func TestADryRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	render.Sync(screen(&out), &bridgev1.SyncStatus{
		State: "completed", ValidateOnly: true,
		Errors: []*bridgev1.Finding{{Code: "FGD_1001", Name: "INVALID_YAML", Message: "No.", File: "a", Line: 2}},
		Result: &bridgev1.Result{Counts: &bridgev1.PlanCounts{Creates: 1}},
	}, render.Run{
		Diff: "diff --git a/managed/a b/managed/a\n@@ -0,0 +1 @@\n+kind\n", Plan: &bridgev1.Plan{
			Actions: []*bridgev1.PlannedAction{{
				Action: "create", Kind: "VPC", Namespace: "default", Name: "a", To: "managed/a",
			}},
			Orphans: []*bridgev1.Orphan{{Kind: "VPC", Name: "b", Field: "spec.x", MissingKind: "VPC", MissingName: "c"}},
		},
	})
	last := -1
	for _, part := range []string{
		" managed/a  +1 -0\n", "+kind\n",
		"create  VPC default/a", "orphan  VPC /b", "no VPC c", "error: a:2: FGD_1001 INVALID_YAML: No.",
		"none (dry run)", "(1 created",
	} {
		at := strings.Index(out.String(), part)
		if at <= last {
			t.Errorf("%q is at %d, after %d in\n%s", part, at, last, &out)
		}
		last = at
	}
}

// TestAFileInQuarantine has the reason, where it came from, and its content to the last byte.
func TestAFileInQuarantine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	render.QuarantinedFile(screen(&out), &bridgev1.QuarantinedFile{
		Path: "unmanaged/a", Origin: "raw/a", Changed: true,
		Reason:  &bridgev1.Finding{Code: "FGD_1001", Name: "INVALID_YAML", Message: "No.", Line: 3},
		Content: new("kind: ["),
	})
	for _, part := range []string{"unmanaged/a:3: FGD_1001", "[changed", "raw/a"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, &out)
		}
	}
	if !strings.HasSuffix(out.String(), "\n\nkind: [") {
		t.Errorf("printed %q", out.String())
	}
}

// TestAFailedSyncSaysWhatItWouldHaveDone: and nothing that reads as if it were published.
func TestAFailedSyncSaysWhatItWouldHaveDone(t *testing.T) {
	t.Parallel()
	status := &bridgev1.SyncStatus{State: "failed", Result: &bridgev1.Result{Counts: &bridgev1.PlanCounts{Creates: 47}}}
	var out bytes.Buffer
	render.Sync(screen(&out), status, render.Run{})
	if !strings.Contains(out.String(), "would have") || !strings.Contains(out.String(), "47 created") ||
		strings.Contains(out.String(), "resources") || strings.Contains(out.String(), "files") {
		t.Errorf("a failed sync:\n%s", &out)
	}
	out.Reset()
	status.State = "completed"
	if render.Sync(screen(&out), status, render.Run{}); strings.Contains(out.String(), "would have") ||
		!strings.Contains(out.String(), "resources") {
		t.Errorf("a completed sync:\n%s", &out)
	}
}
