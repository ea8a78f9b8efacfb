package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const lockSuffix = ".lock"

// slot is the part of the folder that one process has. The lock beside it goes with the process, however that ends.
type slot struct {
	dir  string
	lock *flock.Flock
}

// takeSlot takes the first slot that is free, with what is in it.
func takeSlot(dir string) (*slot, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of stores: %w", err)
	}
	var taken *slot
	for number := 1; taken == nil; number++ {
		var err error
		if taken, err = tryLock(filepath.Join(dir, strconv.Itoa(number))); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(taken.dir, 0o700); err != nil {
		return nil, errors.Join(err, taken.release())
	}
	return taken, nil
}

// tryLock returns nil for a slot that another process has.
func tryLock(dir string) (*slot, error) {
	lock := flock.New(dir + lockSuffix)
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock a folder of stores: %w", errors.Join(err, lock.Close()))
	}
	if !locked {
		return nil, lock.Close()
	}
	return &slot{dir: dir, lock: lock}, nil
}

func (s *slot) release() error { return s.lock.Close() }

// sweepFree takes away what is in slots that no process has. The files that are locked stay: one that is taken away
// while another process opens it would lock nothing.
func sweepFree(dir string) error {
	locks, err := filepath.Glob(filepath.Join(dir, "*"+lockSuffix))
	for _, path := range locks {
		free, lockErr := tryLock(strings.TrimSuffix(path, lockSuffix))
		err = errors.Join(err, lockErr)
		if free != nil {
			err = errors.Join(err, os.RemoveAll(free.dir), free.release())
		}
	}
	return err
}

// stores finds what an earlier process left in the slot, and when it was used.
func (s *slot) stores() (map[string]time.Time, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list stores: %w", err)
	}
	left := map[string]time.Time{}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), goneSuffix) {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("list stores: %w", err)
		}
		left[entry.Name()] = info.ModTime()
	}
	return left, nil
}
