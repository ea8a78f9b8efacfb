package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits bound what one document may cost.
type Limits struct {
	Depth   int // nesting of mappings and sequences
	Nodes   int // nodes, those that aliases repeat included
	Aliases int // aliases
}

// DefaultLimits are far above what real resources need.
func DefaultLimits() Limits { return Limits{Depth: 64, Nodes: 100_000, Aliases: 100} }

// SyntaxError says what is wrong with a document and where. Line counts in the document from 1, 0 when unknown.
type SyntaxError struct {
	Line, Column int
	Message      string
	Remedy       string // empty when nothing better is known than to correct the place
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Parser reads documents one after the other.
type Parser struct {
	limits Limits
	plain  plainParser
}

// NewParser returns a parser.
func NewParser(limits Limits) *Parser { return &Parser{limits: limits} }

// Parse reads one document and checks it, with a parser of its own.
func Parse(doc []byte, limits Limits) (*yaml.Node, error) { return NewParser(limits).Parse(doc) }

// Parse reads one document and checks it. The tree is the root value, not the document node; it is nil when the
// document is empty, and good until the next one is parsed. The error is a *SyntaxError.
func (p *Parser) Parse(doc []byte) (*yaml.Node, error) {
	doc = doc[skipBOM(doc, 0):]
	if estimateNodes(doc) > p.limits.Nodes {
		return nil, &SyntaxError{Message: fmt.Sprintf("the document may have more than %d nodes", p.limits.Nodes)}
	}
	root, plain := p.plain.parse(doc)
	if !plain {
		if err := checkText(doc); err != nil {
			return nil, err
		}
		var err error
		if root, err = decode(doc); err != nil || root == nil {
			return nil, inWords(doc, err)
		}
	}
	c := checker{limits: p.limits}
	if err := c.node(root, 0); err != nil {
		return nil, err
	}
	return root, nil
}

// decode runs the parser over the document and makes sure that nothing follows.
func decode(doc []byte) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, &SyntaxError{Message: "the parser gave up on the document"}
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(doc))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxError(doc, err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, &SyntaxError{
			Line: second.Line, Column: second.Column,
			Message: "more than one document between two separators",
		}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(doc, err)
	}
	if len(first.Content) != 1 {
		return nil, nil
	}
	return first.Content[0], nil
}

// estimateNodes is an upper bound of the nodes beyond the first: each one needs an indicator or a line break before it.
// A bound before parsing matters, as a node takes a hundred times the memory of its text.
func estimateNodes(doc []byte) int {
	if len(doc) < 1<<16 {
		return 0 // too small to hurt: the exact count follows
	}
	n := 0
	for _, b := range doc {
		switch b {
		case ',', ':', '-', '?', '[', '{', '\n', '\r':
			n++
		}
	}
	return n
}

// Fault says why a whole file can't be read as YAML text.
type Fault struct {
	SyntaxError
	Encoding bool // it is text, in another encoding
}

// FileFault finds what is wrong with a file as a whole; nil when it can be read.
func FileFault(data []byte) *Fault {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")):
		return fileFault(data, 0, "the file is UTF-16, not UTF-8", true)
	case len(data) < 1024 && bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/")):
		return fileFault(data, 0, "the file is a Git LFS pointer", false)
	}
	if at := bytes.IndexByte(data, 0); at >= 0 {
		return fileFault(data, at, "the file is binary", false)
	}
	if utf8.Valid(data) {
		return nil
	}
	at := 0
	for r, size := utf8.DecodeRune(data); r != utf8.RuneError || size > 1; r, size = utf8.DecodeRune(data[at:]) {
		at += size
	}
	return fileFault(data, at, "the file is not valid UTF-8", true)
}

func fileFault(data []byte, at int, message string, encoding bool) *Fault {
	line, column := place(data, at)
	return &Fault{SyntaxError{Line: line, Column: column, Message: message}, encoding}
}
