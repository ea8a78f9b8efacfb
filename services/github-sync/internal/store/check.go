package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
)

// littleSpace is what should be free on the disk: the largest answer of a host that is taken by default, and its index.
const littleSpace = 512 << 20

// Check reports whether what is fetched can be kept: the folder can be written, and its disk has room.
func (p *Pool) Check(context.Context) error {
	if err := tryWriting(p.options.Dir); err != nil {
		return errs.New(errs.StorageFailed, "Fetched repositories can't be kept in %s.", p.options.Dir).WithCause(err).
			WithRemedy("Make room on its disk, and let github-sync write to the folder; data_dir says where it is.").
			WithMeta("folder", p.options.Dir)
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(p.options.Dir, &disk); err != nil {
		return storageFailed(fmt.Errorf("look at the disk: %w", err))
	}
	return judgeSpace(p.options.Dir, disk.Bavail*uint64(disk.Bsize)) // another type elsewhere
}

// tryWriting writes a small file beside the stores' folder, where no sweep looks for stores, and takes it away again.
func tryWriting(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(dir), ".check-*")
	if err != nil {
		return err
	}
	_, err = file.WriteString("x")
	return errors.Join(err, file.Close(), os.Remove(file.Name()))
}

func judgeSpace(dir string, free uint64) error {
	if free >= littleSpace {
		return nil
	}
	return &health.Trouble{
		Status: health.Degraded, Reason: fmt.Sprintf("The disk of %s has %d MiB left.", dir, free>>20),
		Remedy:  "Make room on it, or lower store_max_bytes.",
		Details: map[string]string{"folder": dir, "free_bytes": strconv.FormatUint(free, 10)},
	}
}
