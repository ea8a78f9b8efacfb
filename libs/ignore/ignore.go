// Package ignore reads .fgdignore files: the syntax and the meaning of gitignore, for one file at the root of a fabric
// directory. A path whose parent folder is ignored can't be taken back by a later line, as in Git.
//
// What a file protects is moved when a line of it is passed over. So a file is obeyed in full, or it is a Problem, and
// the matching has a budget: none of the libraries for gitignore counts its steps, or can be stopped.
package ignore

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
)

// MaxBytes is how large a file may be.
const MaxBytes = 1 << 20

// MaxPatterns is how many lines may be patterns; comments and empty lines are free.
const MaxPatterns = 10_000

// maxLineBytes is how long a pattern may be; no path is longer.
const maxLineBytes = 4096

const anyFolders = "**"

// A Problem says why a file can't be obeyed in full.
type Problem struct {
	Code errs.Code
	Line int // from 1; 0 when it is the file as a whole
	Why  string
}

// Error says what is the matter with the file.
func (p *Problem) Error() string {
	if p.Line > 0 {
		return fmt.Sprintf("line %d of %s %s", p.Line, layout.Ignore, p.Why)
	}
	return fmt.Sprintf("%s %s", layout.Ignore, p.Why)
}

func unreadable(line int, format string, args ...any) *Problem {
	return &Problem{Code: errs.IgnoreUnreadable, Line: line, Why: fmt.Sprintf(format, args...)}
}

// Rules are the lines of a file. The zero value ignores nothing.
type Rules struct {
	patterns []pattern
	globs    []int // patterns with wildcards
	// literal has the last pattern that is a name or a path without wildcards, by that; paths begin with "/".
	literal map[literal]int
}

type literal struct {
	name   string
	folder bool
}

type pattern struct {
	line        int // of the file, from 1
	anchored    bool
	segments    []segment
	takesBack   bool
	foldersOnly bool
}

type segment struct {
	anyFolders bool
	glob
}

// Of returns the rules of a directory: its leaves, and the content of its file, which is nil when it could not be read.
// The error is a Problem.
func Of(entries []gittree.Entry, content []byte) (Rules, error) {
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Path, layout.Ignore+"/"):
			return Rules{}, unreadable(0, "is a folder")
		case e.Path != layout.Ignore:
		case !e.Mode.IsFile():
			return Rules{}, unreadable(0, "is a symbolic link or a submodule, which is not followed")
		case e.Size > MaxBytes:
			return Rules{}, tooLarge(e.Size)
		}
	}
	return Parse(content)
}

func tooLarge(size int64) *Problem {
	return unreadable(0, "has %d bytes; the limit is %d", size, MaxBytes)
}

// Parse returns the rules of a file. The error is a Problem.
func Parse(content []byte) (Rules, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	rules := Rules{literal: map[literal]int{}}
	if problem := notText(content); problem != nil {
		return Rules{}, problem
	}
	for i, line := range strings.Split(string(content), "\n") {
		p, ok, problem := parseLine(i+1, strings.TrimSuffix(line, "\r"))
		if problem != nil {
			return Rules{}, problem
		}
		if !ok {
			continue
		}
		if len(rules.patterns) == MaxPatterns {
			return Rules{}, unreadable(i+1, "is one pattern too many; the limit is %d", MaxPatterns)
		}
		rules.add(p)
	}
	return rules, nil
}

func notText(content []byte) *Problem {
	switch {
	case len(content) > MaxBytes:
		return tooLarge(int64(len(content)))
	case bytes.HasPrefix(content, []byte("version https://git-lfs.github.com/spec/")):
		return unreadable(0, "is a pointer of Git LFS; the file itself is elsewhere")
	case bytes.IndexByte(content, 0) >= 0:
		return unreadable(0, "is no UTF-8 text")
	}
	return nil
}

// parseLine reports whether a line is a pattern, and what it says.
func parseLine(number int, line string) (pattern, bool, *Problem) {
	if strings.Contains(line, "\r") {
		return pattern{}, false, unreadable(number, "has a carriage return in it; lines end with a line feed")
	}
	line = trimEnd(line)
	if line == "" || line[0] == '#' {
		return pattern{}, false, nil
	}
	if !utf8.ValidString(line) {
		return pattern{}, false, unreadable(number, "is no UTF-8 text")
	}
	if len(line) > maxLineBytes {
		return pattern{}, false, unreadable(number, "is longer than %d bytes", maxLineBytes)
	}
	p := pattern{line: number}
	if line[0] == '!' {
		p.takesBack, line = true, line[1:]
	}
	if strings.HasSuffix(line, "/") {
		p.foldersOnly, line = true, line[:len(line)-1]
	}
	p.anchored = strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return pattern{}, false, nil
	}
	for part := range strings.SplitSeq(line, "/") {
		compiled, err := compile(part)
		if err != nil {
			return pattern{}, false, unreadable(number, "can't be read: %v", err)
		}
		p.segments = append(p.segments, segment{anyFolders: part == anyFolders, glob: compiled})
	}
	return p, true, nil
}

// trimEnd drops trailing spaces, but not one that is escaped by a backslash.
func trimEnd(line string) string {
	trimmed := strings.TrimRight(line, " ")
	slashes := len(trimmed) - len(strings.TrimRight(trimmed, `\`))
	if slashes%2 == 1 && len(trimmed) < len(line) {
		trimmed += " "
	}
	return trimmed
}

func (r *Rules) add(p pattern) {
	number := len(r.patterns)
	r.patterns = append(r.patterns, p)
	name, ok := p.literal()
	if !ok {
		r.globs = append(r.globs, number)
		return
	}
	r.literal[literal{name, true}] = number
	if !p.foldersOnly {
		r.literal[literal{name, false}] = number
	}
}

// literal returns what a pattern without wildcards matches.
func (p pattern) literal() (string, bool) {
	var name strings.Builder
	for _, s := range p.segments {
		if p.anchored {
			name.WriteByte('/')
		}
		for _, t := range s.glob {
			if t.kind != one {
				return "", false
			}
			name.WriteRune(t.char)
		}
	}
	return name.String(), true
}

// Match reports whether the file at a path is ignored, by itself or with a folder that holds it. It asks for one file;
// for all files of a directory a Matcher does.
func (r Rules) Match(file string) (bool, error) {
	line, err := r.Matcher().Line(file)
	return line > 0, err
}

// lastLiteral returns the last pattern without wildcards that matches, or -1.
func (r Rules) lastLiteral(file string, folder bool) int {
	last := -1
	base := file[strings.LastIndexByte(file, '/')+1:]
	for _, name := range []string{"/" + file, base} {
		if number, there := r.literal[literal{name, folder}]; there {
			last = max(last, number)
		}
	}
	return last
}

// globsAfter returns the patterns with wildcards that stand after another one.
func (r Rules) globsAfter(number int) []int {
	first, _ := slices.BinarySearch(r.globs, number)
	return r.globs[first:]
}
