package app

import (
	"syscall"

	"golang.org/x/sys/unix"

	"fgdsync.dev/libs/errs"
)

// RefuseCores has the system write no core of this process, nor of those that it starts unless they ask for one: the
// memory of a process holds what it works with, credentials among it. The limit is for the programs that it starts; a
// core that goes to a program, as most distributions have it, is written whatever the limit, unless the process says
// that it can't be dumped. Then other processes of the same account can't read its memory or environment either.
func RefuseCores() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return coresWritten(err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return coresWritten(err)
	}
	return nil
}

func coresWritten(cause error) error {
	return errs.New(errs.InternalError, "The system can't be kept from writing cores.").WithCause(cause)
}
