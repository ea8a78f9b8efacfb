// Package config reads settings: defaults in code, then one YAML file, then environment variables with the prefix
// HEDGEHOG_FGD_. Keys are flat and shared by all services; each service takes the ones it knows. The commented sample
// fgd.yaml beside this file names every key, and a key that it does not name is refused.
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	kyaml "github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
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
	origins map[string]string // what to correct when a key that was read is wrong
	unknown []Variable
}

// Variable is an environment variable with the prefix that nothing reads.
type Variable struct {
	Name    string
	Nearest string // the variable that was perhaps meant; empty when none is like it
}

// Validator is a configuration that can judge itself.
type Validator interface {
	// Validate returns the error of the first key whose value is not allowed, as Invalid makes it.
	Validate() error
}

// Load reads the file, when a path is given, and the environment (in the form of os.Environ).
func Load(path string, environ []string) (*Source, error) {
	known, err := knownKeys()
	if err != nil {
		return nil, err
	}
	s := &Source{k: koanf.New("."), known: known, origins: map[string]string{}}
	if err := s.readFile(path); err != nil {
		return nil, err
	}
	if err := s.k.Load(confmap.Provider(s.fromEnvironment(environ), "."), nil); err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	return s, nil
}

func (s *Source) readFile(path string) error {
	if path == "" {
		return nil
	}
	if err := s.k.Load(file.Provider(path), kyaml.Parser()); err != nil {
		return invalid("The configuration file %s can't be read: %v.", path, err).
			WithRemedy("Name a YAML file of keys; libs/config/fgd.yaml is a sample with every key.")
	}
	for _, key := range s.k.Keys() {
		if _, known := s.known[key]; !known {
			return s.unknownKey(key, "of "+path)
		}
		s.origins[key] = key + " in " + path
	}
	return nil
}

// unknownKey returns the error of a key that the sample does not name.
func (s *Source) unknownKey(key, where string) error {
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

// Into overlays what was read onto a struct that holds the defaults, and validates the outcome.
func (s *Source) Into(target any) error {
	err := s.k.UnmarshalWithConf("", target, koanf.UnmarshalConf{Tag: "koanf", DecoderConfig: &mapstructure.DecoderConfig{
		Result: target, TagName: "koanf", WeaklyTypedInput: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			durationsHaveUnits, mapstructure.StringToTimeDurationHookFunc(), mapstructure.TextUnmarshallerHookFunc(),
			mapstructure.StringToSliceHookFunc(",")),
	}})
	if err != nil {
		return s.undecodable(err, target)
	}
	if v, ok := target.(Validator); ok {
		return s.located(v.Validate())
	}
	return nil
}

// durationsHaveUnits refuses a number for a duration, which would be taken for nanoseconds. Nothing is nothing in any
// unit.
func durationsHaveUnits(from, to reflect.Type, value any) (any, error) {
	duration := reflect.TypeFor[time.Duration]()
	if to == duration && from != duration && from.Kind() != reflect.String && !reflect.ValueOf(value).IsZero() {
		return nil, errors.New("a duration has a unit")
	}
	return value, nil
}

// keyMeta is the detail of an error that names the key.
const keyMeta = "key"

// Invalid returns the error of a key whose value is not allowed.
func Invalid(key string, value any, allowed string) error {
	return invalid("%s is %v; allowed is %s.", key, value, allowed).WithMeta(keyMeta, key)
}

func invalid(format string, args ...any) *errs.Error {
	return errs.New(errs.ConfigurationInvalid, format, args...)
}

// located adds to the error of a key where its value was said.
func (s *Source) located(err error) error {
	var e *errs.Error
	if !errors.As(err, &e) {
		return err
	}
	if origin := s.origins[e.Meta[keyMeta]]; origin != "" {
		_ = e.WithRemedy("Correct %s.", origin) // in place
	}
	return err
}

// undecodable returns the error of the first key whose value is not of its type, in words. Other values than numbers,
// switches and durations may hold a password, so they are not quoted.
func (s *Source) undecodable(err error, target any) error {
	var field *mapstructure.DecodeError
	if !errors.As(err, &field) {
		return invalid("The configuration can't be read: %v.", err)
	}
	key, _, _ := strings.Cut(field.Name(), "[")
	message := invalid("%s has a value that can't be read.", key)
	if what := kindOf(target, key); what != "" {
		message = invalid("%s is \"%v\", which is no %s; an example is %s.", key, s.k.Get(key), what, s.known[key])
	}
	return s.located(message.WithMeta(keyMeta, key))
}

// kindOf returns in words what the field of a key takes, if that is nothing that could hold a password.
func kindOf(target any, key string) string {
	for _, field := range reflect.VisibleFields(reflect.TypeOf(target).Elem()) {
		if field.Tag.Get("koanf") != key {
			continue
		}
		switch field.Type.Kind() {
		case reflect.Bool:
			return "switch"
		case reflect.Int64:
			if field.Type == reflect.TypeFor[time.Duration]() {
				return "duration"
			}
			return "whole number"
		case reflect.Int, reflect.Int32:
			return "whole number"
		}
	}
	return ""
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

func (s *Source) fromEnvironment(environ []string) map[string]any {
	values, signIn := map[string]any{}, signInVariables(environ)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		rest, prefixed := strings.CutPrefix(name, EnvPrefix)
		if !prefixed {
			continue
		}
		key := strings.ToLower(rest)
		if _, known := s.known[key]; known {
			values[key], s.origins[key] = value, "the variable "+name
		} else if !isNoKey(rest) {
			s.unknown = append(s.unknown, s.unknownVariable(name, key))
		} else if meant := signIn.meant(name); meant != "" {
			s.unknown = append(s.unknown, Variable{name, meant})
		}
	}
	return values
}

func (s *Source) unknownVariable(name, key string) Variable {
	meant := nearest.To(key, slices.Collect(maps.Keys(s.known)))
	if meant != "" {
		meant = EnvPrefix + strings.ToUpper(meant)
	}
	return Variable{name, meant}
}

// isNoKey reports whether a variable, without the prefix, is one of those that are read and are no keys: credentials,
// what sealed them, a token, and what tests use.
func isNoKey(name string) bool {
	return name == "CREDENTIALS_KEY" || name == "TOKEN" || strings.HasPrefix(name, "GIT_") ||
		strings.HasPrefix(name, "NETBOX_") || strings.HasPrefix(name, "TEST_")
}
