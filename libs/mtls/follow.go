package mtls

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"os"
	"sync"

	"fgdsync.dev/libs/errs"
)

// keyFile is a file, and the key of the configuration that names it.
type keyFile struct{ key, path string }

// unusable returns the error of a file that can't be used.
func (f keyFile) unusable(format string, args ...any) *errs.Error {
	e := errs.New(errs.ConfigurationInvalid, "%s: %s "+format, append([]any{f.key, f.path}, args...)...)
	return e.WithMeta("key", f.key).WithRemedy("Name a PEM file that it can read; fgd certs init makes all that services need.")
}

// followed is what some files hold. They are read again when it is asked for, so that what is new counts at once and
// without a restart. What can't be used leaves what was there before.
type followed[T any] struct {
	files []keyFile
	parse func(contents [][]byte) (T, error)
	log   *slog.Logger

	mu      sync.Mutex
	seen    [sha256.Size]byte // of the contents that were looked at last
	value   T
	problem error // of those contents
}

// follow reads files for the first time, when they have to be usable.
func follow[T any](log *slog.Logger, parse func([][]byte) (T, error), files ...keyFile) (*followed[T], error) {
	f := &followed[T]{files: files, parse: parse, log: log}
	contents, sum, err := readAll(files)
	if err != nil {
		return nil, err
	}
	f.seen = sum
	f.value, err = parse(contents)
	return f, err
}

// get returns what the files hold, or held when they were last usable; then with the error of what they hold now.
func (f *followed[T]) get() (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	contents, sum, err := readAll(f.files)
	if sum == f.seen {
		return f.value, f.problem
	}
	f.seen = sum
	var value T
	if err == nil {
		value, err = f.parse(contents)
	}
	f.problem = err
	if err != nil {
		f.log.WarnContext(context.Background(), "changed certificates can't be used, and the old ones stay",
			"error", err.Error(), "remedy", errs.From(err).RemedyText())
		return f.value, err
	}
	f.value = value
	f.log.InfoContext(context.Background(), "changed certificates were read", "file", f.files[0].path)
	return value, nil
}

// readAll returns what files hold and a digest of it, or of why one can't be read.
func readAll(files []keyFile) (contents [][]byte, sum [sha256.Size]byte, err error) {
	digest := sha256.New()
	for _, file := range files {
		content, err := os.ReadFile(file.path)
		if err != nil {
			return nil, sha256.Sum256([]byte(err.Error())), file.unusable("can't be read.").WithCause(err)
		}
		one := sha256.Sum256(content)
		digest.Write(one[:])
		contents = append(contents, content)
	}
	return contents, [sha256.Size]byte(digest.Sum(nil)), nil
}
