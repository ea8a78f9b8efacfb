package config

import (
	"maps"
	"slices"
	"strings"

	"fgdsync.dev/libs/nearest"
)

// Variable is an environment variable with the prefix that nothing reads.
type Variable struct {
	Name    string
	Nearest string // the variable that was perhaps meant; empty when none is like it
}

// VariableOf returns the name of the environment variable that sets a key.
func VariableOf(key string) string { return EnvPrefix + strings.ToUpper(key) }

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
			values[key], s.origins[key] = value, Origin{Variable: name}
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
		meant = VariableOf(meant)
	}
	return Variable{name, meant}
}

// isNoKey reports whether a variable, without the prefix, is one of those that are read and are no keys: credentials,
// what sealed them, what commands for a running system are told, and what tests use.
func isNoKey(name string) bool {
	return slices.Contains([]string{"CREDENTIALS_KEY", "TOKEN", "SERVER", "CONTEXT"}, name) ||
		strings.HasPrefix(name, "GIT_") ||
		strings.HasPrefix(name, "NETBOX_") || strings.HasPrefix(name, "NOTIFY_") || strings.HasPrefix(name, "TEST_")
}
