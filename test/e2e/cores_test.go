package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"fgdsync.dev/test/system"
)

// permitCores has programs that are started from now on leave a core, as far as whoever runs the tests may say so.
func permitCores(t *testing.T) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max == 0 {
		t.Skip("nothing may leave a core here")
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: limit.Max, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
}

var noCores = regexp.MustCompile(`Max core file size +0 +0 `)

// TestNoCores: what a process has in its memory does not come to a disk, however it dies; and what it writes when it
// dies, with all goroutines, has no secret.
func TestNoCores(t *testing.T) {
	t.Parallel()
	permitCores(t)
	h := newHost(t, map[string]string{"README.md": "nothing"})
	for name, how := range map[string]division{"one": system.Binaries.One, "five": system.Binaries.Five} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := system.Redis(t)
			s := how(programs, t, redis.URL(), []string{"GOTRACEBACK=crash"})
			var registered system.Accepted
			s.Call("POST", "/api/v1/fabrics", h.fabric(), &registered)
			s.Ended(registered.SyncID)
			token, found := s.Token(), places{}
			for name, p := range s.Processes {
				limits, err := os.ReadFile(filepath.Join("/proc", p.ID(), "limits"))
				if err != nil || !noCores.Match(limits) {
					t.Errorf("%s: %v\n%s", name, err, limits)
				}
				if status := p.Crash(syscall.SIGABRT); status.CoreDump() || status.Signal() != syscall.SIGABRT {
					t.Errorf("%s: ended by %v, core: %t", name, status.Signal(), status.CoreDump())
				}
				if !strings.Contains(p.Output(), "goroutine ") {
					t.Errorf("%s did not say what it was doing", name)
				}
				found["last words of "+name] = p.Output()
			}
			found.requireNoSecret(t, token[17:], redis.URL())
		})
	}
}
