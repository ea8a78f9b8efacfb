package cli_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/testkit/redistest"
)

// TestNotifications: targets are listed in every form, and a trial says what came of it, in words and by the exit code.
func TestNotifications(t *testing.T) {
	t.Parallel()
	targets := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuses" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(targets.Close)
	file := filepath.Join(t.TempDir(), "targets.yaml")
	if err := os.WriteFile(file, []byte("targets:\n- name: takes\n  form: slack\n  url: "+targets.URL+"/takes\n"+
		"- name: refuses\n  form: slack\n  url: "+targets.URL+"/refuses\n  causes: [conflict]\n  fabrics: [1, 2]\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	at, _ := up(t, []string{"HEDGEHOG_FGD_NOTIFICATIONS_FILE=" + file}, "--redis", redistest.Start(t).URL(),
		"--allow-http",
		"--allow-network=127.0.0.0/8")
	d := newDocumented(t)
	for _, c := range []struct {
		args   string
		code   int
		stdout string
	}{
		{"list", 0, "NAME     FORM   WAITING  DEAD  LAST SENT\ntakes    slack  0        0     never\n" +
			"refuses  slack  0        0     never\n"},
		{"list -o wide", 0, "LAST FAILED  CAUSES    FABRICS  ERROR"},
		{"list -o wide", 0, "never        conflict  1,2"},
		{"list -o name", 0, "takes\nrefuses\n"},
		{"list --jq .[1].causes[0]", 0, "conflict\n"},
		{"list -o yaml", 0, "  name: takes\n"},
		{"list -o json", 0, `"name": "takes"`},
		{"test takes", 0, "takes   taken, after "},
		{"test refuses", 1, "refuses  not taken, after "},
		{"test refuses", 1, "status   403\n"},
		{"test refuses -o json", 1, `"taken": false`},
		{"test nobody -o json", 1, `{"error":{"code":"FGD_`},
	} {
		code, stdout, stderr := run(t.Context(), t, append(append([]string{"notification"}, strings.Fields(c.args)...),
			"--server",
			at.GRPC, "--token-file", at.tokenFile)...)
		switch c.args {
		case "list -o json":
			d.check(c.args, stdout, "NotificationTarget[]")
		case "test refuses -o json":
			d.check(c.args, stdout, "TestNotificationResponse")
		}
		if code != c.code || !strings.Contains(stdout, c.stdout) {
			t.Errorf("%s: exit %d\n%s%s", c.args, code, stdout, stderr)
		}
	}
}
