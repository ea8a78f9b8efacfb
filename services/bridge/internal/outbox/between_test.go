package outbox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/secret"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// between is a proxy or firewall before NetBox, which answers some requests by itself: with a status of HTTP and a
// page, or 0 to cut the connection. It lets the others through.
type between struct {
	next    http.RoundTripper
	answers func(r *http.Request, body string) (status int, it bool)
}

func (b between) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := read(r)
	if err != nil {
		return nil, err
	}
	switch status, it := b.answers(r, string(body)); {
	case !it:
		return b.next.RoundTrip(again(r, body))
	case status == 0:
		return nil, errCut
	default:
		return &http.Response{
			StatusCode: status, Request: r, Header: http.Header{"Content-Type": {"text/html"}},
			Body: io.NopCloser(strings.NewReader("<h1>No</h1>")),
		}, nil
	}
}

// behind has a proxy stand before NetBox.
func (w *world) behind(answers func(r *http.Request, body string) (int, bool)) {
	w.t.Helper()
	if err := w.deliver(w.t.(*testing.T).Context()); err != nil {
		w.t.Fatal(err)
	}
	client, err := hnp.New("http://netbox.test", secret.New(netboxserver.Token), between{w.wire, answers})
	if err != nil {
		w.t.Fatal(err)
	}
	w.d.client = client
}

// writes reports whether a request writes something.
func writes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodOptions
}

// poison is what a record says that somebody before NetBox stops each time.
const poison = "../../etc/passwd"

func stops(status int) func(*http.Request, string) (int, bool) {
	return func(r *http.Request, body string) (int, bool) {
		return status, writes(r) && strings.Contains(body, poison)
	}
}

// many sets what so many servers say, and that of one which is stopped.
func (w *world) many(number int, value any) {
	for i := range number {
		w.git.now[server(fmt.Sprintf("s%03d", i))] = value
	}
	w.git.now[server("s005")] = poison
	w.commit()
}

// stopped holds that one record was put aside and that all others are in NetBox.
func (w *world) stopped(t *testing.T, reason netboxv1.Reason, says string) {
	t.Helper()
	r := w.d.receipts[server("s005")]
	if r.GetState() != netboxv1.State_STATE_UNDELIVERABLE || r.GetProblem().GetReason() != reason ||
		!strings.Contains(r.GetProblem().GetMessage(), says) {
		t.Errorf("%v", r)
	}
	records := w.records()
	for k, value := range w.git.now {
		record, there := records[k]
		if value != poison && (!there || !record.Same(k.kind, hnp.Content{Spec: map[string]any{"a": value}})) {
			t.Fatalf("%v is %v; %v", k, record.Spec, w.d.receipts[k])
		}
	}
}

// TestWhatAFirewallStops is one record: the others are made and changed, and nobody is told of a permission.
func TestWhatAFirewallStops(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.commit()
	w.behind(stops(http.StatusForbidden))
	w.many(50, 1)
	w.settled(t.Context())
	w.stopped(t, netboxv1.Reason_REASON_REFUSED, "the answer is 403: something before NetBox")
	w.git.now[server("s005")] = 1
	w.commit()
	w.settled(t.Context())
	w.many(50, 2)
	w.settled(t.Context())
	w.stopped(t, netboxv1.Reason_REASON_REFUSED, "the answer is 403: something before NetBox")
}

