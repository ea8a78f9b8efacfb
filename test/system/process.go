package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Result is how a command ended.
type Result struct {
	Code           int
	Stdout, Stderr string
	Memory         int64 // the most that it had resident, in bytes
}

// Output is everything it wrote.
func (r Result) Output() string { return r.Stdout + r.Stderr }

// Run runs fgd to its end.
func (b Binaries) Run(t testing.TB, env []string, args ...string) Result {
	t.Helper()
	command := b.command(t.Context(), t, "fgd", env, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	forgetPeak(t)
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run fgd: %v", err)
	}
	result := Result{Code: command.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	if usage, known := command.ProcessState.SysUsage().(*syscall.Rusage); known {
		result.Memory = usage.Maxrss << 10
	}
	return result
}

// forgetPeak lets the peak of this process' memory be what it has now. Linux counts it as that of the programs it
// starts, for between fork and exec they share its memory (proc(5), clear_refs).
func forgetPeak(t testing.TB) {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Fatalf("reset peak of memory: %v", err)
	}
}

// command has nothing of the caller's environment that could change what is tested.
func (b Binaries) command(ctx context.Context, t testing.TB, name string, env []string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, filepath.Join(string(b), name), args...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = stopTimeout
	command.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "USER=alice",
		"GORACE=halt_on_error=1 exitcode=66",
		"HEDGEHOG_FGD_RETRY_INITIAL=50ms", "HEDGEHOG_FGD_RETRY_MAX=200ms",
		// A test is one caller, and does the work of many.
		"HEDGEHOG_FGD_CALLER_REQUESTS_PER_SECOND=1000000", "HEDGEHOG_FGD_CALLER_TRIGGERS_PER_MINUTE=1000000",
		"HEDGEHOG_FGD_CALLER_LISTENERS=100000",
	}, env...)
	return command
}

const stopTimeout = 30 * time.Second

// Process is a program that serves until it is stopped.
type Process struct {
	t       testing.TB
	name    string
	command *exec.Cmd
	output  *output
	exited  chan struct{}
	once    sync.Once
	code    int // with which it has to end
}

// Start starts a program. It is stopped with the test, which fails when it does not end well.
func (b Binaries) Start(t testing.TB, env []string, name string, args ...string) *Process {
	t.Helper()
	return b.StartExpecting(t, 0, env, name, args...)
}

// StartExpecting starts a program that has to end with a certain code. It outlives the test's context: whoever is told
// twice to end may be told the second time when nobody listens any more.
func (b Binaries) StartExpecting(t testing.TB, code int, env []string, name string, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, name: name, code: code, command: b.command(context.WithoutCancel(t.Context()), t, name, env,
		args...), output: &output{}, exited: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = p.output, p.output
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() { _ = p.command.Wait(); close(p.exited) }()
	t.Cleanup(p.Stop)
	return p
}

// Stop ends it as an operator does, with SIGTERM.
func (p *Process) Stop() {
	p.once.Do(func() {
		_ = p.command.Process.Signal(syscall.SIGTERM)
		_ = p.command.Process.Signal(syscall.SIGCONT) // one that is stopped does not see it else
		select {
		case <-p.exited:
		case <-time.After(stopTimeout):
			_ = p.command.Process.Kill()
			<-p.exited
			p.t.Errorf("%s did not end on SIGTERM:\n%s", p.name, p.output)
			return
		}
		if code := p.command.ProcessState.ExitCode(); code != p.code {
			p.t.Errorf("%s ended with %d, not %d", p.name, code, p.code)
		}
		if p.t.Failed() {
			p.t.Logf("%s wrote:\n%s", p.name, p.output)
		}
	})
}

// Signal sends a signal.
func (p *Process) Signal(signal os.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		p.t.Errorf("signal %s: %v", p.name, err)
	}
}

// Wait waits until it has ended by itself.
func (p *Process) Wait() {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		p.t.Errorf("%s goes on:\n%s", p.name, p.output)
	}
}

// AwaitStop waits until it does not run any more, as after SIGSTOP.
func (p *Process) AwaitStop() {
	p.t.Helper()
	deadline := time.After(readyTimeout)
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
		if _, state, found := strings.Cut(string(stat), ") "); err == nil && found && state[0] == 'T' {
			return
		}
		select {
		case <-deadline:
			p.t.Fatalf("%s is not stopped:\n%s", p.name, p.output)
		case <-ticker.C:
		}
	}
}

// AwaitCrash waits until it has ended by itself, as a crash does.
func (p *Process) AwaitCrash() {
	p.t.Helper()
	p.Wait()
	p.once.Do(func() {
		status, is := p.command.ProcessState.Sys().(syscall.WaitStatus)
		if !is || !status.Signaled() || status.Signal() != syscall.SIGKILL {
			p.t.Errorf("%s ended as %s", p.name, p.command.ProcessState)
		}
	})
}

// Crash sends a signal that ends it at once, and says how it ended.
func (p *Process) Crash(signal syscall.Signal) syscall.WaitStatus {
	p.t.Helper()
	p.Signal(signal)
	p.Wait()
	p.once.Do(func() {})
	status, is := p.command.ProcessState.Sys().(syscall.WaitStatus)
	if !is {
		p.t.Fatal("the system does not say how a process ended")
	}
	return status
}

// Kill ends it as a crash does.
func (p *Process) Kill() {
	p.once.Do(func() {
		_ = p.command.Process.Kill()
		<-p.exited
	})
}

// ID is its process id.
func (p *Process) ID() string { return strconv.Itoa(p.command.Process.Pid) }

// Memory is the most that it had resident so far, in bytes.
func (p *Process) Memory() int64 { return p.resident("VmHWM:") }

// Resident is what it has resident now, in bytes.
func (p *Process) Resident() int64 { return p.resident("VmRSS:") }

// Processor is how long it has used processors so far, in its program and in the system for it.
func (p *Process) Processor() time.Duration {
	p.t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", p.ID(), "stat"))
	if err != nil {
		p.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	const user, tick = 11, 10 * time.Millisecond // proc_pid_stat(5): utime and stime, in hundredths of a second
	fields := strings.Fields(after)
	var ticks int64
	for _, field := range fields[user : user+2] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			p.t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick
}

func (p *Process) resident(field string) int64 {
	p.t.Helper()
	raw, err := os.ReadFile(filepath.Join("/proc", p.ID(), "status"))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if size, found := strings.CutPrefix(line, field); found {
			kib, err := strconv.ParseInt(strings.Fields(size)[0], 10, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return kib << 10
		}
	}
	p.t.Fatal("the system does not say how much memory a process had")
	return 0
}

// Output is everything it wrote so far.
func (p *Process) Output() string { return p.output.String() }

type output struct {
	mu sync.Mutex
	b  strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// FreeAddress is an address on which nothing listens at the moment.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return FreeAddresses(t, "127.0.0.1", 1)[0]
}

// FreeAddresses are different addresses of a host on which nothing listens at the moment.
func FreeAddresses(t testing.TB, host string, n int) []string {
	t.Helper()
	addresses := make([]string, n)
	for i := range addresses {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }() // all at the end, so that none is given out twice
		addresses[i] = listener.Addr().String()
	}
	return addresses
}

// OwnHost is a loopback address of which nobody else takes ports, neither to listen nor to connect from (RFC 1122: all
// of 127/8 is this host).
func OwnHost() string {
	return fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
}
