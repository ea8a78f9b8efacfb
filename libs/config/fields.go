package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
)

// field is a field of a struct that a key is read into.
type field struct {
	key string
	tag reflect.StructTag
	reflect.Value
}

// fieldsOf returns the fields of a struct, and of those that are squashed into it, that have keys.
func fieldsOf(target any) []field { return walk(reflect.Indirect(reflect.ValueOf(target))) }

func walk(of reflect.Value) []field {
	var fields []field
	for i := range of.NumField() {
		tag := of.Type().Field(i).Tag
		switch key := tag.Get("koanf"); key {
		case "":
		case ",squash":
			fields = append(fields, walk(of.Field(i))...)
		default:
			fields = append(fields, field{key, tag, of.Field(i)})
		}
	}
	return fields
}

// decode reads each key into its field, and returns an error for each whose value is not of its type.
func (s *Source) decode(target any) []*errs.Error {
	var problems []*errs.Error
	for _, f := range fieldsOf(target) {
		if !s.k.Exists(f.key) {
			continue
		}
		decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
			Result: target, TagName: "koanf", WeaklyTypedInput: true,
			DecodeHook: mapstructure.ComposeDecodeHookFunc(
				durationsHaveUnits, mapstructure.StringToTimeDurationHookFunc(), mapstructure.TextUnmarshallerHookFunc(),
				mapstructure.StringToSliceHookFunc(",")),
		})
		if err == nil {
			err = decoder.Decode(map[string]any{f.key: s.k.Get(f.key)})
		}
		if err != nil {
			problems = append(problems, s.undecodable(f))
		}
	}
	return problems
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

// undecodable returns the error of a key whose value is not of its type, in words. Other values than numbers, switches
// and durations may hold a password, so they are not quoted.
func (s *Source) undecodable(f field) *errs.Error {
	message := invalid("%s has a value that can't be read.", f.key)
	if what := f.typeName(); slices.Contains([]string{typeSwitch, typeNumber, typeFraction, typeDuration}, what) {
		message = invalid("%s is \"%v\", which is no %s; an example is %s.", f.key, s.k.Get(f.key), what, s.known[f.key])
	}
	return s.located(message.WithMeta(KeyMeta, f.key))
}

// Types of values, in words.
const (
	typeSwitch   = "switch"
	typeNumber   = "whole number"
	typeFraction = "number"
	typeDuration = "duration"
	typeText     = "text"
	typeList     = "list"
)

// typeName returns in words what the field takes.
func (f field) typeName() string {
	switch f.Kind() {
	case reflect.Bool:
		return typeSwitch
	case reflect.Int, reflect.Int32, reflect.Int64:
		if f.Type() == reflect.TypeFor[time.Duration]() {
			return typeDuration
		}
		return typeNumber
	case reflect.Float64:
		return typeFraction
	case reflect.Slice:
		return typeList
	}
	return typeText
}

// isSecret reports whether the value may hold a password.
func (f field) isSecret() bool {
	hidden := reflect.TypeFor[secret.String]()
	return f.tag.Get("secret") != "" || f.Type() == hidden || f.Kind() == reflect.Slice && f.Type().Elem() == hidden
}

// CheckTags returns the errors of the fields of a struct whose values the tags do not allow, joined.
func CheckTags(target any) error {
	var problems []error
	for _, f := range fieldsOf(target) {
		if !f.holds() {
			problems = append(problems, Invalid(f.key, f.shown(), f.allowed()))
		}
	}
	return errors.Join(problems...)
}

// holds reports whether the tags allow the value.
func (f field) holds() bool {
	if f.CanInt() {
		least, most := f.bound("min", f.Int()), f.bound("max", f.Int())
		return f.Int() >= least && f.Int() <= most
	}
	if f.CanFloat() {
		return f.Float() >= f.fraction("min", f.Float()) && f.Float() <= f.fraction("max", f.Float())
	}
	if words := f.tag.Get("oneof"); words != "" {
		return slices.Contains(strings.Split(words, ","), f.String())
	}
	return f.tag.Get("needs") == "" || f.String() != ""
}

// bound returns the number that a tag has, in nanoseconds for a duration; without one what the value is.
func (f field) bound(tag string, value int64) int64 {
	text := f.tag.Get(tag)
	if text == "" {
		return value
	}
	if f.typeName() == typeDuration {
		d, err := time.ParseDuration(text)
		if err != nil {
			panic(fmt.Sprintf("the tag %s of %s: %v", tag, f.key, err))
		}
		return int64(d)
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("the tag %s of %s: %v", tag, f.key, err))
	}
	return number
}

// fraction is bound for numbers that need not be whole.
func (f field) fraction(tag string, value float64) float64 {
	text := f.tag.Get(tag)
	if text == "" {
		return value
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("the tag %s of %s: %v", tag, f.key, err))
	}
	return number
}

// shown returns the value for a message.
func (f field) shown() any {
	if f.Kind() == reflect.String {
		return strconv.Quote(f.String())
	}
	return f.Interface()
}

// allowed returns in words what the value may be; empty when the type says it all.
func (f field) allowed() string {
	least, most := f.tag.Get("min"), f.tag.Get("max")
	switch words := cmp.Or(f.tag.Get("allowed"), f.tag.Get("needs")); {
	case words != "":
		return words
	case f.tag.Get("oneof") != "":
		return orList(strings.Split(f.tag.Get("oneof"), ","))
	case least != "" && most != "":
		return least + " to " + most
	case least != "":
		return least + " or more"
	}
	return ""
}

// orList returns words as in "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
