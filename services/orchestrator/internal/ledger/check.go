package ledger

import (
	"context"
	"os"

	"go.etcd.io/bbolt"

	"fgdsync.dev/libs/errs"
)

// Check reports whether what is accepted can be written down: the file is there, and the last write went well. After
// one that did not it tries another.
func (l *Ledger) Check(context.Context) error {
	if _, err := os.Stat(l.path); err != nil {
		return errs.New(errs.LedgerUnusable, "The ledger %s was removed while it is in use.", l.path).WithCause(err).
			WithRemedy("Let the orchestrator write to its folder: it makes the ledger anew within seconds, from what it holds.")
	}
	last := l.broken.Load()
	if last == nil || *last == nil {
		return nil
	}
	if err := l.durably(func(*bbolt.Tx) error { return nil }); err != nil {
		return errs.New(errs.LedgerUnusable, "The ledger %s can't be written.", l.path).WithCause(err).
			WithRemedy("Make room on its disk, and let the orchestrator write to its folder.")
	}
	return nil
}
