package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
)

// Part is a file of an audit that is open to be read, and its checkpoints.
type Part struct {
	Name        string
	Lines       *os.File
	Checkpoints []byte
}

// Parts are all files of an audit, the oldest first, and what was the head when they were opened.
type Parts struct {
	Files []Part
	Head  chain.Head
}

// Close closes the files.
func (p *Parts) Close() error {
	var err error
	for _, part := range p.Files {
		err = errors.Join(err, part.Lines.Close())
	}
	return err
}

// Parts opens all files. Whoever asks for them closes them.
func (l *Log) Parts() (*Parts, error) {
	l.moving.Lock()
	defer l.moving.Unlock()
	head := l.Head()
	names, err := chain.Archives(l.cfg.File)
	if err != nil {
		return nil, unreadable(err)
	}
	opened, err := OpenParts(append(names, l.cfg.File))
	if err != nil {
		return nil, unreadable(err)
	}
	opened.Head = head
	return opened, nil
}

func unreadable(cause error) error {
	return errs.New(errs.StorageFailed, "The audit can't be read.").WithCause(cause).
		WithRemedy("Let the bridge read the folder of audit_file.")
}

// OpenParts opens files of an audit that are there.
func OpenParts(names []string) (*Parts, error) {
	parts := &Parts{}
	for _, name := range names {
		lines, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, parts.Close())
		}
		notes, err := os.ReadFile(chain.CheckpointsOf(name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(err, lines.Close(), parts.Close())
		}
		parts.Files = append(parts.Files, Part{filepath.Base(name), lines, notes})
	}
	return parts, nil
}

// readAt is how much of a file is read at once, from its end.
const readAt = 256 << 10

// Newest calls with the lines before a number, the newest first, until there are none or the call returns false. Lines
// that can't be read are passed over: verifying is what finds them.
func (p *Parts) Newest(ctx context.Context, before int64, visit func(chain.Line) bool) error {
	for i := len(p.Files) - 1; i >= 0; i-- {
		more, err := p.Files[i].newest(ctx, before, visit)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (p *Part) newest(ctx context.Context, before int64, visit func(chain.Line) bool) (more bool, err error) {
	info, err := p.Lines.Stat()
	if err != nil {
		return false, unreadable(err)
	}
	var rest []byte // the beginning of a line whose end was read
	for end := info.Size(); end > 0; {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		begin := max(0, end-readAt)
		piece := make([]byte, end-begin, end-begin+int64(len(rest)))
		if _, err := p.Lines.ReadAt(piece, begin); err != nil && !errors.Is(err, io.EOF) {
			return false, unreadable(err)
		}
		piece = append(piece, rest...)
		end, rest = begin, nil
		if begin > 0 {
			cut := bytes.IndexByte(piece, '\n')
			if cut < 0 { // longer than any line is
				continue
			}
			piece, rest = piece[cut+1:], piece[:cut+1]
		}
		if !visitBackwards(piece, before, visit) {
			return false, nil
		}
	}
	return true, nil
}

func visitBackwards(piece []byte, before int64, visit func(chain.Line) bool) bool {
	for len(piece) > 0 {
		piece = bytes.TrimSuffix(piece, []byte("\n"))
		cut := bytes.LastIndexByte(piece, '\n')
		line := chain.Line{}
		raw := piece[cut+1:]
		piece = piece[:cut+1]
		if seqOf(raw) >= before || json.Unmarshal(raw, &line) != nil {
			continue
		}
		if !visit(line) {
			return false
		}
	}
	return true
}

// seqOf returns the number of a line without reading all of it; 0 when it is not where it should be.
func seqOf(raw []byte) int64 {
	const head = len(`{"log":"0123456789abcdef","seq":`)
	if len(raw) <= head {
		return 0
	}
	seq := int64(0)
	for _, c := range raw[head:] {
		if c < '0' || c > '9' {
			break
		}
		seq = seq*10 + int64(c-'0')
	}
	return seq
}

// Oldest calls with each line as it stands, with its end, the oldest first, up to the head.
func (p *Parts) Oldest(ctx context.Context, visit func(raw []byte) error) error {
	for _, part := range p.Files {
		err := chain.Lines(part.Lines, func(raw []byte) error {
			if seqOf(raw) > p.Head.Seq {
				return io.EOF
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return visit(raw)
		})
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

// Verify looks for what is wrong with the audit, also against what witnesses saw of it.
func (l *Log) Verify(witnesses []chain.Witness) (report chain.Report, err error) {
	parts, err := l.Parts()
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, parts.Close()) }()
	examination := chain.NewExamination(l.verifier, parts.Head.Seq, witnesses)
	for _, part := range parts.Files {
		if err := examination.File(part.Name, part.Lines, part.Checkpoints); err != nil {
			return report, unreadable(fmt.Errorf("verify: %w", err))
		}
	}
	return examination.End(), nil
}
