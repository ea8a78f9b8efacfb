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
	file     *os.File
	entries  []entry
	budget   *budget
	buffered *bufio.Reader
	inflater inflater
	delta    *bufio.Reader
	id       *identifier

	byOffset map[int64][]int         // deltas by the offset of their base
	byID     map[plumbing.Hash][]int // deltas by the id of their base
	open     int                     // deltas not yet resolved
	end      int64                   // of the objects, where more can be added
}

// branch is an object on the way from a base to the deltas above it.
type branch struct {
	kind    plumbing.ObjectType
	content *content
	deltas  []int // still to do
}

func newResolver(file *os.File, folder string, entries []entry) *resolver {
	r := &resolver{
		file: file, entries: entries, budget: &budget{left: memoryBudget, folder: folder},
		buffered: bufio.NewReaderSize(nil, bufferSize),
		delta:    bufio.NewReader(nil), id: newIdentifier(), byOffset: map[int64][]int{}, byID: map[plumbing.Hash][]int{},
	}
	for i := range entries {
		switch entries[i].kind {
		case plumbing.OFSDeltaObject:
			r.byOffset[entries[i].base] = append(r.byOffset[entries[i].base], i)
			r.open++
		case plumbing.REFDeltaObject:
			r.byID[entries[i].ref] = append(r.byID[entries[i].ref], i)
			r.open++
		}
	}
	return r
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

// deltasOf takes out the deltas of an object. Each is taken once, also when the pack has its base twice.
func (r *resolver) deltasOf(e *entry) []int {
	deltas := append(r.byOffset[e.offset], r.byID[e.id]...)
	delete(r.byOffset, e.offset)
	delete(r.byID, e.id)
	return deltas
}

// grow resolves all that is made of an object, directly or not.
func (r *resolver) grow(ctx context.Context, root *entry) (err error) {
	deltas := r.deltasOf(root)
	if len(deltas) == 0 {
		return nil
	}
	base, err := r.read(root)
	if err != nil {
		return err
	}
	path := []branch{{root.kind, base, deltas}}
	defer func() {
		for _, b := range path {
			err = errors.Join(err, b.content.close())
		}
	}()
	for len(path) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		top := &path[len(path)-1]
		if len(top.deltas) == 0 {
			path = path[:len(path)-1]
			if err := top.content.close(); err != nil {
				return err
			}
			continue
		}
		e := &r.entries[top.deltas[0]]
		top.deltas = top.deltas[1:]
		above, err := r.apply(e, top)
		if err != nil {
			return err
		}
		if above != nil {
			path = append(path, *above)
		}
	}
	return nil
}

// read returns the content of an object that is no delta.
func (r *resolver) read(e *entry) (*content, error) {
	c, err := r.budget.make(e.size)
	if err != nil {
		return nil, fmt.Errorf("hold an object: %w", err)
	}
	if err := r.skipTo(e); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if err := r.inflater.inflate(c, r.buffered, e.size); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// skipTo goes to where the deflated content of an object begins.
func (r *resolver) skipTo(e *entry) error {
	r.buffered.Reset(io.NewSectionReader(r.file, e.offset, math.MaxInt64-e.offset))
	_, err := readEntry(r.buffered, e.offset)
	return err
}

// apply resolves a delta, and returns its content when more are made of it.
func (r *resolver) apply(e *entry, base *branch) (*branch, error) {
	if err := r.skipTo(e); err != nil {
		return nil, err
	}
	inflated, err := r.inflater.open(r.buffered)
	if err != nil {
		return nil, unreadable(err)
	}
	r.delta.Reset(inflated)
	size, err := readSizes(r.delta, base.content.size)
	if err != nil {
		return nil, err
	}
	r.id.begin(base.kind, size)
	var to io.Writer = r.id
	var made *content
	if len(r.byOffset[e.offset]) > 0 || len(r.byID) > 0 {
		if made, err = r.budget.make(size); err != nil {
			return nil, fmt.Errorf("hold an object: %w", err)
		}
		to = io.MultiWriter(r.id, made)
	}
	if err := patch(to, r.delta, base.content, size, r.inflater.buffer); err != nil {
		return nil, errors.Join(err, closed(made))
	}
	e.id = r.id.sum()
	r.open--
	if made == nil {
		return nil, nil
	}
	if deltas := r.deltasOf(e); len(deltas) > 0 {
		return &branch{base.kind, made, deltas}, nil
	}
	return nil, made.close()
}

func closed(c *content) error {
	if c == nil {
		return nil
	}
	return c.close()
}
