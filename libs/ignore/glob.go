package ignore

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// A glob is the pattern of one name. Every token but many takes exactly one character.
type glob []token

type token struct {
	kind  kind
	char  rune
	class class
}

type kind int

const (
	one  kind = iota // this character
	any1             // "?"
	many             // "*"
	set              // "[...]"
)

// A class is a set of characters.
type class struct {
	not    bool
	ranges [][2]rune
	named  []func(rune) bool
}

// named are the classes of POSIX.
var named = map[string]func(rune) bool{
	"alnum": func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) },
	"alpha": unicode.IsLetter, "digit": unicode.IsDigit, "lower": unicode.IsLower, "upper": unicode.IsUpper,
	"space": unicode.IsSpace, "punct": unicode.IsPunct, "cntrl": unicode.IsControl, "print": unicode.IsPrint,
	"graph":  unicode.IsGraphic,
	"blank":  func(r rune) bool { return r == ' ' || r == '\t' },
	"xdigit": func(r rune) bool { return strings.ContainsRune("0123456789abcdefABCDEF", r) },
}

var (
	errOpen   = errors.New(`a "[" has no "]"`)
	errEscape = errors.New(`a "\" stands before nothing`)
)

func compile(text string) (glob, error) {
	var out glob
	for rest := []rune(text); len(rest) > 0; {
		switch rest[0] {
		case '*':
			if len(out) == 0 || out[len(out)-1].kind != many {
				out = append(out, token{kind: many})
			}
			rest = rest[1:]
		case '?':
			out, rest = append(out, token{kind: any1}), rest[1:]
		case '[':
			c, after, err := compileClass(rest[1:])
			if err != nil {
				return nil, err
			}
			out, rest = append(out, token{kind: set, class: c}), after
		default:
			char, after, err := unescape(rest)
			if err != nil {
				return nil, err
			}
			out, rest = append(out, token{char: char}), after
		}
	}
	return out, nil
}

func unescape(rest []rune) (rune, []rune, error) {
	if rest[0] != '\\' {
		return rest[0], rest[1:], nil
	}
	if len(rest) == 1 {
		return 0, nil, errEscape
	}
	return rest[1], rest[2:], nil
}

// compileClass reads a set after its bracket, and returns what stands after it.
func compileClass(rest []rune) (class, []rune, error) {
	var c class
	if len(rest) > 0 && (rest[0] == '!' || rest[0] == '^') {
		c.not, rest = true, rest[1:]
	}
	for first := true; ; first = false {
		if len(rest) == 0 {
			return class{}, nil, errOpen
		}
		if rest[0] == ']' && !first {
			return c, rest[1:], nil
		}
		var err error
		if rest[0] == '[' && len(rest) > 1 && rest[1] == ':' {
			rest, err = c.addNamed(rest[2:])
		} else {
			rest, err = c.addRange(rest)
		}
		if err != nil {
			return class{}, nil, err
		}
	}
}

func (c *class) addNamed(rest []rune) ([]rune, error) {
	name, after, found := strings.Cut(string(rest), ":]")
	has, known := named[name]
	if !found || !known {
		return nil, fmt.Errorf("there is no class [:%s:]", name)
	}
	c.named = append(c.named, has)
	return []rune(after), nil
}

func (c *class) addRange(rest []rune) ([]rune, error) {
	low, rest, err := unescape(rest)
	if err != nil {
		return nil, err
	}
	high := low
	if len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
		if high, rest, err = unescape(rest[1:]); err != nil {
			return nil, err
		}
	}
	c.ranges = append(c.ranges, [2]rune{low, high})
	return rest, nil
}

func (c *class) has(char rune) bool {
	for _, r := range c.ranges {
		if r[0] <= char && char <= r[1] {
			return !c.not
		}
	}
	for _, has := range c.named {
		if has(char) {
			return !c.not
		}
	}
	return c.not
}

// match matches a name and counts the steps: a character compared is one, and a range of a set that was looked at too.
// The end is compared first, which settles most names at once. For the rest it remembers only the last "*" it passed,
// so that the steps are bounded by the product of the lengths.
func (g glob) match(name []rune, steps *int) bool {
	g, name, ok := g.cutEnd(name, steps)
	if !ok {
		return false
	}
	at, n, star, starAt := 0, 0, -1, 0
	for n < len(name) {
		*steps++
		switch {
		case at < len(g) && g[at].kind == many && at == len(g)-1:
			return true
		case at < len(g) && g[at].kind == many:
			star, starAt = at, n
			at++
		case at < len(g) && g[at].take(name[n], steps):
			at++
			n++
		case star >= 0:
			starAt++
			at, n = star+1, starAt
		default:
			return false
		}
	}
	return at == len(g) || at == len(g)-1 && g[at].kind == many
}

// cutEnd compares what stands behind the last "*" with the end of a name, and returns what is left of both.
func (g glob) cutEnd(name []rune, steps *int) (glob, []rune, bool) {
	for len(g) > 0 && g[len(g)-1].kind != many {
		*steps++
		if len(name) == 0 || !g[len(g)-1].take(name[len(name)-1], steps) {
			return nil, nil, false
		}
		g, name = g[:len(g)-1], name[:len(name)-1]
	}
	return g, name, true
}

func (t *token) take(char rune, steps *int) bool {
	switch t.kind {
	case one:
		return t.char == char
	case set:
		*steps += len(t.class.ranges) + len(t.class.named)
		return t.class.has(char)
	}
	return true
}
