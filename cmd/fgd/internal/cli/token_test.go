package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/testkit/redistest"
)

// TestTokens: made, listed, used, rotated and revoked from the command line, with the token that the first start
// leaves.
func TestTokens(t *testing.T) {
	at, log := up(t, nil, "--redis", redistest.Start(t).URL())
	bootstrap := at.tokenFile
	fgd := func(want int, tokenFile string, args ...string) string {
		t.Helper()
		args = append(args, "--server", at.GRPC)
		if tokenFile != "" {
			args = append(args, "--token-file", tokenFile)
		}
		code, stdout, stderr := run(t.Context(), t, args...)
		if code != want {
			t.Fatalf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout + stderr
	}
	if out := fgd(4, "", "state", "rebuild"); !strings.Contains(out, "FGD_1050") {
		t.Errorf("without a token: %s", out)
	}
	made := fgd(0, bootstrap, "token", "create", "alice", "--role", "viewer", "--fabric", "35", "--fabric", "36")
	text, _, _ := strings.Cut(made, "\n")
	if !strings.HasPrefix(text, "fgd_") || !strings.Contains(made, "viewer of 35, 36") {
		t.Fatalf("made: %s", made)
	}
	own := filepath.Join(t.TempDir(), "alice")
	if err := os.WriteFile(own, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := fgd(4, own, "state", "rebuild"); !strings.Contains(out, "FGD_1051") {
		t.Errorf("a viewer rebuilds the state: %s", out)
	}
	var list []struct{ Name, State string }
	err := json.Unmarshal([]byte(fgd(0, bootstrap, "token", "list", "-o=json")), &list)
	if err != nil || len(list) != 2 {
		t.Errorf("listed: %+v, %v", list, err)
	}
	id := text[len("fgd_"):][:12]
	rotated := fgd(0, bootstrap, "token", "rotate", id)
	if strings.HasPrefix(rotated, text) || !strings.HasPrefix(rotated, "fgd_"+id) {
		t.Errorf("rotated: %s", rotated)
	}
	kept := filepath.Join(t.TempDir(), "new", "alice")
	for _, args := range [][]string{{"create", "bob", "--role", "viewer", "--all-fabrics"}, {"rotate", id}} {
		out := fgd(0, bootstrap, append(append([]string{"token"}, args...), "--out", kept)...)
		if strings.Contains(out, "fgd_") {
			t.Errorf("shown and written: %s", out)
		}
		info, err := os.Stat(kept)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		fgd(0, kept, "fabric", "list")
	}
	if out := fgd(1, bootstrap, "token", "rotate", id, "--out", "/proc/none/x"); !strings.Contains(out, "--out") {
		t.Errorf("into a file that can't be: %s", out)
	}
	fgd(0, kept, "fabric", "list") // it was not rotated
	if out := fgd(0, bootstrap, "token", "revoke", id, "--yes"); !strings.Contains(out, "alice") {
		t.Errorf("revoked: %s", out)
	}
	if out := fgd(0, bootstrap, "token", "list"); !strings.Contains(out, "revoked") || !strings.Contains(out, "active") {
		t.Errorf("listed: %s", out)
	}
	for _, args := range [][]string{
		{"create", "x", "--role", "viewer"},
		{"create", "x", "--role", "viewer", "--fabric", "1", "--all-fabrics"},
		{"create", "x", "--fabric", "1"},
		{"rotate"},
		{"revoke", "a", "b"},
	} {
		fgd(2, bootstrap, append([]string{"token"}, args...)...)
	}
	if out := fgd(2, bootstrap+".none", "token", "list"); !strings.Contains(out, "--token-file") {
		t.Errorf("a file that is not there: %s", out)
	}
	if info, err := os.Stat(bootstrap); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the first token: %v, %v", info, err)
	}
	first := at.token
	at.token = ""
	if code, _ := at.call(t, http.MethodGet, "/api/v1/fabrics", "", ""); code != http.StatusUnauthorized {
		t.Errorf("over HTTP without a token: %d", code)
	}
	for _, secret := range []string{first, text} {
		if strings.Contains(log.String(), secret) {
			t.Error("a token is in the log")
		}
	}
}
