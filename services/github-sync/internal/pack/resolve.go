package pack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

// resolver finds out which objects the deltas of a pack are. It goes from bases to what is made of them, deep before
// wide, so that few contents are held at a time.
type resolver struct {
	*contents
	file     *os.File
	budget   *budget
	quota    *quota
	section  *io.SectionReader // of the file
	buffered *bufio.Reader
	inflater inflater
	delta    *bufio.Reader
	id       *identifier
	made     *bufio.Writer // brings together what a delta makes of small parts

	open int   // deltas not yet resolved
	end  int64 // of the objects, where more can be added
}

// branch is an object on the way from a base to the deltas above it.
type branch struct {
	kind    plumbing.ObjectType
	content *content
	deltas  []int32 // still to do
}

func newResolver(file *os.File, folder string, found *contents, quota *quota) *resolver {
	found.sort()
	return &resolver{
		contents: found, file: file, budget: &budget{left: memoryBudget, folder: folder}, quota: quota,
		section: io.NewSectionReader(file, 0, math.MaxInt64), buffered: bufio.NewReader(nil), delta: bufio.NewReader(nil),
		id:   newIdentifier(),
		made: bufio.NewWriterSize(nil, bufferSize), open: len(found.byOffset) + len(found.byID),
	}
}

// resolve resolves all deltas whose bases the pack has.
func (r *resolver) resolve(ctx context.Context) error {
	for i := 0; i < len(r.entries) && r.open > 0; i++ {
		if e := &r.entries[i]; !e.isDelta() {
			if err := r.grow(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// grow resolves all that is made of an object, directly or not.
func (r *resolver) grow(ctx context.Context, root *entry) error {
	deltas := r.take(root)
	if len(deltas) == 0 {
		return nil
	}
	base, err := r.read(root)
	if err != nil {
		return err
	}
	path := []branch{{root.kind, base, deltas}}
	for len(path) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		top := &path[len(path)-1]
		if len(top.deltas) == 0 {
			path = path[:len(path)-1]
			top.content.close()
			continue
		}
		e := &r.entries[top.deltas[0]]
		top.deltas = top.deltas[1:]
		above, err := r.apply(e, top)
		if err != nil {
			return err
		}
		if above == nil {
			continue
		}
		if path = append(path, *above); len(path) > mostDeep {
			return tooLaborious("its deltas are made of each other more than %d deep", mostDeep)
		}
	}
	return nil
}

// read returns the content of an object that is no delta.
func (r *resolver) read(e *entry) (*content, error) {
	h, err := r.skipTo(e)
	if err != nil {
		return nil, err
	}
	c, err := r.budget.make(h.size)
	if err != nil {
		return nil, fmt.Errorf("hold an object: %w", err)
	}
	return c, r.inflater.inflate(c, r.buffered, h.size)
}

// skipTo goes to where the deflated content of an object begins. Most stand behind the one that was read before.
func (r *resolver) skipTo(e *entry) (head, error) {
	at, err := r.section.Seek(0, io.SeekCurrent)
	if err != nil {
		return head{}, fmt.Errorf("read pack: %w", err)
	}
	ahead := e.offset - (at - int64(r.buffered.Buffered()))
	if ahead >= 0 && ahead <= int64(r.buffered.Buffered()) {
		_, err = r.buffered.Discard(int(ahead))
	} else {
		_, err = r.section.Seek(e.offset, io.SeekStart)
		r.buffered.Reset(r.section)
	}
	if err != nil {
		return head{}, fmt.Errorf("read pack: %w", err)
	}
	return readEntry(r.buffered, e.offset)
}

// apply resolves a delta, and returns its content when more are made of it.
func (r *resolver) apply(e *entry, base *branch) (*branch, error) {
	if _, err := r.skipTo(e); err != nil {
		return nil, err
	}
	inflated, err := r.inflater.open(r.buffered)
	if err != nil {
		return nil, unreadable(err)
	}
	r.delta.Reset(inflated)
	size, err := readSizes(r.delta, base.content.size)
	if err == nil {
		err = r.quota.inflate(size)
	}
	if err != nil {
		return nil, err
	}
	made, err := r.patch(e, base, size)
	if err != nil || made == nil {
		return nil, err
	}
	if deltas := r.take(e); len(deltas) > 0 {
		return &branch{base.kind, made, deltas}, nil
	}
	made.close()
	return nil, nil
}

// patch makes an object of so many bytes, of which it holds the content if more may be made of it.
func (r *resolver) patch(e *entry, base *branch, size int64) (made *content, err error) {
	r.id.begin(base.kind, size)
	var to io.Writer = r.id
	if len(r.at(e.offset)) > 0 || r.waiting > 0 {
		if made, err = r.budget.make(size); err != nil {
			return nil, fmt.Errorf("hold an object: %w", err)
		}
		to = io.MultiWriter(r.id, made)
	}
	r.made.Reset(to)
	p := patcher{r.made, r.delta, base.content, r.quota, size, r.inflater.buffer}
	if err := errors.Join(p.patch(), r.made.Flush()); err != nil {
		return nil, err
	}
	e.id = r.id.sum()
	r.open--
	return made, nil
}
