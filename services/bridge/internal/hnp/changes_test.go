package hnp_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/testkit/netboxtest"
)

// logAll reads all of the change log.
func (p *plugin) logAll() []hnp.Change {
	p.t.Helper()
	ids, _, _, err := p.LogIDs(p.t.Context(), 0)
	if err != nil {
		p.t.Fatal(err)
	}
	changes, err := p.LogChanges(p.t.Context(), ids)
	if err != nil {
		p.t.Fatal(err)
	}
	return changes
}

// TestTheLogAndTheFeed tell the same of what was done to a record: who, when, why, and what it said before and after.
// What changes nothing that a file says is in neither.
func TestTheLogAndTheFeed(t *testing.T) {
	t.Parallel()
	p := setup(t)
	head, err := p.FeedHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made := p.put("Server", "s", nil, hnp.Content{})
	changed := p.put("Server", "s", &made.Record, spec(json.Number("1.50")))
	p.put("Server", "s", &changed.Record, spec(1.5))
	gone, err := p.Delete(t.Context(), "Server", changed.Record, "gone")
	if err != nil {
		t.Fatal(err)
	}
	page, err := p.Feed(t.Context(), head, 10, 0)
	if err != nil || len(page.Changes) != 3 || page.Places[2] != page.Cursor || page.Clock.IsZero() {
		t.Fatalf("%+v, %v", page, err)
	}
	logged := p.logAll()
	for i, want := range []struct {
		action        hnp.Action
		request       string
		before, after *hnp.Content
	}{
		{hnp.RecordCreated, made.RequestID, nil, &hnp.Content{}},
		{hnp.RecordUpdated, changed.RequestID, &hnp.Content{}, ptr(spec(1.5))},
		{hnp.RecordDeleted, gone.RequestID, ptr(spec(1.5)), nil},
	} {
		for source, c := range map[string]hnp.Change{"log": logged[i], "feed": page.Changes[i]} {
			if c.Action != want.action || c.RequestID != want.request || c.Kind != "Server" || c.User != "admin" ||
				c.Identity != p.identity("s") || c.RecordID != made.Record.ID || c.Time.IsZero() || c.Was != nil ||
				!strings.HasPrefix(c.ID, source+":") || !means(c.After, want.after) {
				t.Errorf("%s: %+v", source, c)
			}
			if source == "log" && (!means(c.Before, want.before) || c.Message == "") {
				t.Errorf("%s: %+v", source, c)
			}
		}
	}
}

func ptr[T any](value T) *T { return &value }

// means reports whether two contents mean the same.
func means(a, b *hnp.Content) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Digest("Server") == b.Digest("Server")
}

// TestALongLog is read page by page, from any number on.
func TestALongLog(t *testing.T) {
	t.Parallel()
	p := setup(t)
	tx := p.Begin()
	for n := range 2500 {
		tx.Change(netboxserver.Entry{Kind: "VPC", Record: n, Action: "created", RequestID: "r", After: map[string]any{
			"fabric": p.fabric, "namespace": "default", "name": fmt.Sprint("v", n), "spec": map[string]any{"n": n},
		}})
	}
	tx.Commit()
	head, clock, err := p.LogHead(t.Context(), time.Time{})
	if err != nil || head != 2500 || clock.IsZero() {
		t.Errorf("%d, %s, %v", head, clock, err)
	}
	if older, _, err := p.LogHead(t.Context(), clock.Add(-time.Hour)); err != nil || older != 0 {
		t.Errorf("%d, %v", older, err)
	}
	ids, _, _, err := p.LogIDs(t.Context(), 100)
	if err != nil || len(ids) != 2401 || ids[0] != 100 || !slices.IsSorted(ids) {
		t.Errorf("%d from %d, %v", len(ids), ids[0], err)
	}
	changes, err := p.LogChanges(t.Context(), ids[:250])
	if err != nil || len(changes) != 250 || changes[249].ID != "log:349" {
		t.Errorf("%d, %v", len(changes), err)
	}
}

// TestALargeLog is read in parts that are not too large.
func TestALargeLog(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.ReadAtMost(8 << 10)
	tx := p.Begin()
	large := strings.Repeat("a", 1<<10)
	for n := range 80 {
		tx.Change(netboxserver.Entry{Kind: "VPC", Record: n, Action: "created", RequestID: "r", After: map[string]any{
			"fabric": p.fabric, "namespace": "default", "name": fmt.Sprint("v", n), "spec": map[string]any{"n": large},
		}})
	}
	tx.Commit()
	if changes := p.logAll(); len(changes) != 80 || changes[79].ID != "log:80" {
		t.Errorf("%d", len(changes))
	}
}

// TestWhereThereIsNoFeed the error says so: no plugin, no permission, and a place that is too old.
func TestWhereThereIsNoFeed(t *testing.T) {
	t.Parallel()
	p := setup(t)
	read := func() error {
		_, err := p.Feed(t.Context(), "0.0", 10, 0)
		return err
	}
	p.put("VPC", "v", nil, spec(1))
	p.ForgetFeed()
	if err := read(); !hnp.HasStatus(err, http.StatusGone) {
		t.Errorf("too old: %v", err)
	}
	p.Deny(true, true)
	if err := read(); !hnp.Is(err, hnp.Denied) && !hnp.Is(err, hnp.Forbidden) {
		t.Errorf("denied: %v", err)
	}
	if _, _, _, err := p.LogIDs(t.Context(), 0); !hnp.Is(err, hnp.Denied) && !hnp.Is(err, hnp.Forbidden) {
		t.Errorf("denied: %v", err)
	}
	p.NoFeed(true)
	if err := read(); !hnp.HasStatus(err, http.StatusNotFound) {
		t.Errorf("missing: %v", err)
	}
}

// TestPlaces in the feed are compared by their numbers.
func TestPlaces(t *testing.T) {
	t.Parallel()
	order := []string{"", "0.0", "9.10", "10.2", "10.10"}
	for i, a := range order {
		for j, b := range order {
			if got := hnp.ComparePlaces(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%q and %q: %d", a, b, got)
			}
		}
	}
}

// TestTheEmulatedWebhooks are signed, and can be lost, repeated and reordered.
func TestTheEmulatedWebhooks(t *testing.T) {
	t.Parallel()
	p := setup(t)
	got := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha512.New, []byte("secret"))
		mac.Write(body)
		if r.Header.Get("X-Hook-Signature") != hex.EncodeToString(mac.Sum(nil)) {
			t.Error("it is not signed")
		}
		var said struct {
			Event string `json:"event"`
			Type  string `json:"object_type"`
			Data  struct {
				Name string `json:"name"`
			} `json:"data"`
		}
		if err := json.Unmarshal(body, &said); err != nil {
			t.Error(err)
		}
		got <- said.Event + " " + said.Type + " " + said.Data.Name
	}))
	t.Cleanup(receiver.Close)
	hooks := netboxtest.SendWebhooks(t, p.Server, receiver.URL, "secret")
	hooks.Worry(func(all []netboxserver.Hook) []netboxserver.Hook {
		slices.Reverse(all)
		return append(all[:1], all[0])
	})
	tx := p.Begin()
	for _, name := range []string{"a", "b"} {
		tx.Change(netboxserver.Entry{Kind: "VPC", Action: "created", After: map[string]any{"name": name}})
	}
	tx.Commit()
	for range 2 {
		if what := next(t, got); what != "created netbox_hedgehog.vpc b" {
			t.Error(what)
		}
	}
}

func next(t *testing.T, from <-chan string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case what := <-from:
		return what
	case <-ctx.Done():
		t.Fatal("nothing comes")
		return ""
	}
}
