// Package config reads settings: defaults in code, then one YAML file, then environment variables with the prefix
// HEDGEHOG_FGD_. Keys are flat and shared by all services; each service takes the ones it knows. The commented sample
// fgd.yaml beside this file names every key and says what it does; a key that it does not name is refused. What a value
// may be stands in the tags of the structs that services read into:
//
//	koanf   the key
//	min     the least number or duration that is allowed
//	max     the most
//	oneof   the words that are allowed, with commas between
//	needs   what a text has to be that may not be empty
//	allowed what is allowed in words, where code judges it, or where the words above say too little
//	reads   what a path names: a file or a folder that has to be there, or "made", a file that is made when it is not
//	secret  "yes" for a text that may hold a password
//	reload  "yes" when a change of the key counts at a reload (SIGHUP), without a restart
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/nearest"
)

// EnvPrefix starts the name of every environment variable that sets a key.
const EnvPrefix = "HEDGEHOG_FGD_"

//go:embed fgd.yaml
var sample []byte

// Sample returns the commented sample file, with every key at its default.
func Sample() []byte { return slices.Clone(sample) }

// Source is what was read; services take their own keys out of it with Into.
type Source struct {
	k       *koanf.Koanf
	known   map[string]string // keys, each with its default as an example
	origins map[string]Origin // where each key was said that was read
	unknown []Variable
}

// Validator is a configuration that can judge itself.
type Validator interface {
	// Validate returns the errors of keys whose values are not allowed, as Invalid makes them, joined.
	Validate() error
}

// Load reads the file, when a path is given, and the environment (in the form of os.Environ). It refuses what Examine
// finds, and returns the first.
func Load(path string, environ []string) (*Source, error) {
	s, problems, err := Examine(path, environ)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, problems[0]
	}
	return s, nil
}

// Examine reads what Load does, and returns all that is wrong with how it is written, in the order of the file. The
// source has what could be read.
func Examine(path string, environ []string) (*Source, []*errs.Error, error) {
	known, err := knownKeys()
	if err != nil {
		return nil, nil, err
	}
	s := &Source{k: koanf.New("."), known: known, origins: map[string]Origin{}}
	problems := s.readFile(path)
	if err := s.k.Load(confmap.Provider(s.fromEnvironment(environ), "."), nil); err != nil {
		return nil, nil, fmt.Errorf("read the environment: %w", err)
	}
	return s, problems, nil
}

// unknownKey returns the error of a key that the sample does not name.
func (s *Source) unknownKey(key, where string) *errs.Error {
	err := invalid("The key %q %s is not known.", key, where)
	if meant := nearest.To(key, slices.Collect(maps.Keys(s.known))); meant != "" {
		return err.WithRemedy("Perhaps %s is meant; libs/config/fgd.yaml has every key.", meant)
	}
	return err.WithRemedy("Take it out; libs/config/fgd.yaml has every key.")
}

// Unknown returns the variables with the prefix that nothing reads, so that whoever starts a process can say so.
func (s *Source) Unknown() []Variable { return s.unknown }

// With returns a source in which some keys have these values, whatever was read. It refuses a key that the sample does
// not name.
func (s *Source) With(values map[string]any) (*Source, error) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if _, known := s.known[key]; !known {
			return nil, s.unknownKey(key, "that is set")
		}
	}
	k, origins := s.k.Copy(), maps.Clone(s.origins)
	if err := k.Load(confmap.Provider(values, "."), nil); err != nil {
		return nil, fmt.Errorf("set keys: %w", err)
	}
	for key := range values {
		delete(origins, key)
	}
	return &Source{k, s.known, origins, s.unknown}, nil
}

// WithDefaults returns a source in which some keys have these values where none was read, not even an empty text.
func (s *Source) WithDefaults(values map[string]any) (*Source, error) {
	absent := maps.Clone(values)
	maps.DeleteFunc(absent, func(key string, _ any) bool { return s.k.Exists(key) })
	return s.With(absent)
}

// Text returns the value of a key, or a default when the key is absent or empty.
func (s *Source) Text(key, fallback string) string {
	if value := s.k.String(key); value != "" {
		return value
	}
	return fallback
}

// Into overlays what was read onto a struct that holds the defaults, and validates the outcome. It returns the error of
// the first key that is wrong.
func (s *Source) Into(target any) error {
	if problems := s.Problems(target); len(problems) > 0 {
		return problems[0]
	}
	return nil
}

// Problems overlays what was read onto a struct that holds the defaults, and returns all that is wrong with it: values
// that are not of the type of their key, and values that are not allowed.
func (s *Source) Problems(target any) []*errs.Error {
	problems := s.decode(target)
	wrong := map[string]bool{}
	for _, problem := range problems {
		wrong[problem.Meta[KeyMeta]] = true
	}
	judged := CheckTags(target)
	if v, ok := target.(Validator); ok {
		judged = v.Validate()
	}
	for _, err := range flat(judged) {
		e := errs.From(err)
		if key := e.Meta[KeyMeta]; key == "" || !wrong[key] {
			wrong[key] = true
			problems = append(problems, s.located(e))
		}
	}
	return problems
}

// KeyMeta is the detail of an error that names the key.
const KeyMeta = "key"

// Invalid returns the error of a key whose value is not allowed.
func Invalid(key string, value any, allowed string) error {
	return invalid("%s is %v; allowed is %s.", key, value, allowed).WithMeta(KeyMeta, key)
}

func invalid(format string, args ...any) *errs.Error {
	return errs.New(errs.ConfigurationInvalid, format, args...)
}

// located adds to the error of a key where its value was said.
func (s *Source) located(e *errs.Error) *errs.Error {
	if origin := s.origins[e.Meta[KeyMeta]]; origin != (Origin{}) {
		_ = e.WithRemedy("Correct %s.", origin.of(e.Meta[KeyMeta])) // in place
	}
	return e
}

// flat returns the errors that were joined.
func flat(err error) []error {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &joined):
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, flat(one)...)
	}
	return all
}
