// Package config reads settings: defaults in code, then one YAML file, then environment variables with the prefix
// HEDGEHOG_FGD_. Keys are flat and shared by all services; each service takes the ones it knows. The commented sample
// fgd.yaml beside this file names every key, and a key that it does not name is refused.
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	kyaml "github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"fgdsync.dev/libs/errs"
)

// EnvPrefix starts the name of every environment variable that sets a key.
const EnvPrefix = "HEDGEHOG_FGD_"

//go:embed fgd.yaml
var sample []byte

// Sample returns the commented sample file, with every key at its default.
func Sample() []byte { return slices.Clone(sample) }

// Source is what was read; services take their own keys out of it with Into.
type Source struct {
	k     *koanf.Koanf
	known map[string]bool
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
	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), kyaml.Parser()); err != nil {
			return nil, invalid("the configuration file %s can't be read: %v", path, err)
		}
	}
	for _, key := range k.Keys() {
		if !known[key] {
			return nil, invalid("%s: unknown key %q; known are %s", path, key,
				strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	if err := k.Load(confmap.Provider(fromEnvironment(environ, known), "."), nil); err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	return &Source{k, known}, nil
}

// With returns a source in which some keys have these values, whatever was read. It refuses a key that the sample does
// not name.
func (s *Source) With(values map[string]any) (*Source, error) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !s.known[key] {
			return nil, invalid("unknown key %q", key)
		}
	}
	k := s.k.Copy()
	if err := k.Load(confmap.Provider(values, "."), nil); err != nil {
		return nil, fmt.Errorf("set keys: %w", err)
	}
	return &Source{k, s.known}, nil
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
			mapstructure.StringToTimeDurationHookFunc(), mapstructure.TextUnmarshallerHookFunc(),
			mapstructure.StringToSliceHookFunc(",")),
	}})
	if err != nil {
		return undecodable(err)
	}
	if v, ok := target.(Validator); ok {
		return v.Validate()
	}
	return nil
}

// Invalid returns the error of a key whose value is not allowed.
func Invalid(key string, value any, allowed string) error {
	return invalid("%s (or %s%s) is %v; allowed is %s", key, EnvPrefix, strings.ToUpper(key), value, allowed)
}

func invalid(format string, args ...any) error {
	return errs.New(errs.ConfigurationInvalid, format, args...)
}

// undecodable returns the error of the first key whose value is not of its type, on one line.
func undecodable(err error) error {
	var key *mapstructure.DecodeError
	if !errors.As(err, &key) {
		return invalid("%v", err)
	}
	return invalid("%s (or %s%s) can't be read: %v", key.Name(), EnvPrefix, strings.ToUpper(key.Name()), key.Unwrap())
}

func knownKeys() (map[string]bool, error) {
	parsed, err := kyaml.Parser().Unmarshal(sample)
	if err != nil {
		return nil, fmt.Errorf("read the sample configuration: %w", err)
	}
	known := map[string]bool{}
	for key := range parsed {
		known[key] = true
	}
	return known, nil
}

func fromEnvironment(environ []string, known map[string]bool) map[string]any {
	values := map[string]any{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		key, prefixed := strings.CutPrefix(name, EnvPrefix)
		if key = strings.ToLower(key); prefixed && known[key] {
			values[key] = value
		}
	}
	return values
}
