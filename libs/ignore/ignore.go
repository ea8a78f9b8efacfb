// Package ignore reads .fgdignore files: the syntax and the meaning of gitignore, for one file at the root of a fabric
// directory. A path whose parent folder is ignored can't be taken back by a later line, as in Git. POSIX classes such
// as [[:alpha:]] are not known; a line that is no valid pattern matches nothing, and never fails the file.
package ignore

import (
	"bytes"
	"path"
	"strings"
)

// MaxBytes is how large a file may be to be read; a larger one counts as absent.
const MaxBytes = 1 << 20

// MaxLines bounds how many lines count; what stands after them is ignored.
const MaxLines = 10_000

const anyFolders = "**"

// Rules are the lines of a file. The zero value ignores nothing.
type Rules struct{ patterns []pattern }

type pattern struct {
	line        int // of the file, from 1
	segments    []string
	takesBack   bool
	foldersOnly bool
}

// Parse returns the rules of a file.
func Parse(content []byte) Rules {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	var rules Rules
	for i, line := range strings.Split(string(content), "\n") {
		if i == MaxLines {
			break
		}
		if p, ok := parseLine(line); ok {
			p.line = i + 1
			rules.patterns = append(rules.patterns, p)
		}
	}
	return rules
}

func parseLine(line string) (pattern, bool) {
	line = trimEnd(strings.TrimSuffix(line, "\r"))
	if line == "" || line[0] == '#' {
		return pattern{}, false
	}
	var p pattern
	if line[0] == '!' {
		p.takesBack, line = true, line[1:]
	}
	if strings.HasSuffix(line, "/") {
		p.foldersOnly, line = true, line[:len(line)-1]
	}
	anchored := strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return pattern{}, false
	}
	p.segments = strings.Split(strings.ReplaceAll(line, "[!", "[^"), "/")
	if !anchored {
		p.segments = []string{anyFolders, p.segments[0]}
	}
	return p, valid(p.segments)
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

func valid(segments []string) bool {
	for _, s := range segments {
		if _, err := path.Match(s, ""); err != nil {
			return false
		}
	}
	return true
}

// Match reports whether the file at a path is ignored, by itself or with a folder that holds it.
func (r Rules) Match(file string) bool { return r.Line(file) > 0 }

// Line returns the number of the line for which the file at a path is ignored, from 1; 0 when it is not ignored.
func (r Rules) Line(file string) int {
	if len(r.patterns) == 0 {
		return 0
	}
	segments := strings.Split(file, "/")
	for i := 1; i <= len(segments); i++ {
		if line := r.decide(segments[:i], i < len(segments)); line > 0 {
			return line
		}
	}
	return 0
}

// decide lets the last line that matches speak. It returns its number, or 0 when it takes back or there is none.
func (r Rules) decide(segments []string, folder bool) int {
	for i := len(r.patterns) - 1; i >= 0; i-- {
		p := r.patterns[i]
		if p.foldersOnly && !folder || !matchSegments(p.segments, segments) {
			continue
		}
		if p.takesBack {
			return 0
		}
		return p.line
	}
	return 0
}

// matchSegments matches folder by folder. It remembers only the last "**" it passed, which is enough because all else
// takes exactly one folder; so the time is bounded by the product of the lengths.
func matchSegments(want, have []string) bool {
	w, h, star, starAt := 0, 0, -1, 0
	for h < len(have) {
		switch {
		case w < len(want) && want[w] == anyFolders && w == len(want)-1 && w > 0:
			return true // "a/**": everything below, and something is there
		case w < len(want) && want[w] == anyFolders:
			star, starAt = w, h
			w++
		case w < len(want) && matchOne(want[w], have[h]):
			w++
			h++
		case star >= 0:
			starAt++
			w, h = star+1, starAt
		default:
			return false
		}
	}
	return w == len(want)
}

func matchOne(want, have string) bool {
	ok, err := path.Match(want, have)
	return err == nil && ok
}
