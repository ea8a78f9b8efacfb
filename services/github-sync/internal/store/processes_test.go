package store

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/testkit/gitserver"
)

const (
	processFolder = "FGD_TEST_STORE_FOLDER"
	processURL    = "FGD_TEST_STORE_URL"
)

// process is a process of its own with a pool. It sweeps, and then for each line that it reads it opens the head, which
// it holds until the next line, and answers with a line.
func process(dir, url string, in io.Reader, out io.Writer) int {
	transport, err := newTransport()
	if err != nil {
		return 1
	}
	p := NewPool(Options{
		Dir: dir, MaxBytes: plenty, MaxAge: week,
		Bytes: prometheus.NewGauge(prometheus.GaugeOpts{Name: "bytes"}), Now: time.Now, Log: quiet,
	})
	_, _ = fmt.Fprintln(out, p.Sweep())
	var held *Objects
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if held != nil {
			err = held.Close()
		}
		if err == nil {
			held, err = openHead(context.Background(), p, remote.NewFactory(transport, nil), url, 1)
		}
		_, _ = fmt.Fprintln(out, err)
	}
	if held != nil && held.Close() != nil || p.Close() != nil {
		return 1
	}
	return 0
}

// other is another process.
type other struct {
	t       *testing.T
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

// start starts a process; its first answer is that of its sweep.
func (b *bench) start() *other {
	b.t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), processFolder+"="+b.dir, processURL+"="+b.host.URL("r.git"))
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		_ = command.Wait()
	})
	o := &other{t: b.t, command: command, in: in, out: bufio.NewScanner(out)}
	o.requireAnswer()
	return o
}

func (o *other) requireAnswer() {
	o.t.Helper()
	if !o.out.Scan() || o.out.Text() != "<nil>" {
		o.t.Errorf("a process answered %q", o.out.Text())
	}
}

func (o *other) say() {
	o.t.Helper()
	if _, err := io.WriteString(o.in, "open\n"); err != nil {
		o.t.Error(err)
	}
}

func (o *other) open() {
	o.t.Helper()
	o.say()
	o.requireAnswer()
}

// kill ends it as a crash does.
func (o *other) kill() {
	o.t.Helper()
	if err := o.command.Process.Kill(); err != nil {
		o.t.Fatal(err)
	}
	_ = o.command.Wait() // killed, as it was meant to be
}

// end ends it as it ends by itself.
func (o *other) end() {
	o.t.Helper()
	_ = o.in.Close()
	if err := o.command.Wait(); err != nil {
		o.t.Error(err)
	}
}

// TestProcessesShareAFolder: each has its own stores. One that is killed while it reads disturbs nobody; the next that
// starts takes over what it left, and what nobody takes over goes.
func TestProcessesShareAFolder(t *testing.T) {
	t.Parallel()
	const rounds = 10
	b := setup(t)
	b.create("r.git", 10)
	first, second, third := b.start(), b.start(), b.start()
	for _, o := range []*other{first, second, third} {
		o.open()
	}
	if kept := b.slots("1", "2", "3"); kept != "r r r" {
		t.Errorf("three processes have: %s", kept)
	}
	third.kill()
	fetched := b.host.Requests(gitserver.Fetch)
	fourth := b.start()
	fourth.open()
	if again := b.host.Requests(gitserver.Fetch) - fetched; again != 0 {
		t.Errorf("%d fetches of what the killed process had left", again)
	}
	var all sync.WaitGroup
	for round := range rounds {
		b.host.Commit(t, "r.git", branch, map[string]string{"a.yaml": fmt.Sprintf("a: %d\n", round)})
		for _, o := range []*other{first, second, fourth} {
			all.Go(o.open)
		}
		all.Wait()
	}
	if again := b.host.Requests(gitserver.Fetch) - fetched; again != 3*rounds {
		t.Errorf("%d fetches of %d commits by three processes", again, rounds)
	}
	second.kill()
	fourth.kill()
	fifth := b.start() // takes the second slot, and sweeps what was the third
	fifth.open()
	first.open()
	if kept := b.slots("1", "2"); kept != "r r" {
		t.Errorf("the last two have: %s", kept)
	}
	if _, err := os.Stat(b.dir + "/3"); err == nil {
		t.Error("the slot that nobody has is still there")
	}
	first.end()
	fifth.end()
}

func (b *bench) slots(names ...string) string {
	b.t.Helper()
	var kept []string
	for _, name := range names {
		kept = append(kept, b.kept(name))
	}
	return strings.Join(kept, " ")
}

// TestKilledWhileItFetches (G16): the next process takes what is there as it is, and fetches.
func TestKilledWhileItFetches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create("r.git", 10)
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	defer close(hold)
	b.host.Break(gitserver.Fault{On: gitserver.Fetch, Times: 1, Hold: hold, Held: held})
	first := b.start()
	first.say()
	<-held
	first.kill()
	next := b.start()
	next.open()
	next.end()
	if kept := b.kept("1"); kept != "r" {
		t.Errorf("kept: %s", kept)
	}
}
