// Package keyfile reads files of keys, one a line in base 64, and makes those that are not there. The first key counts
// for what is new, all for what is there.
package keyfile

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
)

// keyBytes is how long a key is.
const keyBytes = 32

// File is a file of keys.
type File struct {
	Path    string
	Setting string // the key of the configuration that names it
	Comment string // the first line of a new one
}

// New returns a key that is lost with the process.
func New() ([]byte, error) {
	key := make([]byte, keyBytes)
	_, err := rand.Read(key)
	return key, err
}

// Make makes the file, with one key, when there is none.
func (f File) Make() error {
	_, err := os.Stat(f.Path)
	if !errors.Is(err, os.ErrNotExist) {
		return nil // what else may be the matter shows when it is read
	}
	if err := f.write(); err != nil {
		return f.unusable("can't be made").WithCause(err)
	}
	return nil
}

// Read returns the keys of the file, at least one; the error of a file that is not there is an os.ErrNotExist.
func (f File) Read() ([][]byte, error) {
	raw, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, f.unusable("can't be read").WithCause(err)
	}
	var keys [][]byte
	for line := range bytes.Lines(raw) {
		text := string(bytes.TrimSpace(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != keyBytes {
			return nil, f.unusable("holds a line that is not 32 bytes in base 64")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, f.unusable("holds no key")
	}
	return keys, nil
}

// write writes a whole file under another name first; the link fails when another process was faster, whose file then
// counts.
func (f File) write() (err error) {
	dir := filepath.Dir(f.Path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key, err := New()
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".keys-*") // 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	_, err = temp.WriteString("# " + f.Comment + "\n" + base64.StdEncoding.EncodeToString(key) + "\n")
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.KeysWritten)
	if err := os.Link(temp.Name(), f.Path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	failpoint.Hit(failpoint.KeysKept)
	return nil
}

func (f File) unusable(how string) *errs.Error {
	return errs.New(errs.ConfigurationInvalid, "%s: %s %s.", f.Setting, cmp.Or(f.Path, `""`), how).
		WithRemedy("Name a file of this process's own with 32 random bytes in base 64, as from: openssl rand -base64 32.")
}
