//go:build failpoints

package failpoint

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// passed counts how often the process came by the place that was chosen.
var passed atomic.Int64

// Hit ends or stops the process, when FGD_FAILPOINT says so: "kill:NAME" as a crash does, "stop:NAME" until it is
// continued; or panics, for "panic:NAME". With ":N" behind the name it does so the Nth time it comes by. The signal goes
// to the thread of the caller, which does not get past it.
func Hit(p Point) {
	how, where, _ := strings.Cut(os.Getenv("FGD_FAILPOINT"), ":")
	name, times, counted := strings.Cut(where, ":")
	if Point(name) != p {
		return
	}
	if counted && strconv.FormatInt(passed.Add(1), 10) != times {
		return
	}
	if how == "panic" {
		panic("at " + name)
	}
	signal := syscall.SIGKILL
	if how == "stop" {
		signal = syscall.SIGSTOP
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Tgkill(os.Getpid(), unix.Gettid(), signal); err != nil {
		panic(err)
	}
}

// Now returns the time, ahead by the duration that stands in the file which FGD_CLOCK_AHEAD names. Timers are as they are.
func Now() time.Time {
	path := os.Getenv("FGD_CLOCK_AHEAD")
	if path == "" {
		return time.Now()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	ahead, err := time.ParseDuration(string(text))
	if err != nil {
		panic(err)
	}
	return time.Now().Add(ahead)
}
