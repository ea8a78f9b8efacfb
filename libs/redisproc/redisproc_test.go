package redisproc

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"fgdsync.dev/libs/errs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, dir string) *Server {
	t.Helper()
	server, err := Start(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return server
}

func client(t *testing.T, server *Server) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries = -1
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// gone reports whether a process has ended and was waited for.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestServerIsSetUpAsTheSystemNeedsIt(t *testing.T) {
	t.Parallel()
	server := start(t, filepath.Join(t.TempDir(), "new", "folder"))
	c := client(t, server)
	for key, want := range map[string]string{
		"appendonly": "yes", "appendfsync": "everysec",
		"maxmemory-policy": "noeviction", "port": "0",
	} {
		got, err := c.ConfigGet(t.Context(), key).Result()
		if err != nil || got[key] != want {
			t.Errorf("%s is %q (%v), want %q", key, got[key], err, want)
		}
	}
	info, err := os.Stat(server.socket)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket is open to others: %v %v", info.Mode(), err)
	}
}

func TestPasswordIsNeededAndNotToBeSeen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := start(t, dir)
	stranger := redis.NewClient(&redis.Options{Network: "unix", Addr: server.socket, MaxRetries: -1})
	defer func() { _ = stranger.Close() }()
	if err := stranger.Ping(t.Context()).Err(); !redis.HasErrorPrefix(err, "NOAUTH") {
		t.Errorf("without a password: %v", err)
	}
	for _, path := range []string{
		"/proc/" + strconv.Itoa(server.command.Process.Pid) + "/cmdline",
		filepath.Join(dir, "redis.log"),
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), server.password) {
			t.Errorf("the password is in %s", path)
		}
	}
}

func TestDataOutlivesACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, dir)
	c := client(t, first)
	for i := range 100 {
		if err := c.XAdd(t.Context(), &redis.XAddArgs{Stream: "s", Values: []any{"e", i}}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	untilWritten(t, c)
	first.Kill()
	if !gone(first.command.Process.Pid) {
		t.Fatal("the killed server lives on")
	}
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Fatal("a killed server answered")
	}
	second := start(t, dir)
	if n, err := client(t, second).XLen(t.Context(), "s").Result(); err != nil || n != 100 {
		t.Errorf("%d of 100 entries are there after the crash: %v", n, err)
	}
}

// TestItIsStartedAgainWhereItWas: with its data and its password, at the same URL, also when that is in a folder of
// its own.
func TestItIsStartedAgainWhereItWas(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), strings.Repeat("long/", 30))} {
		server := start(t, dir)
		url, c := server.URL(), client(t, server)
		if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
		untilWritten(t, c)
		if err := server.command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-server.Exited()
		if how := server.How(); !strings.Contains(how, "killed") {
			t.Errorf("it ended by %q", how)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := client(t, server).Get(t.Context(), "k").Result(); err != nil || got != "v" || server.URL() != url {
			t.Errorf("%q, %v, at %s and not %s", got, err, server.URL(), url)
		}
		select {
		case <-server.Exited():
			t.Error("it runs again, and is said to have ended")
		default:
		}
	}
}

// untilWritten waits until all that was answered to is in the append-only file: with everysec, Redis puts a write off
// for up to two seconds while the disk is slow.
func untilWritten(t *testing.T, c *redis.Client) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		info, err := c.InfoMap(t.Context(), "persistence").Result()
		if err != nil {
			t.Fatal(err)
		}
		if p := info["Persistence"]; p["aof_buffer_length"] == "0" && p["aof_pending_bio_fsync"] == "0" {
			return
		}
		<-ticker.C
	}
}

func TestStopLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	deep := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	server := start(t, deep)
	if server.ownDir == "" || len(server.socket) > longestPath {
		t.Fatalf("socket %q in own folder %q", server.socket, server.ownDir)
	}
	if err := client(t, server).Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if !gone(server.command.Process.Pid) {
		t.Error("the process is still there")
	}
	if _, err := os.Stat(server.ownDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's folder is still there: %v", err)
	}
	if err := server.Stop(); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
	if got, err := client(t, start(t, deep)).Get(t.Context(), "k").Result(); err != nil || got != "v" {
		t.Errorf("after an orderly end: %q %v", got, err)
	}
}

func TestWhyItCannotStart(t *testing.T) {
	t.Run("not installed", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := Start(t.Context(), t.TempDir()); !errors.Is(err, ErrNotInstalled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no folder", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(t.Context(), filepath.Join(file, "data")); !errs.HasCode(err, errs.FolderUnusable) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("damaged data", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		server := start(t, dir)
		if err := client(t, server).Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
		server.Kill()
		manifest := filepath.Join(dir, "appendonlydir", "appendonly.aof.manifest")
		if err := os.WriteFile(manifest, []byte("nonsense\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), dir)
		if !errs.HasCode(err, errs.RedisConnectionFailed) || !strings.Contains(errs.From(err).RemedyText(), "redis.log") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("given up", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Start(ctx, t.TempDir()); err == nil {
			t.Error("started although nobody waits")
		}
	})
}
