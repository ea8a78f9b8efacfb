package bridge_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/testkit/redistest"
)

// TestTargetsOverHTTP: an administrator sees targets without their addresses, and can try them. What a target answers
// is told as it is, and a trial is in the audit.
func TestTargetsOverHTTP(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(target.Close)
	file := filepath.Join(t.TempDir(), "targets.yaml")
	targets := fmt.Sprintf("targets: [{name: ops, form: slack, url: '%s/planted', causes: [conflict], fabrics: [35]}]", target.URL)
	if err := os.WriteFile(file, []byte(targets), 0o600); err != nil {
		t.Fatal(err)
	}
	redis := redistest.Start(t)
	b := setup(t, func(c *bridge.Config) {
		c.RedisURL, c.NotificationsFile = redis.URL(), file
		c.NetBox.AllowHTTP, c.NetBox.AllowedPrivateNetworks = true, []string{"127.0.0.0/8"}
	})
	const want = `{"targets":[{"name":"ops","form":"slack","causes":["conflict"],"fabric_ids":[35],"waiting":0,"dead_letters":0`
	if a := b.call("GET", "/api/v1/notifications", ""); a.status != 200 || !strings.HasPrefix(a.raw, want) ||
		strings.Contains(a.raw, "planted") {
		t.Errorf("the targets are %d %s", a.status, a.raw)
	}
	const path, body = "/api/v1/notifications:test", `{"target":"ops"}`
	if got := b.ok("POST", path, body); got["taken"] != true || got["status"] != 200.0 || got["error"] != nil {
		t.Errorf("what is taken is %v", got)
	}
	status = http.StatusForbidden
	a := b.call("POST", path, body)
	if a.status != 200 || a.body["taken"] != false || a.body["status"] != 403.0 || a.body["error"] != "it answers 403" ||
		a.body["remedy"] == nil || strings.Contains(a.raw, "planted") {
		t.Errorf("what is not taken is %d %s", a.status, a.raw)
	}
	b.problem("POST", path, `{"target":"none"}`, 400, "FGD_1010")
	if !slices.ContainsFunc(b.lines(), func(l chain.Line) bool {
		return strings.HasSuffix(l.Action, "NotificationService/TestNotification")
	}) {
		t.Error("a trial is not in the audit")
	}
}
