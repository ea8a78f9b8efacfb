package config

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/nearest"
)

// Key says what a key is for, and what it may be.
type Key struct {
	Name     string   `json:"key"`
	About    string   `json:"about"`             // what it does, as the sample says it
	Type     string   `json:"type"`              // switch, whole number, duration, text or list
	Unit     string   `json:"unit,omitempty"`    // of a number
	Default  string   `json:"default"`           // as it is written in a file
	Allowed  string   `json:"allowed,omitempty"` // where not every value of the type is
	Variable string   `json:"variable"`          // of the environment
	Services []string `json:"services"`          // that read it
	Secret   bool     `json:"secret"`            // its value is never shown
	Reload   bool     `json:"reload"`            // a change counts at a reload, in every service that reads it
	Reads    string   `json:"reads,omitempty"`   // what a path names: file, folder, or made
}

// Reader is a service, and what it reads: the struct with its defaults, and keys with addresses of others.
type Reader struct {
	Service   string
	Config    any
	Addresses []string
}

// Keys returns every key of the sample, in its order, as those who read it describe it.
func Keys(readers []Reader) []Key {
	about, order := sampleComments()
	known, _ := knownKeys() // the sample is read by every test
	described := map[string]*Key{}
	for _, r := range readers {
		for _, f := range fieldsOf(r.Config) {
			described[f.key] = merge(described[f.key], f, r.Service)
		}
		for _, name := range r.Addresses {
			k := cmp.Or(described[name], &Key{Name: name, Type: typeText, Allowed: "HOST:PORT, several with commas between"})
			k.Services = append(k.Services, r.Service)
			described[name] = k
		}
	}
	keys := make([]Key, 0, len(order))
	for _, name := range order {
		if k := described[name]; k != nil {
			k.About, k.Default, k.Variable = about[name], listText(known[name]), VariableOf(name)
			keys = append(keys, *k)
		}
	}
	return keys
}

// merge adds what one more service says of a key.
func merge(k *Key, f field, service string) *Key {
	reload := f.tag.Get("reload") != ""
	if k == nil {
		k = &Key{Name: f.key, Type: f.typeName(), Unit: unitOf(f), Reload: reload}
	}
	k.Allowed, k.Reads = cmp.Or(k.Allowed, f.allowed()), cmp.Or(k.Reads, f.tag.Get("reads"))
	k.Secret, k.Reload = k.Secret || f.isSecret(), k.Reload && reload
	if !slices.Contains(k.Services, service) {
		k.Services = append(k.Services, service)
	}
	return k
}

// unitOf returns what a number counts; empty when its name says it.
func unitOf(f field) string {
	switch {
	case f.typeName() == typeDuration:
		return "as 500ms, 30s, 5m or 24h"
	case strings.HasSuffix(f.key, "_bytes"):
		return "bytes"
	case strings.HasSuffix(f.key, "_percent"):
		return "percent"
	}
	return ""
}

// sampleComments returns the comment above each key of the sample, and the keys in their order. Keys without a blank
// line or comment between have one comment together.
func sampleComments() (about map[string]string, order []string) {
	about = map[string]string{}
	var comment []string
	fresh := true
	for line := range strings.Lines(string(sample)) {
		line = strings.TrimSpace(line)
		text, isComment := strings.CutPrefix(line, "#")
		switch {
		case line == "" || strings.HasPrefix(line, "# ---"):
			comment = nil
		case isComment:
			if fresh {
				comment, fresh = nil, false
			}
			comment = append(comment, strings.TrimSpace(text))
		default:
			key, _, _ := strings.Cut(line, ":")
			about[key], order, fresh = strings.Join(comment, " "), append(order, key), true
		}
	}
	return about, order
}

// listText returns the default of a list as it is written.
func listText(text string) string {
	if text == "[]" {
		return ""
	}
	return text
}

// Find returns a key by its name, or by that of its variable.
func Find(keys []Key, name string) (Key, error) {
	name = strings.TrimPrefix(strings.ToLower(name), strings.ToLower(EnvPrefix))
	names := make([]string, len(keys))
	for i, k := range keys {
		if k.Name == name {
			return k, nil
		}
		names[i] = k.Name
	}
	return Key{}, notFound(name, names)
}

func notFound(name string, names []string) error {
	err := errs.New(errs.ConfigurationKeyUnknown, "There is no key %q.", name)
	if meant := nearest.To(name, names); meant != "" {
		return err.WithRemedy("Perhaps %s is meant; fgd config print lists every key.", meant)
	}
	var like []string
	for _, other := range names {
		if strings.Contains(other, name) {
			like = append(like, other)
		}
	}
	if len(like) > 0 {
		return err.WithRemedy("Perhaps one of these is meant: %s.", strings.Join(like, ", "))
	}
	return err
}

// Value is what a key is, and who says so.
type Value struct {
	Key    string `json:"key"`
	Value  string `json:"value"` // of a secret "set" or "unset"
	Origin Origin `json:"origin"`
	From   string `json:"from"` // the origin in words
}

// Values returns what the keys are, with their defaults where nothing was read.
func (s *Source) Values(keys []Key) []Value {
	values := make([]Value, len(keys))
	for i, k := range keys {
		origin := s.origins[k.Name]
		values[i] = Value{Key: k.Name, Value: s.shown(k), Origin: origin, From: origin.String()}
	}
	return values
}

func (s *Source) shown(k Key) string {
	value := k.Default
	if s.k.Exists(k.Name) {
		value = listText(fmt.Sprint(s.k.Get(k.Name)))
	}
	switch {
	case !k.Secret || value == k.Default && value != "":
		return value
	case value == "":
		return "unset"
	}
	return "set"
}

// Changed returns the keys of readers whose values differ between two sources, in the order of their names. What counts
// is what they read, and not how it is written: 5m is 300s. Each call of readers returns structs with their defaults.
func Changed(before, after *Source, readers func() []Reader) []string {
	was, is := before.read(readers()), after.read(readers())
	maps.DeleteFunc(was, func(key string, values []any) bool { return reflect.DeepEqual(values, is[key]) })
	return slices.Sorted(maps.Keys(was))
}

// read returns what each key is for those who read it.
func (s *Source) read(readers []Reader) map[string][]any {
	values := map[string][]any{}
	for _, r := range readers {
		_ = s.decode(r.Config) // what is wrong is said by who reads it to use it
		for _, f := range fieldsOf(r.Config) {
			value := f.Interface()
			if f.Kind() == reflect.Slice && f.Len() == 0 {
				value = nil // one that is written as empty is as one that is absent
			}
			values[f.key] = append(values[f.key], value)
		}
		for _, key := range r.Addresses {
			values[key] = append(values[key], s.Text(key, s.known[key]))
		}
	}
	return values
}

// Reloadable returns the keys of a struct whose change counts at a reload.
func Reloadable(target any) []string {
	var keys []string
	for _, f := range fieldsOf(target) {
		if f.tag.Get("reload") != "" {
			keys = append(keys, f.key)
		}
	}
	return keys
}

// List returns the texts of a key that was read: of a list each, of a text that one. What is empty is left out.
func (s *Source) List(key string) []string {
	texts := s.k.Strings(key)
	if len(texts) == 0 {
		texts = strings.Split(s.k.String(key), ",")
	}
	return slices.DeleteFunc(texts, func(text string) bool { return text == "" })
}
