package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// notificationKey is what notifications are signed with.
const notificationKey = "thirty-two bytes of a signing key"

// notified is one notification that a receiver got.
type notified struct {
	id   string
	Type string
	Data struct {
		FabricID   int    `json:"fabric_id"`
		FabricName string `json:"fabric_name"`
		Cause      string
		Code       string
		Message    string
		Remedy     string
		SyncID     string `json:"sync_id"`
		CommitSHA  string `json:"commit_sha"`
	}
}

// receiver takes notifications. What it returns is the environment of a system that has it told.
func receiver(t *testing.T) (news chan notified, env []string) {
	t.Helper()
	news = make(chan notified, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		one := notified{id: r.Header.Get("Webhook-Id")}
		sum := hmac.New(sha256.New, []byte(notificationKey))
		_, _ = io.WriteString(sum, one.id+"."+r.Header.Get("Webhook-Timestamp")+"."+string(raw))
		if r.Header.Get("Webhook-Signature") != "v1,"+base64.StdEncoding.EncodeToString(sum.Sum(nil)) {
			t.Errorf("a notification is not signed: %s", raw)
		}
		if err := json.Unmarshal(raw, &one); err != nil {
			t.Errorf("%v: %s", err, raw)
		}
		news <- one
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "targets.yaml")
	content := "targets:\n- name: ops\n  url_ref: env:HEDGEHOG_FGD_NOTIFY_OPS\n  secret_ref: env:HEDGEHOG_FGD_NOTIFY_KEY\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return news, []string{
		"HEDGEHOG_FGD_NOTIFICATIONS_FILE=" + file, "HEDGEHOG_FGD_NOTIFY_OPS=" + server.URL + "/hook",
		"HEDGEHOG_FGD_NOTIFY_KEY=whsec_" + base64.StdEncoding.EncodeToString([]byte(notificationKey)),
	}
}

// TestAFailureIsNotified: a sync that fails tells the receiver once, and one that ends well after it that it is over.
func TestAFailureIsNotified(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]division{"one": system.Binaries.One, "five": system.Binaries.Five} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			news, env := receiver(t)
			var docs []string
			for i := range 40 {
				docs = append(docs, fabric.VPC(fmt.Sprintf("vpc-%02d", i), i+1))
			}
			h := newHost(t, map[string]string{directory + "/raw/all.yaml": fabric.File(docs)})
			s := how(programs, t, system.Redis(t).URL(), env)
			var registered system.Accepted
			s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
			s.Ended(registered.SyncID)
			sync := func(force bool) system.Status {
				var triggered system.Accepted
				s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs",
					map[string]any{"options": map[string]any{"force": force}}, &triggered)
				return s.Ended(triggered.SyncID)
			}
			h.remove(0, 20)
			first := sync(false)
			sync(false)
			last := sync(true)
			if first.State != "failed" || last.State != "completed" {
				t.Fatalf("first %+v, last %+v", first, last)
			}
			began, over := <-news, <-news
			if began.Type != "fabric.sync_failed" || began.Data.Code != "FGD_3005" || began.Data.SyncID != first.SyncID ||
				began.Data.FabricName != "fabric-1" || began.Data.Message == "" || began.Data.Remedy == "" {
				t.Errorf("told at first: %+v", began)
			}
			if over.Type != "fabric.recovered" || over.Data.Cause != "sync_failed" || over.Data.SyncID != last.SyncID {
				t.Errorf("told at last: %+v", over)
			}
			if n := len(news); n > 0 {
				t.Errorf("told %d times more: %+v", n, <-news)
			}
		})
	}
}
