package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// goneSuffix marks a store that is on its way out. The name of a store ends with a checksum.
const goneSuffix = ".gone"

// Sweep keeps the stores within their bounds. One that nobody has used for too long goes, then one that is too large by
// itself, and then those that were used longest ago until the others fit. One that is read or fetched into stays.
func (p *Pool) Sweep() error {
	p.sweeping.Lock()
	defer p.sweeping.Unlock()
	p.mu.Lock()
	err := p.begin()
	p.mu.Unlock()
	if err != nil {
		return err
	}
	return errors.Join(p.sweepOthers(), p.measure(), p.retire(), p.removeGone())
}

// sweepOthers takes away, once, what processes that have ended left in other slots.
func (p *Pool) sweepOthers() error {
	if p.alone {
		return nil
	}
	err := sweepFree(p.options.Dir)
	p.alone = err == nil
	return err
}

// measure looks how large the stores are that were used since the last time, and leaves a mark on the disk when that
// was.
func (p *Pool) measure() error {
	var err error
	for _, b := range p.due() {
		bytes, sizeErr := bytesIn(b.dir)
		p.mu.Lock()
		b.bytes = bytes
		used := b.used
		p.mu.Unlock()
		err = errors.Join(err, sizeErr, ignoreMissing(os.Chtimes(b.dir, time.Time{}, used)))
	}
	return err
}

func (p *Pool) due() []*repository {
	p.mu.Lock()
	defer p.mu.Unlock()
	var due []*repository
	for _, b := range p.stores {
		if b.changed || b.users > 0 {
			due, b.changed = append(due, b), false
		}
	}
	return due
}

func bytesIn(dir string) (int64, error) {
	var bytes int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return ignoreMissing(err)
		}
		info, err := entry.Info()
		if err == nil {
			bytes += info.Size()
		}
		return ignoreMissing(err)
	})
	if err != nil {
		return 0, fmt.Errorf("measure a store: %w", err)
	}
	return bytes, nil
}

// ignoreMissing is for files that go while they are looked at.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// retire puts stores aside. That is quick, so that nobody waits; taking them away is not.
func (p *Pool) retire() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var total int64
	for _, b := range p.stores {
		total += b.bytes
	}
	var err error
	now := p.options.Now()
	for _, name := range p.evictionOrder() {
		b := p.stores[name]
		if b.users > 0 || now.Sub(b.used) <= p.options.MaxAge && total <= p.options.MaxBytes {
			continue
		}
		if e := ignoreMissing(os.Rename(b.dir, b.dir+goneSuffix)); e != nil {
			err = errors.Join(err, e)
			continue
		}
		if b.current != nil { // nobody else has it, or is about to: there are no users
			err = errors.Join(err, p.idle.drop(b.current))
		}
		delete(p.stores, name)
		total -= b.bytes
	}
	p.options.Bytes.Set(float64(total))
	return err
}

// evictionOrder orders the stores: first those that are too large by themselves, then by when they were used.
func (p *Pool) evictionOrder() []string {
	excess := func(b *repository) int64 { return max(b.bytes-p.options.MaxBytes, 0) }
	return slices.SortedFunc(maps.Keys(p.stores), func(x, y string) int {
		a, b := p.stores[x], p.stores[y]
		return cmp.Or(-cmp.Compare(excess(a), excess(b)), a.used.Compare(b.used))
	})
}

func (p *Pool) removeGone() error {
	gone, err := filepath.Glob(filepath.Join(p.slot.dir, "*"+goneSuffix))
	for _, path := range gone {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}
