package local

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"fgdsync.dev/libs/errs"
)

// claim makes a data folder that of this process, until it is released or the process ends. The file says which process
// has it.
func claim(folder string) (release func() error, err error) {
	path := filepath.Join(folder, "up.pid")
	lock := flock.New(path)
	mine, err := lock.TryLock()
	if err != nil {
		return nil, errs.New(errs.FolderUnusable, "The folder %s can't be claimed.", folder).WithCause(err)
	}
	if !mine {
		return nil, inUse(folder, path)
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return nil, errors.Join(errs.New(errs.FolderUnusable, "The folder %s can't be written.", folder).WithCause(err),
			lock.Unlock())
	}
	return lock.Unlock, nil
}

func inUse(folder, path string) error {
	who := "Another fgd up"
	if content, err := os.ReadFile(path); err == nil {
		if pid := strings.TrimSpace(string(content)); pid != "" {
			who += " (process " + pid + ")"
		}
	}
	return errs.New(errs.FolderInUse, "%s works in the folder %s.", who, folder)
}
