// Package home is the folder in which fgd keeps what belongs to the person who calls it: contexts and logins.
package home

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Folder returns the folder of whoever has an environment: fgd in XDG_CONFIG_HOME, else in .config of HOME; empty where
// neither is known.
func Folder(lookup func(string) (string, bool)) string {
	base, _ := lookup("XDG_CONFIG_HOME")
	if !filepath.IsAbs(base) { // as the specification has it
		home, _ := lookup("HOME")
		if !filepath.IsAbs(home) {
			return ""
		}
		base = filepath.Join(home, ".config")
	}
	return filepath.Join(base, "fgd")
}

// MakeFolder makes a folder for its owner alone, where there is none.
func MakeFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make the folder %s: %w", path, err)
	}
	return nil
}

// Write puts a file in the place of the one that was there, whole or not at all. Its owner alone can read it, and its
// folder, which is made.
func Write(path string, content []byte) error {
	if err := MakeFolder(filepath.Dir(path)); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = temp.Write(content)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(temp.Name()))
	}
	return nil
}
