package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/cli"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/redistest"
)

// lines is what a command prints, which can be waited for.
type lines struct {
	mu      sync.Mutex
	changed *sync.Cond
	text    bytes.Buffer
}

func newLines() *lines {
	l := &lines{}
	l.changed = sync.NewCond(&l.mu)
	return l
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.changed.Broadcast()
	return l.text.Write(p)
}

// await waits until a text has been printed so often.
func (l *lines) await(text string, times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for strings.Count(l.text.String(), text) < times {
		l.changed.Wait()
	}
}

func (l *lines) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wire is a way to a server that can be cut.
type wire struct {
	net.Listener
	to    string
	mu    sync.Mutex
	isCut bool
	open  []net.Conn
	work  sync.WaitGroup
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: listener, to: to}
	w.work.Go(w.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		w.cut(true)
		w.work.Wait()
	})
	return w
}

func (w *wire) serve() {
	for {
		from, err := w.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", w.to)
		w.mu.Lock()
		if err != nil || w.isCut {
			_ = from.Close()
			if err == nil {
				_ = to.Close()
			}
			w.mu.Unlock()
			continue
		}
		w.open = append(w.open, from, to)
		w.mu.Unlock()
		w.work.Go(func() { _, _ = io.Copy(to, from); _ = to.Close() })
		w.work.Go(func() { _, _ = io.Copy(from, to); _ = from.Close() })
	}
}

// cut ends all connections and lets no other one through, or lets them through again.
func (w *wire) cut(is bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = is
	if is {
		for _, conn := range w.open {
			_ = conn.Close()
		}
		w.open = nil
	}
}

// happened returns the messages of a sync as the API has them, in JSON of their types and what they are about.
func (at started) happened(t *testing.T, id string) (events []string) {
	t.Helper()
	stream, err := bridgev1.NewSyncServiceClient(at.dial(t)).StreamSyncEvents(t.Context(),
		&bridgev1.StreamSyncEventsRequest{SyncId: id})
	for err == nil {
		var event *bridgev1.StreamSyncEventsResponse
		if event, err = stream.Recv(); err == nil {
			events = append(events, mark(id, event.GetType(), event.GetData().GetStage(), event.GetData().GetCurrentFile(),
				event.GetTimestamp().AsTime().Format("05.999999999")))
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return events
}

func mark(parts ...string) string { return strings.Join(parts, " ") }

// triggered starts a sync of fabric 1, and returns its ID.
func (at started) triggered(t *testing.T) string {
	t.Helper()
	var answered struct {
		SyncID string `json:"sync_id"`
	}
	_, answer := at.call(t, http.MethodPost, "/api/v1/fabrics/1/syncs", `{"options":{"force_refresh":true}}`, "")
	if err := json.Unmarshal([]byte(answer), &answered); err != nil || answered.SyncID == "" {
		t.Fatal(answer, err)
	}
	return answered.SyncID
}

// heldSync runs a system with a sync of fabric 1 that has ended, and one that a Git host does not answer until it is
// released.
func heldSync(t *testing.T) (at started, before, running string, release func()) {
	t.Helper()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document + "---\nkind: [\n"})
	at, _ = up(t, nil, "--redis", redistest.Start(t).URL(), "--allow-http", "--allow-network=127.0.0.0/8")
	at.call(t, http.MethodPost, "/api/v1/fabrics", `{"fabric_id":1,"name":"one","repository_url":"`+host.URL("r.git")+
		`","gitops_directory":"f","sync_interval_seconds":0}`, "")
	before = at.ended(t, at.triggered(t)) // behind the first one
	gate := make(chan struct{})
	host.Break(gitserver.Fault{On: gitserver.Fetch, Times: 1, Hold: gate})
	host.Commit(t, "r.git", "main", map[string]string{"f/raw/b.yaml": strings.Replace(document, "default", "other", 1)})
	return at, before, at.triggered(t), func() { close(gate) }
}

