package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/test/system"
)

// mended is the answer of directory:initialize.
type mended struct {
	Success     bool     `json:"success"`
	RepairsMade []string `json:"repairs_made"`
	CommitSHA   string   `json:"commit_sha"`
}

// TestSamples: samples come on request and once, wish for nothing where they are, and are right in every respect when
// somebody wishes for them.
func TestSamples(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]string{"README.md": "# Fabrics\n"})
	s := programs.Up(t, nil)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	s.Ended(registered.SyncID)
	samples := func() map[string]string {
		return below(h.Files(t, repository, branch), directory+"/.hnp/samples")
	}
	initialize := func(body any) mended {
		t.Helper()
		var answer mended
		s.Call(http.MethodPost, "/api/v1/fabrics/1/directory:initialize", body, &answer)
		if !answer.Success {
			t.Errorf("initialize %v: %+v", body, answer)
		}
		return answer
	}
	if initialize(map[string]any{}); len(samples()) != 0 {
		t.Errorf("samples that nobody asked for: %v", samples())
	}
	made := initialize(map[string]any{"create_samples": true})
	if len(made.RepairsMade) != 1 || made.CommitSHA == "" || len(samples()) != 13 {
		t.Errorf("%+v made %d samples", made, len(samples()))
	}
	if again := initialize(map[string]any{"create_samples": true}); len(again.RepairsMade) != 0 || again.CommitSHA != "" {
		t.Errorf("once more: %+v", again)
	}
	var triggered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &triggered)
	if status := s.Ended(triggered.SyncID); status.State != "completed" || status.Result.ResourcesTotal != 0 ||
		status.Result.CommitSHA != "" {
		t.Errorf("samples became wishes: %+v", status)
	}
	requireValid(t, samples())

	wishes, documents := map[string]string{}, 0
	for name, content := range samples() {
		if isYAML(name) {
			wishes[directory+"/raw/"+name] = content
			documents += 1 + strings.Count(content, "\n---\n")
		}
	}
	h.Commit(t, repository, branch, wishes)
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &triggered)
	status := s.Ended(triggered.SyncID)
	if status.State != "completed" || status.Result.ResourcesTotal != documents ||
		len(status.Errors)+len(status.Warnings) != 0 {
		t.Errorf("%d samples as wishes: %+v", documents, status)
	}
	after := below(h.Files(t, repository, branch), directory)
	for name := range wishes {
		kind := strings.TrimSuffix(filepath.Base(name), ".yaml")
		if len(below(after, "managed/"+kind)) < 2 { // one of them keeps the folder
			t.Errorf("%s holds no resource of managed/%s", name, kind)
		}
	}
}

// requireValid holds that fgd validate finds nothing in files, by themselves and in each other's company.
func requireValid(t *testing.T, files map[string]string) {
	t.Helper()
	folder := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if result := programs.Run(t, nil, "validate", folder); result.Code != 0 || result.Stdout != "" {
		t.Errorf("fgd validate: exit %d\n%s", result.Code, result.Output())
	}
}
