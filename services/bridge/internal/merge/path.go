package merge

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Path is a place in a resource, as people read and type it: "spec.staticRoutes[10.0.0.0/8].nextHops". A dot stands
// before the name of a field or the key of a map, brackets are around the key of an item of a list or what a set has.
// Where one has a character that could be taken for something else, it is in double quotes, as Go writes them:
// annotations."example.com/owner". Two paths are the same place exactly when they are equal. Those that come from
// outside are read by ParsePath.
type Path string

// Whole is the path of a resource as a whole, and Spec that of its spec.
const (
	Whole Path = "."
	Spec  Path = "spec"
)

// Step is one of a path: to a field or a key of a map, or to an item of a list or a set.
type Step struct {
	Name string
	Item bool
}

// ParsePath reads a path, which may have quotes where none are needed.
func ParsePath(text string) (Path, error) {
	steps, err := stepsOf(text)
	if err != nil {
		return "", err
	}
	path := Whole
	for _, step := range steps {
		path = path.to(step)
	}
	return path, nil
}

// Steps returns the steps from the resource to a path; none of the resource as a whole, or when the path is none.
func (p Path) Steps() []Step {
	steps, err := stepsOf(string(p))
	if err != nil {
		return nil
	}
	return steps
}

func stepsOf(text string) (steps []Step, err error) {
	if text == string(Whole) {
		return nil, nil
	}
	for rest := text; rest != "" || steps == nil; {
		step, after, err := cutStep(rest, steps == nil)
		if err != nil {
			return nil, fmt.Errorf("the path %q at byte %d: %w", text, len(text)-len(rest)+1, err)
		}
		steps, rest = append(steps, step), after
	}
	return steps, nil
}

// Covers reports whether another path is the same place or within it.
func (p Path) Covers(other Path) bool {
	if p == Whole || p == other {
		return true
	}
	rest, is := strings.CutPrefix(string(other), string(p))
	return is && (rest[0] == '.' || rest[0] == '[')
}

// cutStep cuts the first step of a path off, which has no dot before it when it is the first of all.
func cutStep(text string, first bool) (step Step, rest string, err error) {
	switch {
	case first:
		rest = text
	case text[0] == '.':
		rest = text[1:]
	case text[0] == '[':
		step.Item, rest = true, text[1:]
	default:
		return step, "", fmt.Errorf("a dot or a bracket is missing")
	}
	if step.Name, rest, err = cutName(rest, step.Item); err != nil {
		return step, "", err
	}
	if step.Item {
		closed := false
		if rest, closed = strings.CutPrefix(rest, "]"); !closed {
			return step, "", fmt.Errorf("a bracket is not closed")
		}
	}
	return step, rest, nil
}

func cutName(text string, item bool) (name, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return "", "", fmt.Errorf("a quote is not closed, or what it has is no text")
		}
		name, err = strconv.Unquote(quoted)
		return name, text[len(quoted):], err
	}
	end := strings.IndexFunc(text, func(r rune) bool { return !plain(r, item) })
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return "", "", fmt.Errorf("a name is missing, or has to be in double quotes")
	}
	return text[:end], text[end:], nil
}

// plain reports whether a character needs no quotes.
func plain(r rune, item bool) bool {
	if r == '.' {
		return item
	}
	return unicode.IsPrint(r) && r != utf8.RuneError && !strings.ContainsRune(` "[]\`, r)
}

func (p Path) to(step Step) Path {
	if step.Item {
		return p.item(step.Name)
	}
	return p.field(step.Name)
}

func (p Path) field(name string) Path {
	if p == Whole {
		return Path(written(name, false))
	}
	return p + "." + Path(written(name, false))
}

func (p Path) item(key string) Path { return p + "[" + Path(written(key, true)) + "]" }

func written(name string, item bool) string {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !plain(r, item) }) {
		return strconv.Quote(name)
	}
	return name
}
