// Package contexts keeps which running systems a person works with, each by a name: config.yaml in the folder of fgd.
package contexts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"go.yaml.in/yaml/v3"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/home"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/nearest"
)

// Context is a running system, and how it is reached. A token is never a part of it, only the file that holds one.
type Context struct {
	Server    string `json:"server" yaml:"server"`
	CAFile    string `json:"ca_file" yaml:"ca_file,omitempty"`
	TokenFile string `json:"token_file" yaml:"token_file,omitempty"`
}

// All is all contexts of a person.
type All struct {
	Current  string             `json:"current_context" yaml:"current_context,omitempty"` // the name of one, or empty
	Contexts map[string]Context `json:"contexts" yaml:"contexts"`
}

// Names returns the names of all, in their order.
func (a *All) Names() []string { return slices.Sorted(maps.Keys(a.Contexts)) }

// Named returns a context, or an error that names the one that was perhaps meant.
func (a *All) Named(name string) (Context, error) {
	found, known := a.Contexts[name]
	if known {
		return found, nil
	}
	err := errs.New(errs.InvalidRequest, "There is no context %q.", name)
	switch meant := nearest.To(name, a.Names()); {
	case meant != "":
		err = err.WithRemedy("Perhaps %s is meant; fgd context list shows all.", meant)
	case len(a.Contexts) == 0:
		err = err.WithRemedy("Make it: fgd context set %s --server HOST:PORT.", name)
	default:
		err = err.WithRemedy("There are %s; fgd context set makes another.", strings.Join(a.Names(), ", "))
	}
	return Context{}, exit.Misuse(err)
}

// validName is what a name may be: it stands on command lines, and is one word there.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// CheckName refuses what can't be the name of a context.
func CheckName(name string) error {
	if validName.MatchString(name) {
		return nil
	}
	return exit.Misuse(errs.New(errs.InvalidRequest, "%q is no name of a context.", name).
		WithRemedy("Use letters, digits, dots, dashes and underscores, 63 at most."))
}

// Store keeps contexts in a file.
type Store struct{ file string }

// NewStore returns the store of whoever has an environment.
func NewStore(lookup func(string) (string, bool)) Store {
	folder := home.Folder(lookup)
	if folder == "" {
		return Store{}
	}
	return Store{filepath.Join(folder, "config.yaml")}
}

// Load reads all contexts; none where there is no file.
func (s Store) Load() (*All, error) {
	all := &All{Contexts: map[string]Context{}}
	if s.file == "" {
		return all, nil
	}
	raw, err := os.ReadFile(s.file)
	if errors.Is(err, os.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		decoder := yaml.NewDecoder(bytes.NewReader(raw))
		decoder.KnownFields(true) // above all no token
		if err = decoder.Decode(all); errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return nil, exit.Misuse(errs.New(errs.InvalidRequest, "The contexts in %s can't be read.", s.file).WithCause(err).
			WithRemedy("Mend the file, or remove it and set the contexts again with fgd context set."))
	}
	if all.Contexts == nil {
		all.Contexts = map[string]Context{}
	}
	return all, nil
}

// lockPoll is how often it is looked whether another command has written the file.
const lockPoll = 20 * time.Millisecond

// Change changes the contexts, one command at a time.
func (s Store) Change(ctx context.Context, change func(*All) error) (err error) {
	if s.file == "" {
		return errs.New(errs.FolderUnusable, "There is no folder to keep contexts in.").
			WithRemedy("Set HOME or XDG_CONFIG_HOME.")
	}
	if err := home.MakeFolder(filepath.Dir(s.file)); err != nil {
		return s.unusable(err)
	}
	lock := flock.New(s.file + ".lock")
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return s.unusable(err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	all, err := s.Load()
	if err != nil {
		return err
	}
	if err := change(all); err != nil {
		return err
	}
	raw, err := yaml.Marshal(all)
	if err != nil {
		return fmt.Errorf("write contexts: %w", err)
	}
	if err := home.Write(s.file, raw); err != nil {
		return s.unusable(err)
	}
	return nil
}

func (s Store) unusable(cause error) error {
	return errs.New(errs.FolderUnusable, "Contexts can't be kept in %s.", s.file).WithCause(cause)
}