// TestARecordThatGetsNoAnswer, whatever is done with it, is put aside after some passes, none of which stops with it.
func TestARecordThatGetsNoAnswer(t *testing.T) {
	t.Parallel()
	for status, says := range map[int]string{
		0: "answers others", http.StatusBadGateway: "502", http.StatusGatewayTimeout: "504",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := one(t)
			w.commit()
			w.behind(stops(status))
			w.many(250, 1)
			if err := w.deliver(t.Context()); err != nil || len(w.states()[netboxv1.State_STATE_PROVEN]) != 249 {
				t.Errorf("%v, %d proven", err, len(w.states()[netboxv1.State_STATE_PROVEN]))
			}
			w.settled(t.Context())
			w.stopped(t, netboxv1.Reason_REASON_NETBOX_FAILS, says)
			w.git.now[server("s005")] = 1
			w.commit()
			w.settled(t.Context())
			w.many(250, 2)
			if err := w.deliver(t.Context()); err != nil || len(w.states()[netboxv1.State_STATE_PROVEN]) != 249 {
				t.Errorf("%v, %d proven", err, len(w.states()[netboxv1.State_STATE_PROVEN]))
			}
			w.settled(t.Context())
			w.stopped(t, netboxv1.Reason_REASON_NETBOX_FAILS, says)
		})
	}
}

// TestNobodyAnswers for NetBox: a pass ends after a few requests, puts nothing aside, and all is delivered later.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	for name, all := range map[string]bool{"whatever is asked": true, "what is written": false} {
		for _, status := range []int{0, http.StatusBadGateway} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				t.Parallel()
				w := one(t)
				w.commit()
				var mu sync.Mutex
				away, asked := false, 0
				w.behind(func(r *http.Request, _ string) (int, bool) {
					mu.Lock()
					defer mu.Unlock()
					if away && writes(r) {
						asked++
					}
					return status, away && (all || writes(r))
				})
				for i := range 500 {
					w.git.now[server(fmt.Sprintf("s%03d", i))] = 1
				}
				for value := range 2 {
					w.git.now[server("s000")] = value
					w.commit()
					away, asked = true, 0
					if err := w.deliver(t.Context()); err == nil || asked > 100 {
						t.Errorf("%v after %d requests", err, asked)
					}
					away = false
					w.settled(t.Context())
					if diff := w.same(); diff != "" || len(w.states()[netboxv1.State_STATE_UNDELIVERABLE]) != 0 {
						t.Error(diff, w.states())
					}
					for k := range w.git.now {
						w.git.now[k] = 2
					}
				}
			})
		}
	}
}

// TestAPageOfMaintenance in JSON, in place of lists, is nothing that NetBox says.
func TestAPageOfMaintenance(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.many(3, 1)
	w.settled(t.Context())
	before := w.states()
	client, err := hnp.New("http://netbox.test", secret.New(netboxserver.Token), maintained{w.wire})
	if err != nil {
		t.Fatal(err)
	}
	was := w.d.client
	w.d.client = client
	delete(w.git.now, server("s000"))
	w.commit()
	if err := w.deliver(t.Context()); err == nil {
		t.Error("it was taken for NetBox")
	}
	if err := w.compare(t.Context()); err == nil {
		t.Error("it was taken for a list")
	}
	w.d.client = was
	w.settled(t.Context())
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settled(t.Context())
	if diff := w.same(); diff != "" || len(w.states()[netboxv1.State_STATE_HELD]) != 0 {
		t.Errorf("%s; %v, %v", diff, w.states(), before)
	}
}

// maintained answers whatever is read with a page of maintenance.
type maintained struct{ next http.RoundTripper }

func (m maintained) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		return m.next.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader([]byte(`{"status":"maintenance"}`))),
	}, nil
}

// TestWaitingForTheTurn is no time that NetBox takes: many fabrics at a NetBox that is slow are all read.
func TestWaitingForTheTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate("x", hnp.Timed(slow{3 * time.Second}), time.Now)
		begun := time.Now()
		var running sync.WaitGroup
		for range 60 {
			running.Go(func() {
				c, err := hnp.New("http://netbox.test", secret.New(netboxserver.Token), g)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := c.List(t.Context(), "Server"); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
		if took := time.Since(begun); took < 40*time.Second {
			t.Errorf("it took %s: nobody waited for long", took)
		}
	})
}

// slow answers with an empty list after a while.
type slow struct{ after time.Duration }

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-time.After(s.after):
	}
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`{"count":0,"results":[]}`)),
	}, nil
}
