package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout = 3 * time.Minute
	stopTimeout  = 20 * time.Second
	pollPeriod   = 50 * time.Millisecond
)

// output keeps the end of what a process writes.
type output struct {
	mu  sync.Mutex
	end bytes.Buffer
}

const keptOutput = 64 << 10

// Write takes what a process writes.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end.Write(p)
	o.end.Next(o.end.Len() - min(o.end.Len(), keptOutput))
	return len(p), nil
}

// String returns the end of what a process wrote.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.end.String()
}

// process is a program that runs until it is stopped; with it end all that it has started.
type process struct {
	name    string
	signal  syscall.Signal // that ends it
	command *exec.Cmd
	output  *output
	exited  chan struct{}
}

// begin starts a program. A user is who it runs as, when that is somebody else.
func begin(name string, signal syscall.Signal, user *syscall.Credential, env []string, program string, args ...string,
) (*process, error) {
	p := &process{
		name: name, signal: signal, command: exec.Command(program, args...), output: &output{},
		exited: make(chan struct{}),
	}
	p.command.Env = append(os.Environ(), env...)
	p.command.Dir = "/"
	p.command.Stdout, p.command.Stderr = p.output, p.output
	p.command.WaitDelay = time.Second
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: signal, Credential: user}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() { _ = p.command.Wait(); close(p.exited) }()
	return p, nil
}

// await waits until it is ready.
func (p *process) await(ctx context.Context, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended:\n%s", p.name, p.output)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", p.name, err, p.output)
		case <-ticker.C:
		}
	}
}

// runs reports whether it was begun and has not ended.
func (p *process) runs() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// stop ends it, and what it has started. Nothing of what it has is kept, so that one which takes long is killed.
func (p *process) stop() {
	if p == nil {
		return
	}
	group := -p.command.Process.Pid
	defer func() { _ = syscall.Kill(group, syscall.SIGKILL) }() // what is left of the group
	_ = p.command.Process.Signal(p.signal)
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		_ = syscall.Kill(group, syscall.SIGKILL)
		<-p.exited
	}
}
