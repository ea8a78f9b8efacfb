package audit

import (
	"errors"
	"fmt"
	"os"
	"time"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/failpoint"
)

// write takes lines as they come until the audit is closed.
func (l *Log) write() {
	defer close(l.ended)
	sign, retry := time.NewTicker(checkpointPeriod), time.NewTicker(retryPeriod)
	defer sign.Stop()
	defer retry.Stop()
	for {
		select {
		case first := <-l.entries:
			l.put(l.gather(first))
		case <-retry.C:
			if l.waits() {
				l.put(nil)
			}
		case <-sign.C:
			if l.signed < l.head.Seq {
				l.signNext = true
				l.put(nil)
			}
		case <-l.closing:
			l.last()
			return
		}
	}
}

// waits reports whether something is to be tried again.
func (l *Log) waits() bool { return l.bad != nil || len(l.kept) > 0 }

// last writes what still waits, and signs it.
func (l *Log) last() {
	for {
		select {
		case first := <-l.entries:
			l.put(l.gather(first))
			continue
		default:
		}
		break
	}
	if l.waits() {
		l.put(nil)
	}
	if l.bad == nil && l.signed < l.head.Seq {
		l.settle(l.sign(chain.Closing))
	}
	if n := len(l.kept) + l.lost; n > 0 {
		l.log.Error("lines of the audit are lost: it could not be written to the end", "lines", n)
	}
}

// gather returns an entry and those that wait beside it.
func (l *Log) gather(first entry) []entry {
	batch := []entry{first}
	for len(batch) < chain.MaxBatch {
		select {
		case next := <-l.entries:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// put writes entries after those that were kept, and what is due beside them.
func (l *Log) put(batch []entry) {
	err := l.ready()
	for err == nil && len(l.kept) > 0 {
		n := min(len(l.kept), chain.MaxBatch)
		if err = l.store(l.kept[:n]); err == nil {
			l.kept = l.kept[n:]
			err = l.due()
		}
	}
	if err == nil && len(batch) > 0 {
		err = l.store(batch)
	}
	l.settle(err)
	if err != nil {
		l.refuse(batch, err)
		return
	}
	l.settle(l.due())
}

// refuse answers entries that could not be written, and keeps those that are to be.
func (l *Log) refuse(batch []entry, err error) {
	for _, e := range batch {
		e.done <- result{err: unwritable(err)}
		switch {
		case !e.keep:
		case len(l.kept) < maxKept:
			l.kept = append(l.kept, entry{line: e.line, keep: true, done: make(chan result, 1)})
		default:
			l.lost++
		}
	}
}

// settle remembers whether writing goes, and says once when that changes.
func (l *Log) settle(err error) {
	l.mu.Lock()
	before := l.bad
	l.bad = err
	l.mu.Unlock()
	switch {
	case err != nil && before == nil:
		l.log.Error("the audit can't be written: changes are refused until it can", "file", l.cfg.File, "error",
			err.Error())
	case err == nil && before != nil:
		l.log.Info("the audit is written again", "file", l.cfg.File, "lines_lost", l.lost)
		l.lost = 0
	}
}

// ready makes sure that the file is open, and still the one that people find, and that what could not be done beside
// it is.
func (l *Log) ready() error {
	if l.lines != nil && !l.inPlace() {
		l.log.Warn("the file of the audit was taken away while it is written", "file", l.cfg.File)
		_ = l.lines.Close() // nobody finds it any more
		l.lines = nil
	}
	if l.lines == nil {
		if err := l.reopen(); err != nil {
			return err
		}
	}
	return l.due() // what could not be done the last time
}

func (l *Log) inPlace() bool {
	own, err := l.lines.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(l.cfg.File)
	return err == nil && os.SameFile(own, there)
}

// store appends entries in one piece. When that does not go, the file is as it was before.
func (l *Log) store(batch []entry) error {
	var raw []byte
	heads := make([]chain.Head, len(batch))
	head := l.head
	for i, e := range batch {
		sealed, next, err := e.line.Seal(head)
		if err != nil {
			return err
		}
		raw, heads[i], head = append(raw, sealed...), next, next
	}
	failpoint.Hit(failpoint.AuditBefore)
	if err := l.durably(raw); err != nil {
		return err
	}
	failpoint.Hit(failpoint.AuditStored)
	if l.first == 0 {
		l.first = heads[0].Seq
	}
	l.mu.Lock()
	l.head = head
	l.mu.Unlock()
	l.settle(nil) // who is answered finds that writing goes
	for i, e := range batch {
		e.done <- result{head: heads[i]}
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return nil
}

func (l *Log) durably(raw []byte) error {
	_, err := l.lines.Write(raw)
	failpoint.Hit(failpoint.AuditWritten)
	if err == nil {
		err = l.lines.Sync()
	}
	if err == nil {
		l.size += int64(len(raw))
		return nil
	}
	// After a failed fsync nobody knows what the disk has: the file is read anew before it is written again.
	err = errors.Join(err, l.lines.Truncate(l.size), l.lines.Close())
	l.lines = nil
	return fmt.Errorf("write the audit: %w", err)
}

// due signs, and begins another file, when it is time.
func (l *Log) due() error {
	switch {
	case l.size >= l.cfg.RotateBytes && l.first > 0:
		l.moving.Lock()
		defer l.moving.Unlock()
		if err := l.rotate(); err != nil {
			return err
		}
		l.signNext = false
	case l.signNext, l.head.Seq-l.signed >= chain.Interval:
		l.signNext = true
		if err := l.sign(chain.Regular); err != nil {
			return err
		}
		l.signNext = false
	}
	if l.archive != "" {
		if err := l.finishRotation(l.archive); err != nil {
			return err
		}
		l.archive = ""
	}
	if l.lines == nil {
		return l.reopen()
	}
	return nil
}

// sign writes a checkpoint of the newest line.
func (l *Log) sign(kind chain.Kind) error {
	if l.signed == l.head.Seq && kind == chain.Regular {
		return nil
	}
	signed, err := chain.Checkpoint{Head: l.head, Time: l.now(), Kind: kind}.Sign(l.signer)
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.AuditSignBefore)
	if err := l.appendNote(chain.CheckpointsOf(l.cfg.File), signed); err != nil {
		return fmt.Errorf("write a checkpoint of the audit: %w", err)
	}
	failpoint.Hit(failpoint.AuditSigned)
	l.signed = l.head.Seq
	return nil
}

// appendNote appends to a file of checkpoints. When that does not go, the file is as it was before.
func (l *Log) appendNote(path string, signed []byte) error {
	f, err := l.open(path)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	_, err = f.Write(signed)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		err = errors.Join(err, f.Truncate(info.Size()))
	}
	return errors.Join(err, f.Close())
}
