package netbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/test/netbox/lab"
)

// sentHook is a webhook as NetBox sends it.
type sentHook struct {
	header http.Header
	body   []byte
}

// says returns which object a webhook is about, and what became of it.
func (d sentHook) says(t *testing.T) string {
	t.Helper()
	var body struct {
		Event string
		Data  struct {
			Name string
			Spec any
		}
	}
	if err := json.Unmarshal(d.body, &body); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(body.Data.Name, " ", body.Event, " ", body.Data.Spec)
}

// hooked has a NetBox send webhooks for some types, and returns what it sends.
func (n *netbox) hooked(secret string, types []string) <-chan sentHook {
	n.t.Helper()
	sent := make(chan sentHook, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			n.t.Error(err)
		}
		sent <- sentHook{r.Header, body}
	}))
	n.t.Cleanup(server.Close)
	remove, err := n.Hook(n.t.Context(), server.URL+"/hook", secret, types)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		if err := remove(context.Background()); err != nil {
			n.t.Error(err)
		}
	})
	return sent
}

// TestWebhooks holds what NetBox's webhooks are, and what they are not.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	takesLong(t)
	n := start(t, asItIs())
	for _, c := range []struct {
		name  string
		holds func(*netbox)
	}{
		{"form", (*netbox).sentAs},
		{"nothing changed", (*netbox).sentForNothing},
		{"worker stopped", (*netbox).sentWhenTheWorkerRuns},
		{"queue lost", (*netbox).lostWithTheQueue},
		{"kinds without a page", (*netbox).failsWithoutAPage},
	} {
		t.Run(c.name, func(t *testing.T) { c.holds(&netbox{n.NetBox, t}) })
	}
}

var uuidForm = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// sentAs: the body is as it was recorded, and signed.
func (n *netbox) sentAs() {
	n.fabric("hook-first") // so that a fabric and a record of the next one have different numbers
	fabric := n.fabric("hook-form")
	sent := n.hooked("a secret of the lab", []string{"netbox_hedgehog.switch"})
	made := n.must(http.StatusCreated, "POST", "switches/?"+fields, record(fabric, "hook", map[string]any{"a": 1}))
	one := fmt.Sprintf("switches/%d/", made.id())
	n.must(http.StatusOK, "PATCH", one+"?"+fields, map[string]any{
		"spec": map[string]any{"a": 2}, "changelog_message": "0123abcd somebody: why",
	})
	n.must(http.StatusNoContent, "DELETE", one, nil)
	var bodies []any
	for range 3 {
		d := <-sent
		sum := hmac.New(sha512.New, []byte("a secret of the lab"))
		sum.Write(d.body)
		if got := d.header.Get("X-Hook-Signature"); got != hex.EncodeToString(sum.Sum(nil)) {
			n.t.Errorf("it is signed with %q", got)
		}
		var body any
		if err := json.Unmarshal(uuidForm.ReplaceAll(d.body, []byte("{uuid}")), &body); err != nil {
			n.t.Fatal(err)
		}
		bodies = append(bodies, mask(body, "", n.URL, map[float64]string{float64(fabric): "{fabric}"}))
	}
	n.recorded("webhook-4.7.json", bodies)
}

// recorded compares with what was recorded, or records it.
func (n *netbox) recorded(name string, value any) {
	n.t.Helper()
	path := filepath.Join("testdata", name)
	got, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		n.t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			n.t.Fatal(err)
		}
		return
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		n.t.Errorf("got %s\nrecorded was %s (%v)", got, want, err)
	}
}

// change makes a change of a record.
func (n *netbox) change(id, to int) {
	n.t.Helper()
	n.must(http.StatusOK, "PATCH", fmt.Sprintf("switches/%d/?%s", id, fields),
		map[string]any{"spec": map[string]any{"a": to}})
}

// expect waits for a webhook, which has to be a certain one.
func (n *netbox) expect(sent <-chan sentHook, want string) {
	n.t.Helper()
	if got := (<-sent).says(n.t); got != want {
		n.t.Fatalf("sent was %q, not %q", got, want)
	}
}

// sentForNothing: also where nothing has changed, of which the change log has nothing.
func (n *netbox) sentForNothing() {
	made := n.must(http.StatusCreated, "POST", "switches/?"+fields,
		record(n.fabric("hook-nothing"), "same", map[string]any{"a": 1}))
	sent := n.hooked("s", lab.ObjectTypes())
	n.change(made.id(), 1)
	n.expect(sent, "same updated map[a:1]")
}

// queued returns how many jobs wait.
func (n *netbox) queued(client *redis.Client) int64 {
	n.t.Helper()
	count, err := client.LLen(n.t.Context(), "rq:queue:default").Result()
	if err != nil {
		n.t.Fatal(err)
	}
	return count
}

// tasks returns a client of the Redis of what is queued.
func (n *netbox) tasks() *redis.Client {
	n.t.Helper()
	options, err := redis.ParseURL(n.Tasks.URL())
	if err != nil {
		n.t.Fatal(err)
	}
	client := redis.NewClient(options)
	n.t.Cleanup(func() { _ = client.Close() })
	return client
}

// sentWhenTheWorkerRuns: without one they wait.
func (n *netbox) sentWhenTheWorkerRuns() {
	made := n.must(http.StatusCreated, "POST", "switches/?"+fields,
		record(n.fabric("hook-worker"), "waits", map[string]any{"a": 1}))
	sent := n.hooked("s", lab.ObjectTypes())
	client := n.tasks()
	n.StopWorker()
	before := n.queued(client)
	n.change(made.id(), 2)
	n.change(made.id(), 3)
	if got := n.queued(client) - before; got != 2 {
		n.t.Errorf("%d are queued", got)
	}
	if err := n.StartWorker(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	// What is sent is what the record was when it was queued.
	n.expect(sent, "waits updated map[a:2]")
	n.expect(sent, "waits updated map[a:3]")
}

// lostWithTheQueue: what was queued is gone with the Redis that it was in, and nobody is told.
func (n *netbox) lostWithTheQueue() {
	made := n.must(http.StatusCreated, "POST", "switches/?"+fields,
		record(n.fabric("hook-lost"), "lost", map[string]any{"a": 1}))
	sent := n.hooked("s", lab.ObjectTypes())
	n.StopWorker()
	n.change(made.id(), 2)
	if err := n.tasks().FlushAll(n.t.Context()).Err(); err != nil {
		n.t.Fatal(err)
	}
	if err := n.StartWorker(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	n.change(made.id(), 3)
	n.expect(sent, "lost updated map[a:3]") // they are sent one after the other: the first one does not come
}

// failsWithoutAPage (Q2): where a webhook is for a kind of which NetBox finds no page, changes are made, and answered
// as if they were not.
func (n *netbox) failsWithoutAPage() {
	fabric := n.fabric("hook-page")
	sent := n.hooked("s", lab.ObjectTypes())
	for _, kind := range misnamed() {
		n.must(http.StatusInternalServerError, "POST", kind+"/?"+fields, record(fabric, "page", map[string]any{"a": 1}))
		n.one(kind, fabric, "page")
	}
	n.must(http.StatusCreated, "POST", "switches/?"+fields, record(fabric, "page", map[string]any{"a": 1}))
	n.expect(sent, "page created map[a:1]")
}