// TestEventTailOverACut: what happens before, during and after a cut is told, each once and in its order, and nothing
// that ended before. Ctrl-C ends it with the code that shells know.
func TestEventTailOverACut(t *testing.T) {
	t.Parallel()
	at, before, running, release := heldSync(t)
	way := newWire(t, at.GRPC)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, said, ended := newLines(), newLines(), make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, cli.Environment{
			Args: []string{
				"event", "tail", "--fabric", "one", "-o", "json", "--server", way.Addr().String(),
				"--token-file", at.tokenFile,
			},
			Stdout: out, Stderr: said,
		})
	}()
	out.await("sync.started", 1)
	way.cut(true)
	release()
	at.ended(t, running)
	missed := at.ended(t, at.triggered(t))
	said.await("is asked again", 1)
	way.cut(false)
	out.await("sync.completed", 2)
	after := at.triggered(t)
	out.await("sync.completed", 3)
	stop()
	if code := <-ended; code != 130 {
		t.Errorf("exit %d\n%s", code, said.all())
	}
	told := map[string][]string{}
	for line := range strings.Lines(out.all()) {
		var event struct {
			Type, Timestamp string
			FabricName      string `json:"fabric_name"`
			SyncID          string `json:"sync_id"`
			Data            struct {
				Stage       string
				CurrentFile string `json:"current_file"`
			}
			Error struct{ Code string }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil || event.FabricName != "one" {
			if event.Error.Code != "FGD_3003" { // of the interruption
				t.Errorf("%v: %s", err, line)
			}
			continue
		}
		seconds := strings.TrimSuffix(event.Timestamp[strings.LastIndex(event.Timestamp, ":")+1:], "Z")
		told[event.SyncID] = append(told[event.SyncID], mark(event.SyncID, event.Type, event.Data.Stage,
			event.Data.CurrentFile, strings.TrimRight(seconds, "0")))
	}
	for _, id := range []string{running, missed, after} {
		if want := at.happened(t, id); !slices.Equal(told[id], trimmed(want)) {
			t.Errorf("told\n%s\nwant\n%s", strings.Join(told[id], "\n"), strings.Join(want, "\n"))
		}
	}
	if len(told) != 3 || told[before] != nil {
		t.Errorf("%d syncs were told", len(told))
	}
}

// trimmed returns lines without zeros at their ends.
func trimmed(lines []string) (all []string) {
	for _, line := range lines {
		all = append(all, strings.TrimRight(line, "0"))
	}
	return all
}

// TestEventTailInWords is one line an event, of a width that a terminal has.
func TestEventTailInWords(t *testing.T) {
	t.Parallel()
	at, _, _, release := heldSync(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	outs, ended := map[string]*lines{}, make(chan int, 3)
	for _, form := range []string{"table", "wide", "yaml"} {
		out := newLines()
		outs[form] = out
		go func() {
			ended <- cli.Run(ctx, cli.Environment{
				Args:   []string{"event", "tail", "-o", form, "--server", at.GRPC, "--token-file", at.tokenFile},
				Stdout: out, Stderr: io.Discard,
			})
		}()
	}
	for _, out := range outs {
		out.await("started", 1)
	}
	release()
	for form, parts := range map[string][]string{
		"table": {"  one  ", "  started         ", ", manual\n", "stage_completed discovery\n", " 1 created, "},
		"wide":  {"Z  one  ", "  completed  "}, "yaml": {"---\ndata:\n", "type: sync.completed\n", "fabric_name: one\n"},
	} {
		for _, part := range parts {
			outs[form].await(part, 1)
		}
	}
	stop()
	for range outs {
		if code := <-ended; code != 130 {
			t.Errorf("exit %d", code)
		}
	}
	if code, _, stderr := run(t.Context(), t, "event", "tail", "-o", "name"); code != 2 ||
		!strings.Contains(stderr, "no names") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
	if code, _, stderr := run(t.Context(), t, "event", "tail", "--server", "127.0.0.1:1"); code != 5 {
		t.Errorf("exit %d\n%s", code, stderr)
	}
}
