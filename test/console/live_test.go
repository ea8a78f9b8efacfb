package console

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/test/browser"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/testkit/gitserver"
)

// wire is a proxy in front of a console, whose connections can be cut.
type wire struct {
	listener net.Listener
	to       string

	mu   sync.Mutex
	cut  bool
	open []net.Conn
}

// newWire returns one in front of an address.
func newWire(t *testing.T, to string) *wire {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	w := &wire{listener: listener, to: to}
	t.Cleanup(func() {
		_ = listener.Close()
		w.sever()
	})
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go w.join(near)
		}
	}()
	return w
}

// join joins a connection with what is behind, unless the wire is cut.
func (w *wire) join(near net.Conn) {
	far, err := net.Dial("tcp", w.to)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || w.cut {
		_ = near.Close()
		if err == nil {
			_ = far.Close()
		}
		return
	}
	w.open = append(w.open, near, far)
	for from, to := range map[net.Conn]net.Conn{near: far, far: near} {
		go func() {
			_, _ = io.Copy(to, from)
			_ = to.Close()
		}()
	}
}

// sever cuts all connections, and lets none through until mend.
func (w *wire) sever() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for _, conn := range w.open {
		_ = conn.Close()
	}
	w.open = nil
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
}

// behindWire puts a wire between the browser and the console.
func (s *site) behindWire() *wire {
	w := newWire(s.t, s.Host())
	s.Tab = browser.Open(s.t, "http://"+w.listener.Addr().String())
	return w
}

// seen has a page write down each stage that it shows as the one that runs, and whether it was loaded anew.
const seen = `window.seen = []; new MutationObserver(() => {
	const now = document.querySelector(".stages [aria-current], .headline .state")?.innerText;
	if (now && window.seen.at(-1) !== now) window.seen.push(now);
}).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true}); null`

// TestASyncIsSeenLive: a page that is open shows a sync from stage to stage to its record, and is loaded once.
func TestASyncIsSeenLive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	fetch, push := make(chan struct{}), make(chan struct{})
	held := make(chan struct{}, 1)
	s.git.Break(gitserver.Fault{On: gitserver.Fetch, Times: 1, Hold: fetch, Held: held})
	s.signIn(s.Token())
	sync := s.register()
	<-held
	s.git.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Hold: push, Held: held})
	s.Go("/syncs/" + sync)
	s.Sees("validation")
	browser.Value[any](s.Tab, seen)
	close(fetch)
	<-held
	s.Tab.Await("the push on the page", func() bool {
		return strings.Contains(strings.Join(browser.Value[[]string](s.Tab, "window.seen"), "|"), "github sync")
	})
	close(push)
	s.Sees("What it did") // the record, of the page that follows
	stages := browser.Value[[]string](s.Tab, "window.seen ?? []")
	if len(stages) < 3 {
		t.Errorf("%d changes are seen without loading the page: %q", len(stages), stages)
	}
}

// marked has the page remember that it was not loaded anew.
const marked = `window.kept = true; null`

// TestALivePageCatchesUp: the connection is cut while a sync goes on; once it is back the page shows what has happened
// meanwhile, each thing once, and is not loaded anew before the end.
func TestALivePageCatchesUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wire := s.behindWire()
	fetch, push, held := make(chan struct{}), make(chan struct{}), make(chan struct{}, 1)
	s.git.Break(gitserver.Fault{On: gitserver.Fetch, Times: 1, Hold: fetch, Held: held})
	s.signIn(s.Token())
	sync := s.register()
	<-held
	s.git.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Hold: push, Held: held})
	s.Go("/syncs/" + sync)
	s.Sees("validation")
	browser.Value[any](s.Tab, marked)
	wire.sever()
	close(fetch)
	<-held // the sync is at its push, and the page does not know
	wire.mend()
	s.Sees("github sync")
	s.Tab.Await("the newest stage", func() bool {
		now := browser.Value[string](s.Tab, `document.querySelector(".stages [aria-current]")?.innerText ?? ""`)
		return strings.Contains(now, "github sync")
	})
	for selector, want := range map[string]int{".stages": 1, ".stages li": 5, ".headline": 1, ".findings.warn": 1} {
		if got := browser.Value[int](s.Tab, "document.querySelectorAll('"+selector+"').length"); got != want {
			t.Errorf("%s is there %d times, want %d", selector, got, want)
		}
	}
	if !browser.Value[bool](s.Tab, "window.kept === true") {
		t.Error("the page was loaded anew")
	}
	close(push)
	s.Sees("What it did")
}

// TestTheListOfFabricsIsLive: a row shows that a sync runs and how it ended, without the page being loaded anew, also
// when the connection was cut meanwhile; and the row is there once.
func TestTheListOfFabricsIsLive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wire := s.behindWire()
	s.ends(s.register(), "completed")
	s.signIn(s.Token())
	s.Sees("fabric-1")
	browser.Value[any](s.Tab, marked)
	fetch, held := make(chan struct{}), make(chan struct{}, 1)
	s.git.Break(gitserver.Fault{On: gitserver.Fetch, Times: 1, Hold: fetch, Held: held})
	s.git.Commit(t, repository, "main", map[string]string{directory + "/raw/new.yaml": fabric.VPC("new", 7)})
	var started struct {
		SyncID string `json:"sync_id"`
	}
	s.Call("POST", "/api/v1/fabrics/1/syncs", map[string]any{}, &started)
	<-held
	s.Sees("runs now")
	wire.sever()
	close(fetch)
	s.ends(started.SyncID, "completed")
	wire.mend()
	s.Tab.Await("the end in the row", func() bool { return !strings.Contains(s.Text(), "runs now") })
	if got := browser.Value[int](s.Tab, "document.querySelectorAll('tbody tr').length"); got != 1 {
		t.Errorf("%d rows", got)
	}
	if !browser.Value[bool](s.Tab, "window.kept === true") {
		t.Error("the page was loaded anew")
	}
	s.Click("tbody form button") // what was told anew can be used
	s.Sees("What it did")
	for _, stray := range s.Strays() {
		t.Errorf("stray: %s", stray)
	}
}
