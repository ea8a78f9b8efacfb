// Package pack receives packs: it writes what comes to disk and makes the index, and holds no large object in memory on
// the way. What a pack claims is checked as it comes: sizes, checksums, and that deltas stay within their bases.
// Formats: gitformat-pack(5).
package pack

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
)

// ErrDamaged says that what came is no sound pack.
var ErrDamaged = errors.New("the pack is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

const fileMode = 0o444

// Folder is a folder of packs, as Git has it under objects/pack.
type Folder struct {
	Path string
	// Durable packs outlast a power cut. A cache need not have them.
	Durable bool
	// Bases, if set, has what thin packs build on. Without it they are refused.
	Bases Bases
	// Bounds, if set, bound what comes. What this process has made itself needs none.
	Bounds *Bounds
}

// Receive stores a pack that comes in. One without objects leaves nothing.
func (f Folder) Receive(ctx context.Context, from io.Reader) (err error) {
	if err := os.MkdirAll(f.Path, 0o755); err != nil { //nolint:gosec // as git makes it: the umask decides
		return fmt.Errorf("make folder of packs: %w", err)
	}
	file, err := os.CreateTemp(f.Path, "tmp_pack_*")
	if err != nil {
		return fmt.Errorf("store pack: %w", err)
	}
	defer func() {
		err = errors.Join(err, ignoreClosed(file.Close()), ignoreMissing(os.Remove(file.Name())))
	}()
	return f.receive(ctx, newSource(from, file), file)
}

func (f Folder) receive(ctx context.Context, from *source, file *os.File) error {
	count, err := readHeader(from)
	if err != nil {
		return err
	}
	release, err := f.Bounds.admit(ctx, count)
	if err != nil {
		return err
	}
	defer release()
	quota := f.Bounds.quota()
	found, err := scan(from, int(count), quota)
	if err != nil || len(found.entries) == 0 {
		return err
	}
	r := newResolver(file, f.Path, found, quota)
	if err := errors.Join(f.resolve(ctx, r), r.budget.close()); err != nil {
		return err
	}
	return f.keep(file, found.entries, found.checksum)
}

// resolve resolves all deltas of a pack, and adds the bases to it that only the receiver has.
func (f Folder) resolve(ctx context.Context, r *resolver) error {
	if r.open == 0 {
		return nil
	}
	release, err := f.Bounds.resolve(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := r.resolve(ctx); err != nil {
		return err
	}
	if r.open > 0 && f.Bases != nil {
		if r.end, err = r.file.Seek(-idSize, io.SeekEnd); err != nil {
			return fmt.Errorf("read pack: %w", err)
		}
		if err := r.complete(ctx, f.Bases); err != nil {
			return err
		}
		if r.checksum, err = r.seal(); err != nil {
			return err
		}
	}
	if r.open > 0 {
		return damaged("the bases of %d deltas are missing", r.open)
	}
	return nil
}

// keep returns the pack its name, after its index: whoever sees the pack finds the index too.
func (f Folder) keep(file *os.File, entries []entry, checksum plumbing.Hash) error {
	if err := f.finish(file); err != nil {
		return fmt.Errorf("store pack: %w", err)
	}
	name := filepath.Join(f.Path, "pack-"+hex.EncodeToString(checksum[:]))
	if err := f.writeIndex(name+".idx", entries, checksum); err != nil {
		return fmt.Errorf("store index of a pack: %w", err)
	}
	if err := os.Rename(file.Name(), name+".pack"); err != nil {
		return fmt.Errorf("store pack: %w", err)
	}
	if !f.Durable {
		return nil
	}
	return syncFolder(f.Path)
}

func (f Folder) writeIndex(name string, entries []entry, checksum plumbing.Hash) (err error) {
	file, err := os.CreateTemp(f.Path, "tmp_idx_*")
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, ignoreClosed(file.Close()), ignoreMissing(os.Remove(file.Name())))
	}()
	if err := writeIndex(file, entries, checksum); err != nil {
		return err
	}
	if err := f.finish(file); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// finish closes a file that is written.
func (f Folder) finish(file *os.File) error {
	if err := file.Chmod(fileMode); err != nil {
		return err
	}
	if f.Durable {
		if err := file.Sync(); err != nil {
			return err
		}
	}
	return file.Close()
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
