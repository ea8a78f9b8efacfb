package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"fgdsync.dev/libs/chain"
)

// found is what a file has.
type found struct {
	first, last chain.Head
	good        int64 // bytes until the end of the last line that is one
	size        int64
	broken      bool // a line does not follow the one before it
}

// calls are those of which it is not said what became of them, by their ids.
type calls map[string]chain.Line

// scan reads a file from its beginning to its end.
func scan(path string, open calls) (*found, error) {
	f := &found{}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := bufio.NewReaderSize(file, chain.MaxLine)
	for {
		raw, err := reader.ReadBytes('\n')
		f.size += int64(len(raw))
		whole := bytes.HasSuffix(raw, []byte("\n"))
		if line, bad := chain.Parse(bytes.TrimSuffix(raw, []byte("\n"))); whole && bad == nil {
			f.take(line)
			open.take(line)
			f.good = f.size
		}
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (f *found) take(line chain.Line) {
	if f.first.Seq == 0 {
		f.first = line.Head()
	}
	if f.last.Seq != 0 && (line.Prev != f.last.Hash || line.Seq != f.last.Seq+1) {
		f.broken = true
	}
	f.last = line.Head()
}

func (c calls) take(line chain.Line) {
	switch line.Stage {
	case chain.Requested:
		c[line.ID] = line
	case chain.Completed, chain.Interrupted:
		delete(c, line.ID)
	case chain.Denied, chain.Recovered:
	}
}

// recover finds the end of the audit, mends it, and opens the file.
func (l *Log) recover() error {
	old, err := chain.Archives(l.cfg.File)
	if err != nil {
		return unusable(l.cfg.File, err)
	}
	before, open := &found{}, calls{}
	if len(old) > 0 {
		if before, err = scan(old[len(old)-1], open); err != nil {
			return unusable(l.cfg.File, err)
		}
	}
	current, err := scan(l.cfg.File, open)
	if err != nil {
		return unusable(l.cfg.File, err)
	}
	l.head = cmp.Or(current.last, before.last)
	if l.head.Seq == 0 {
		l.head = chain.Head{Log: newName(), Hash: chain.Origin}
	}
	if before.broken || current.broken {
		l.log.Error("the audit was changed: its lines do not follow each other", "file", l.cfg.File)
	}
	if err := l.recoverNotes(old, current); err != nil {
		return unusable(l.cfg.File, err)
	}
	return l.mend(current, open)
}

// newID returns what joins the lines of a call.
func newID() string { return rand.Text() }

// newName returns the name of a new log.
func newName() string {
	raw := make([]byte, 8)
	_, _ = rand.Read(raw) // it never fails
	return hex.EncodeToString(raw)
}

// recoverNotes finds the last checkpoint, and ends a rotation that did not come to its end.
func (l *Log) recoverNotes(old []string, current *found) error {
	path := chain.CheckpointsOf(l.cfg.File)
	if len(old) > 0 && current.last.Seq == 0 {
		l.signed = l.head.Seq
		if err := l.finishRotation(old[len(old)-1]); err != nil {
			return err
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	rest := raw
	for {
		signed, after := chain.NextNote(rest)
		if signed == nil {
			break
		}
		if c, err := chain.OpenNote(signed, l.verifier); err == nil {
			l.signed = max(l.signed, c.Seq)
		}
		rest = after
	}
	if len(rest) > 0 {
		l.log.Warn("a checkpoint of the audit was cut off, and is left out", "file", path, "bytes", len(rest))
		if err := os.Truncate(path, int64(len(raw)-len(rest))); err != nil {
			return err
		}
	}
	l.signed = min(l.signed, l.head.Seq)
	return nil
}

// mend opens the file, and writes what nobody could write any more.
func (l *Log) mend(current *found, open calls) error {
	lines := l.interrupted(open)
	if current.size > current.good {
		line, err := l.putAside(current)
		if err != nil {
			return unusable(l.cfg.File, err)
		}
		lines = append([]chain.Line{line}, lines...)
	}
	l.first, l.size = current.first.Seq, current.good
	if err := l.reopen(); err != nil {
		return unusable(l.cfg.File, err)
	}
	for batch := range slices.Chunk(lines, chain.MaxBatch) {
		entries := make([]entry, len(batch))
		for i, line := range batch {
			entries[i] = entry{line: line, done: make(chan result, 1)}
		}
		err := l.store(entries)
		if err == nil {
			err = l.due()
		}
		if err != nil {
			return unusable(l.cfg.File, err)
		}
	}
	return nil
}

// interrupted returns the lines that end calls of which nobody wrote what became of them.
func (l *Log) interrupted(open calls) []chain.Line {
	lines := slices.SortedFunc(maps.Values(open), func(a, b chain.Line) int { return cmp.Compare(a.Seq, b.Seq) })
	for i := range lines {
		lines[i].Stage, lines[i].Time, lines[i].Code = chain.Interrupted, l.now(), ""
		lines[i].Message = "The bridge ended before it was known what came of it."
	}
	return lines
}

// putAside moves what follows the last line into another file, and returns the line that tells of it.
func (l *Log) putAside(f *found) (chain.Line, error) {
	file, err := os.OpenFile(l.cfg.File, os.O_RDWR, 0)
	if err != nil {
		return chain.Line{}, err
	}
	defer file.Close()
	aside := fmt.Sprintf("%s-after-%d-%s.torn", chain.StemOf(l.cfg.File), l.head.Seq, l.now().UTC().Format("20060102T150405.000"))
	torn, err := io.ReadAll(io.NewSectionReader(file, f.good, f.size-f.good))
	if err != nil {
		return chain.Line{}, err
	}
	if err := writePrivately(aside, string(torn)); err != nil {
		return chain.Line{}, err
	}
	if err := errors.Join(file.Truncate(f.good), file.Sync()); err != nil {
		return chain.Line{}, err
	}
	l.log.Warn("the end of the audit was damaged, and is put aside", "file", aside, "bytes", len(torn))
	return chain.Line{
		ID: newID(), Stage: chain.Recovered, Time: l.now(), Action: "audit",
		Message: fmt.Sprintf("%d bytes after line %d were no line, and are in %s.", len(torn), l.head.Seq,
			filepath.Base(aside)),
	}, nil
}

// reopen opens the file that lines are written to. When it is the one that was written before, it ends where that was
// known to be good.
func (l *Log) reopen() error {
	opened, err := l.open(l.cfg.File)
	if err != nil {
		return fmt.Errorf("open the audit: %w", err)
	}
	info, err := opened.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("open the audit: %w", err), opened.Close())
	}
	if l.known != nil && !os.SameFile(l.known, info) {
		err = l.adopt(info.Size())
	} else if info.Size() > l.size {
		err = opened.Truncate(l.size)
	}
	if err == nil && info.Size() == 0 {
		err = syncFolder(filepath.Dir(l.cfg.File)) // that it is there
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open the audit: %w", err), opened.Close())
	}
	l.lines, l.known = opened, info
	return nil
}

// adopt goes on in a file that others have put in the place of the own one. What they did is found when the audit is
// verified.
func (l *Log) adopt(size int64) error {
	l.size, l.first = size, 0
	if size == 0 {
		return nil
	}
	there, err := scan(l.cfg.File, calls{})
	if err != nil {
		return err
	}
	if there.size > there.good {
		_, err = l.putAside(there)
	}
	l.size, l.first = there.good, there.first.Seq
	return err
}
