//go:build failpoints

package failpoint

import (
	"os"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Hit ends or stops the process, when FGD_FAILPOINT says so: "kill:NAME" as a crash does, "stop:NAME" until it is
// continued; or panics, for "panic:NAME". The signal goes to the thread of the caller, which does not get past it.
func Hit(p Point) {
	how, name, _ := strings.Cut(os.Getenv("FGD_FAILPOINT"), ":")
	if Point(name) != p {
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
