package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/ignore"
	"fgdsync.dev/libs/layout"
)

// looseFile is a file on this machine.
type looseFile struct {
	name        string // as it was given, or found
	inDirectory string // its path in the fabric directory; empty for one that is in none
}

// looseFiles returns the files named, and those of the folders named that a sync would say something of, by the fabric
// directory that they are in.
func looseFiles(paths []string) ([][]looseFile, error) {
	found, order := map[string][]looseFile{}, []string(nil)
	for _, path := range paths {
		root, files, err := filesAt(path)
		if err != nil {
			return nil, err
		}
		if len(found[root]) == 0 && len(files) > 0 {
			order = append(order, root)
		}
		found[root] = append(found[root], files...)
	}
	var groups [][]looseFile
	for _, root := range order {
		groups = append(groups, found[root])
	}
	return groups, nil
}

// filesAt returns the files of a path, and the fabric directory that they are in: that whose manifest is above or, for
// a folder without one that has raw/ or managed/, the folder itself. All else is in none.
func filesAt(path string) (root string, files []looseFile, err error) {
	if path == StandardInput {
		return "", []looseFile{{name: path}}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, unreadable(path, err)
	}
	from, err := filepath.Abs(path)
	if err == nil && info.IsDir() {
		from, err = filepath.EvalSymlinks(from)
	}
	if err != nil {
		return "", nil, unreadable(path, err)
	}
	if !info.IsDir() {
		root = fabricAbove(filepath.Dir(from))
		return root, []looseFile{{path, placeIn(root, from)}}, nil
	}
	known := true
	if root = fabricAbove(from); root == "" {
		root, known = from, hasParts(from)
	}
	files, err = filesBelow(root, path, from)
	for i := range files {
		if !known {
			files[i].inDirectory = ""
		}
	}
	var problem *ignore.Problem
	if errors.As(err, &problem) {
		return "", nil, exit.Misuse(errs.New(problem.Code, "Which files of %s are to be left alone is not known: %v.", path,
			problem))
	}
	if err != nil {
		return "", nil, unreadable(path, err)
	}
	return root, files, nil
}

// fabricAbove returns the fabric directory that a folder is or is in, as its manifest says; empty where there is none.
func fabricAbove(folder string) string {
	for {
		if _, err := os.Stat(filepath.Join(folder, filepath.FromSlash(layout.Manifest))); err == nil {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			return ""
		}
		folder = above
	}
}

// hasParts reports whether a folder looks like a fabric directory.
func hasParts(folder string) bool {
	for _, part := range []string{layout.Raw, layout.Managed} {
		if info, err := os.Stat(filepath.Join(folder, part)); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}

// placeIn returns the path of a file in a fabric directory. One that no sync reads there is judged as if it were in no
// directory, since somebody named it.
func placeIn(root, file string) string {
	if root == "" {
		return ""
	}
	inDirectory, err := filepath.Rel(root, file)
	if inDirectory = filepath.ToSlash(inDirectory); err != nil || !isJudged(inDirectory) {
		return ""
	}
	return inDirectory
}

// filesBelow returns the files of a folder of a fabric directory that a sync would say something of; of a folder in
// quarantine those that it could try again. The folder has a name that was given and one that is absolute.
func filesBelow(root, folder, from string) ([]looseFile, error) {
	rules, err := ignoreRules(root)
	if err != nil {
		return nil, err
	}
	ignored := rules.Matcher()
	var files []looseFile
	err = filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == from {
			return err
		}
		if strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		inDirectory, err := filepath.Rel(root, path)
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		file := looseFile{filepath.Join(folder, strings.TrimPrefix(path, from)), filepath.ToSlash(inDirectory)}
		taken, err := file.taken(from != root, ignored)
		if taken {
			files = append(files, file)
		}
		return err
	})
	return files, err
}

// taken reports whether a file is judged that was found in a directory, or in a part of it that was named.
func (f *looseFile) taken(part bool, ignored *ignore.Matcher) (bool, error) {
	if part && layout.Part(f.inDirectory) == layout.Unmanaged {
		taken := layout.IsYAML(f.inDirectory)
		f.inDirectory = ""
		return taken, nil
	}
	if !isJudged(f.inDirectory) {
		return false, nil
	}
	line, err := ignored.Line(f.inDirectory)
	read := layout.Part(f.inDirectory) == layout.Managed && !layout.StaysPut(f.inDirectory)
	return err == nil && (line == 0 || read), err
}

// isJudged reports whether a sync may have something to say of a file by its path in the fabric directory: not of what
// is in quarantine already, nor of what is none of YAML where that stays.
func isJudged(path string) bool {
	switch layout.Part(path) {
	case layout.Unmanaged, layout.Metadata:
		return false
	case layout.Raw, layout.Managed:
		return !layout.Hidden(path)
	}
	return !layout.StaysPut(path) || layout.IsKustomization(path) && !layout.Hidden(path)
}

// ignoreRules reads what the folder's own file says is left alone.
func ignoreRules(root string) (ignore.Rules, error) {
	name := filepath.Join(root, layout.Ignore)
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return ignore.Rules{}, nil
	}
	if err != nil {
		return ignore.Rules{}, err
	}
	entry := gittree.Entry{Path: layout.Ignore, Size: info.Size()}
	switch {
	case info.IsDir():
		entry.Path += "/"
	case !info.Mode().IsRegular():
		entry.Mode = gittree.Symlink
	}
	if rules, err := ignore.Of([]gittree.Entry{entry}, nil); err != nil {
		return rules, err
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return ignore.Rules{}, err
	}
	return ignore.Parse(content)
}
