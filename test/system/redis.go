package system

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const redisPassword = "redis-password-nobody-guesses"

// RedisServer is a redis-server on a loopback port, which can be killed and started again over its data.
type RedisServer struct {
	t       testing.TB
	Folder  string
	address string
	mu      sync.Mutex
	command *exec.Cmd
}

// Redis runs a redis-server for the time of the test.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	r := &RedisServer{t: t, Folder: t.TempDir(), address: FreeAddress(t)}
	r.Start()
	t.Cleanup(r.Kill)
	return r
}

// URL is where it listens.
func (r *RedisServer) URL() string {
	return (&url.URL{Scheme: "redis", User: url.UserPassword("", redisPassword), Host: r.address, Path: "/0"}).String()
}

// Client connects to it.
func (r *RedisServer) Client() *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: r.address, Password: redisPassword, MaxRetries: -1})
	r.t.Cleanup(func() { _ = client.Close() })
	return client
}

// Start starts it and waits until it answers.
func (r *RedisServer) Start() {
	r.t.Helper()
	_, port, err := net.SplitHostPort(r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.command = exec.Command("redis-server", "-")
	r.command.Dir = r.Folder
	r.command.Stdin = strings.NewReader(fmt.Sprintf("bind 127.0.0.1\nport %s\nrequirepass %s\nappendonly "+
		"yes\nappendfsync always\nsave \"\"\nlogfile redis.log\n", port, redisPassword))
	r.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.command.Start(); err != nil {
		r.t.Fatalf("start redis-server (make test-deps installs it): %v", err)
	}
	r.await()
}

func (r *RedisServer) await() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: r.address, Password: redisPassword, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for client.Ping(ctx).Err() != nil {
		select {
		case <-ctx.Done():
			r.t.Fatal("redis-server does not answer")
		case <-ticker.C:
		}
	}
}

// Kill ends it as a crash does.
func (r *RedisServer) Kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.command == nil {
		return
	}
	_ = r.command.Process.Kill()
	_ = r.command.Wait()
	r.command = nil
}

// Signal sends a signal.
func (r *RedisServer) Signal(signal os.Signal) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.command.Process.Signal(signal); err != nil {
		r.t.Errorf("signal redis-server: %v", err)
	}
}

// Written is everything it wrote to its disk: every command that changed something.
func (r *RedisServer) Written() string {
	r.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(r.Folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path) //nolint:gosec // a folder of the test's own
		b.Write(content)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}
