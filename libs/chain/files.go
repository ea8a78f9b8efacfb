package chain

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const (
	linesEnd       = ".jsonl"
	checkpointsEnd = ".checkpoints"
	numberDigits   = 19
)

// StemOf returns a path without the end that files of lines have.
func StemOf(path string) string { return strings.TrimSuffix(path, linesEnd) }

// CheckpointsOf returns where the checkpoints of a file are.
func CheckpointsOf(path string) string { return StemOf(path) + checkpointsEnd }

// ArchiveOf returns where a file goes that is not written any more, by the number of its first line.
func ArchiveOf(path string, first int64) string {
	return fmt.Sprintf("%s-%0*d%s", StemOf(path), numberDigits, first, linesEnd)
}

// Archives returns the files beside one that are not written any more, the oldest first.
func Archives(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, entry := range entries {
		number, is := strings.CutPrefix(entry.Name(), filepath.Base(StemOf(path))+"-")
		number, ends := strings.CutSuffix(number, linesEnd)
		if _, err := strconv.ParseInt(number, 10, 64); is && ends && err == nil && len(number) == numberDigits {
			found = append(found, filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
	slices.Sort(found)
	return found, nil
}

// ExamineFiles looks at a file and those beside it that came before. Without a key no checkpoint is looked at.
func ExamineFiles(path, key string) (Report, error) {
	var verifier note.Verifier
	if key != "" {
		var err error
		if verifier, err = note.NewVerifier(strings.TrimSpace(key)); err != nil {
			return Report{}, fmt.Errorf("read the key of checkpoints: %w", err)
		}
	}
	names, err := Archives(path)
	if err != nil {
		return Report{}, err
	}
	examination := NewExamination(verifier, 0, nil)
	for _, name := range append(names, path) {
		if err := examination.named(name); err != nil {
			return Report{}, err
		}
	}
	return examination.End(), nil
}

func (e *Examination) named(path string) error {
	lines, err := os.Open(path)
	if err != nil {
		return err
	}
	defer lines.Close()
	notes, err := os.ReadFile(CheckpointsOf(path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return e.File(filepath.Base(path), lines, notes)
}
