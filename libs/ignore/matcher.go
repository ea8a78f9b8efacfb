package ignore

import (
	"strings"

	"fgdsync.dev/libs/errs"
)

// maxSteps is what the matching of one directory may cost, in characters compared: hundreds of patterns with wildcards
// for 200,000 files.
const maxSteps = 1 << 26

// A Matcher applies rules to the files of one directory, within a budget. It is for one goroutine.
type Matcher struct {
	rules   Rules
	left    int            // steps
	cost    []int          // steps by pattern
	folders map[string]int // the line for which a folder is ignored, or 0
}

// Matcher returns one with the whole budget.
func (r Rules) Matcher() *Matcher {
	return &Matcher{rules: r, left: maxSteps, cost: make([]int, len(r.patterns)), folders: map[string]int{}}
}

// Line returns the number of the line for which the file at a path is ignored, from 1; 0 when it is not ignored. The
// error is a Problem: the budget is spent.
func (m *Matcher) Line(file string) (int, error) {
	if len(m.rules.patterns) == 0 {
		return 0, nil
	}
	for i := range len(file) {
		if file[i] != '/' {
			continue
		}
		if line, err := m.folder(file[:i]); line > 0 || err != nil {
			return line, err
		}
	}
	return m.decide(file, false)
}

func (m *Matcher) folder(path string) (int, error) {
	if line, known := m.folders[path]; known {
		return line, nil
	}
	line, err := m.decide(path, true)
	if err == nil {
		m.folders[path] = line
	}
	return line, err
}

// decide lets the last line that matches speak. It returns its number, or 0 when it takes back or there is none.
func (m *Matcher) decide(file string, folder bool) (int, error) {
	last := m.rules.lastLiteral(file, folder)
	globs := m.rules.globsAfter(last)
	if len(globs) > 0 {
		names := split(file)
		for i := len(globs) - 1; i >= 0; i-- {
			matches, err := m.matches(globs[i], names, folder)
			if err != nil {
				return 0, err
			}
			if matches {
				last = globs[i]
				break
			}
		}
	}
	if last < 0 || m.rules.patterns[last].takesBack {
		return 0, nil
	}
	return m.rules.patterns[last].line, nil
}

func split(file string) [][]rune {
	names := make([][]rune, 0, strings.Count(file, "/")+1)
	for name := range strings.SplitSeq(file, "/") {
		names = append(names, []rune(name))
	}
	return names
}

func (m *Matcher) matches(number int, names [][]rune, folder bool) (bool, error) {
	p := &m.rules.patterns[number]
	if p.foldersOnly && !folder {
		return false, nil
	}
	if !p.anchored {
		names = names[len(names)-1:]
	}
	steps := 0
	matches := matchSegments(p.segments, names, &steps)
	m.cost[number] += steps
	if m.left -= steps; m.left < 0 {
		return false, m.tooCostly()
	}
	return matches, nil
}

// tooCostly names the line that cost most.
func (m *Matcher) tooCostly() *Problem {
	most := 0
	for number, cost := range m.cost {
		if cost > m.cost[most] {
			most = number
		}
	}
	return &Problem{
		Code: errs.IgnoreTooCostly, Line: m.rules.patterns[most].line,
		Why: "costs most of all, and together they cost too much to match",
	}
}

// matchSegments matches folder by folder. It remembers only the last "**" it passed, which is enough because all else
// takes exactly one folder; so the steps are bounded by the product of the lengths.
func matchSegments(want []segment, have [][]rune, steps *int) bool {
	w, h, star, starAt := 0, 0, -1, 0
	for h < len(have) {
		*steps++
		switch {
		case w < len(want) && want[w].anyFolders && w == len(want)-1 && w > 0:
			return true // "a/**": everything below, and something is there
		case w < len(want) && want[w].anyFolders:
			star, starAt = w, h
			w++
		case w < len(want) && want[w].match(have[h], steps):
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
