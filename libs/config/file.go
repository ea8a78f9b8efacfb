package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	kyaml "github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/errs"
)

// Origin is where the value of a key was said: in a file, or in a variable. The zero Origin is that of a default, and
// of what a flag has said.
type Origin struct {
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`   // from 1
	Column   int    `json:"column,omitempty"` // from 1
	Variable string `json:"variable,omitempty"`
}

// String returns the origin as FILE:LINE:COLUMN, or the name of the variable; "default" where nobody has said it.
func (o Origin) String() string {
	if o.File != "" {
		return fmt.Sprintf("%s:%d:%d", o.File, o.Line, o.Column)
	}
	return cmp.Or(o.Variable, "default")
}

// of says in words what to correct.
func (o Origin) of(key string) string {
	if o.File != "" {
		return key + " in " + o.String()
	}
	return "the variable " + o.Variable
}

// details adds to an error where it is, for programs.
func (o Origin) details(e *errs.Error) *errs.Error {
	return e.WithMeta("file", o.File).WithMeta("line", fmt.Sprint(o.Line)).WithMeta("column", fmt.Sprint(o.Column))
}

// readFile reads the file, when there is one, and returns what is wrong with it.
func (s *Source) readFile(path string) []*errs.Error {
	if path == "" {
		return nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return []*errs.Error{unreadable(path, err)}
	}
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return []*errs.Error{unreadable(path, withoutAlias(err))}
	}
	if len(document.Content) == 0 { // nothing but comments
		return nil
	}
	return s.readKeys(path, document.Content[0])
}

// withoutAlias returns an error of the parser without the name of an alias: a secret that begins with * and has no
// quotes is one.
func withoutAlias(err error) error {
	if strings.Contains(err.Error(), "unknown anchor") {
		return errors.New("it names an anchor that is not there; a value that begins with * needs quotes")
	}
	return err
}

func unreadable(path string, err error) *errs.Error {
	return invalid("The configuration file %s can't be read: %v.", path, err).
		WithRemedy("Name a YAML file of keys; libs/config/fgd.yaml is a sample with every key.").WithMeta("file", path)
}

// readKeys reads the keys of a file, and returns those that nobody knows, and those that are there twice.
func (s *Source) readKeys(path string, root *yaml.Node) []*errs.Error {
	if root.Kind != yaml.MappingNode {
		return []*errs.Error{unreadable(path, fmt.Errorf("line %d: it has no keys", root.Line))}
	}
	var problems []*errs.Error
	values := map[string]any{}
	for pair := range slices.Chunk(root.Content, 2) {
		key, origin := pair[0].Value, Origin{File: path, Line: pair[0].Line, Column: pair[0].Column}
		_, known := s.known[key]
		switch first, twice := s.origins[key]; {
		case !known:
			problems = append(problems, origin.details(s.unknownKey(key, "of "+origin.String())))
			continue
		case twice:
			problems = append(problems, origin.details(invalid("The key %q of %s is there twice.", key, origin).
				WithRemedy("Leave one of the two: the other is in line %d.", first.Line)))
			continue
		}
		var value any
		if err := pair[1].Decode(&value); err != nil {
			problems = append(problems, origin.details(unreadable(path, err)))
			continue
		}
		values[key], s.origins[key] = value, origin
	}
	if err := s.k.Load(confmap.Provider(values, ""), nil); err != nil {
		problems = append(problems, unreadable(path, err))
	}
	return problems
}

// knownKeys returns the keys that the sample names, each with its value there.
func knownKeys() (map[string]string, error) {
	parsed, err := kyaml.Parser().Unmarshal(sample)
	if err != nil {
		return nil, fmt.Errorf("read the sample configuration: %w", err)
	}
	known := map[string]string{}
	for key, value := range parsed {
		known[key] = fmt.Sprint(value)
	}
	return known, nil
}
