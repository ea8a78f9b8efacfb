// Package exit says with which code a command of fgd ends. The codes are a part of its interface.
package exit

import (
	"errors"
	"fmt"

	"fgdsync.dev/libs/errs"
)

// Exit codes.
const (
	OK       = 0 // done, also when nothing changed
	Failed   = 1 // failed
	Misused  = 2 // called wrongly
	Findings = 3 // done, but something was quarantined or found
	Refused  = 4 // the caller is not known to the system, or may not do this
	Away     = 5 // the system can't be reached
	TimedOut = 6 // it took longer than the command was told to wait
	// Interrupted is what a shell makes of Ctrl-C: 128 and the number of the signal.
	Interrupted = 130
)

// IsNoteworthy reports whether a code that was found in a file is a reason for Findings: not where it only says that
// the file stays where it is, because it is somebody else's.
func IsNoteworthy(code string) bool {
	return code != errs.ForeignFile.ID && code != errs.KustomizationKept.ID
}

// Code is an error that ends a command without a message: what there is to say has been said.
type Code int

// Error returns the code in words, for whoever prints it by mistake.
func (c Code) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// IsSaid reports whether an error is a code alone: what there is to say has been said.
func IsSaid(err error) bool {
	var code Code
	return errors.As(err, &code)
}

// misuse marks an error of the call.
type misuse struct{ error }

// Unwrap returns the error itself.
func (m misuse) Unwrap() error { return m.error }

// Misuse marks an error as one of how the command was called.
func Misuse(err error) error { return misuse{err} }

// MisuseIfInvalid marks an error that a service has about what it was told, which was said on the command line.
func MisuseIfInvalid(err error) error {
	if errs.KindOf(err) == errs.Invalid || errs.HasCode(err, errs.RemoteRefused) {
		return misuse{err}
	}
	return err
}

// IsMisuse reports whether an error is marked as one of how the command was called.
func IsMisuse(err error) bool {
	var marked misuse
	return errors.As(err, &marked)
}

// Of returns the code that an error ends a command with.
func Of(err error) int {
	var code Code
	switch {
	case err == nil:
		return OK
	case errors.As(err, &code):
		return int(code)
	case IsMisuse(err), errs.HasCode(err, errs.ConfigurationInvalid):
		return Misused
	case errs.IsError(err) && (errs.KindOf(err) == errs.Unauthenticated || errs.KindOf(err) == errs.PermissionDenied):
		return Refused
	case errs.HasCode(err, errs.ServiceUnavailable):
		return Away
	case errs.HasCode(err, errs.WaitTimeout):
		return TimedOut
	}
	return Failed
}
