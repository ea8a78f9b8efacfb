// Package audit writes down who changes what, and who is refused: a line before the effect, and one after it. What
// can't be written down is not done. The form of the file is that of libs/chain.
package audit

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
)

// Config says where an audit is kept.
type Config struct {
	File        string // the newest lines; older ones and checkpoints are beside it
	KeyFile     string // signs checkpoints; made when it is missing
	RotateBytes int64  // at which size another file is begun
}

const (
	queueLength = 1024
	// maxKept bounds the lines that wait until they can be written: outcomes, and calls that are not refused.
	maxKept          = 1000
	checkpointPeriod = 10 * time.Minute
	retryPeriod      = time.Second
)

// file is an open file that grows at its end.
type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
	Stat() (os.FileInfo, error)
}

// Log is an audit that is open. Its methods may be called concurrently: what is written at the same time shares one
// fsync.
type Log struct {
	cfg      Config
	now      func() time.Time
	log      *slog.Logger
	signer   note.Signer
	verifier note.Verifier
	key      string // of the verifier
	open     func(path string) (file, error)
	lock     io.Closer

	entries chan entry
	closing chan struct{}
	ended   chan struct{}
	changed chan struct{} // has something when the head has changed
	close   func() error

	moving sync.Mutex // of the names of files: held while they change, and while they are opened by name

	mu   sync.Mutex // of what others than the writer look at
	head chain.Head
	bad  error // why nothing can be written

	writer
}

// writer is what the writing goroutine alone has.
type writer struct {
	lines    file        // nil when it has to be opened anew
	known    os.FileInfo // of the file, as it was opened last
	size     int64
	first    int64  // number of the first line of the file
	signed   int64  // number of the last line that was signed
	signNext bool   // a checkpoint is due
	archive  string // the file that was put aside last, while something is to be done about it
	kept     []entry
	lost     int // of those that were to be kept
}

type entry struct {
	line chain.Line
	keep bool // also when it can't be written now
	done chan<- result
}

type result struct {
	head chain.Head
	err  error
}

// Open opens an audit, makes it where there is none, and mends what a crash has left: a line that was cut off is put
// aside, and calls of which nobody wrote what became of them are said to be interrupted.
func Open(cfg Config, now func() time.Time, log *slog.Logger) (*Log, error) {
	return openWith(cfg, now, log, openFile)
}

func openWith(
	cfg Config, now func() time.Time, log *slog.Logger, open func(string) (file, error),
) (*Log, error) {
	if err := os.MkdirAll(filepath.Dir(cfg.File), 0o700); err != nil {
		return nil, unusable(cfg.File, err)
	}
	lock, err := claim(cfg.File)
	if err != nil {
		return nil, err
	}
	l := &Log{
		cfg: cfg, now: now, log: log, open: open, lock: lock,
		entries: make(chan entry, queueLength), closing: make(chan struct{}), ended: make(chan struct{}),
		changed: make(chan struct{}, 1),
	}
	if l.signer, l.verifier, l.key, err = loadKey(cfg.KeyFile); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := l.recover(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	l.close = sync.OnceValue(l.end)
	go l.write()
	return l, nil
}

// openFile opens a file whose end is written.
func openFile(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
}

// claim keeps other processes from the file, until it is closed or the process ends.
func claim(path string) (io.Closer, error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unusable(path, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(errs.New(errs.FolderInUse, "Another bridge writes the audit %s.", path).
			WithRemedy("Stop it, or give this one an audit_file of its own."), lock.Close())
	}
	return lock, nil
}

func unusable(path string, cause error) error {
	return errs.New(errs.ConfigurationInvalid, "audit_file: %s can't be written.", path).WithCause(cause).
		WithRemedy("Name a file in a folder that the bridge can write to.")
}

// errClosed says that the audit is not open any more.
var errClosed = errors.New("the audit is closed")

// Append writes a line, and returns its head when it is on the disk. FGD_5031 when it can't be written; then nothing
// of it is in the file.
func (l *Log) Append(line chain.Line) (chain.Head, error) { return l.append(line, false) }

// Keep is Append for a line that is written later when it can't be now.
func (l *Log) Keep(line chain.Line) (chain.Head, error) { return l.append(line, true) }

func (l *Log) append(line chain.Line, keep bool) (chain.Head, error) {
	done := make(chan result, 1)
	select {
	case l.entries <- entry{line, keep, done}:
	case <-l.closing:
		return chain.Head{}, unwritable(errClosed)
	}
	select {
	case r := <-done:
		return r.head, r.err
	case <-l.ended:
	}
	select {
	case r := <-done: // it was among the last ones
		return r.head, r.err
	default:
		return chain.Head{}, unwritable(errClosed)
	}
}

func unwritable(cause error) error {
	return errs.New(errs.AuditUnwritable, "The audit can't be written, and what is not in it is not done.").
		WithCause(cause)
}

// Head returns the newest line.
func (l *Log) Head() chain.Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// Changed has something when the head has changed since it was last looked at.
func (l *Log) Changed() <-chan struct{} { return l.changed }

// Check reports whether what is done can be written down.
func (l *Log) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad == nil {
		return nil
	}
	return errs.New(errs.AuditUnwritable, "The audit %s can't be written: nothing can be changed until it can.",
		l.cfg.File).WithCause(l.bad)
}

// Verifier returns the key that checkpoints are held against, and its name for people.
func (l *Log) Verifier() (verifier note.Verifier, key string) { return l.verifier, l.key }

// Close signs the last line, and closes the files.
func (l *Log) Close() error { return l.close() }

func (l *Log) end() error {
	close(l.closing)
	<-l.ended
	var err error
	if l.lines != nil {
		err = l.lines.Close()
	}
	if err := errors.Join(err, l.lock.Close()); err != nil {
		return fmt.Errorf("close the audit: %w", err)
	}
	return nil
}
