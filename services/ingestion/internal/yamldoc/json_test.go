package yamldoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestJSONIsExact: numbers keep their digits, and everything else is what a cluster reads.
func TestJSONIsExact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a: 18446744073709551615":                   `{"a":18446744073709551615}`,
		"a: 9223372036854775808":                    `{"a":9223372036854775808}`,
		"a: 123456789012345678901234567890":         `{"a":123456789012345678901234567890}`,
		"a: -123456789012345678901234567890":        `{"a":-123456789012345678901234567890}`,
		"a: 0.12345678901234567890123":              `{"a":0.12345678901234567890123}`,
		"a: 9007199254740993.0":                     `{"a":9007199254740993.0}`,
		"a: [0x1F, 0o17, 017, 0b11, 1_000]":         `{"a":[31,15,15,3,1000]}`,
		"a: 0xffffffffffffffff":                     `{"a":18446744073709551615}`,
		"a: [+5, .5, 5., -.5e3, 08, 1E+3]":          `{"a":[5,0.5,5,-0.5e3,8,1E+3]}`,
		"a: [00.5, -0, +1_0.5_0]":                   `{"a":[0.5,0,10.50]}`,
		"a: [yes, Off, ~, '', null]":                `{"a":[true,false,null,"",null]}`,
		"{2: a, true: b, 1.5: c}":                   `{"1.5":"c","2":"a","true":"b"}`,
		"b: 1\na: &x {c: \"\\u2028<\\\"é\"}\nd: *x": `{"a":{"c":"\u2028\u003c\"é"},"b":1,"d":{"c":"\u2028\u003c\"é"}}`,
		"x: &x {a: 1, b: 2}\nz: {<<: *x, b: 3}":     `{"x":{"a":1,"b":2},"z":{"a":1,"b":3}}`,
		"a: 2026-01-01":                             `{"a":"2026-01-01"}`,
		"a: \"12\"":                                 `{"a":"12"}`,
		"a: 1e400":                                  `{"a":"1e400"}`,
	} {
		root, err := Parse([]byte(in), DefaultLimits())
		if err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		got, err := JSON(root, 1000)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, want %s; %v", in, got, want, err)
		}
	}
}

func TestJSONLeavesOut(t *testing.T) {
	t.Parallel()
	root, err := Parse([]byte("x: &x {a: 1, b: {a: 1}}\nz: {<<: *x, c: 3}"), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	got, err := JSON(Lookup(root, "z"), 1000, "a", "c")
	if err != nil || string(got) != `{"b":{"a":1}}` {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestJSONHasAnEnd: aliases write a long text many times, up to the limit and not much further.
func TestJSONHasAnEnd(t *testing.T) {
	t.Parallel()
	in := "a: &a " + strings.Repeat("y", 1000) + "\nb: [" + strings.Repeat("*a, ", 90) + "]\n"
	root, err := Parse([]byte(in), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := JSON(root, 10_000); !errors.Is(err, ErrTooLong) || got != nil {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if got, err := JSON(root, 100_000); err != nil || len(got) < 90_000 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// TestJSONLaw: what is written means what Value decodes.
func TestJSONLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		text := "a: &a " + drawFlow(r, 0) + "\nb: " + drawFlow(r, 0) + "\nc: *a\n"
		root, err := Parse([]byte(text), DefaultLimits())
		if err != nil {
			return
		}
		got, err := JSON(root, 1<<20)
		if err != nil {
			r.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(got))
		var read any
		if err := decoder.Decode(&read); err != nil {
			r.Fatalf("%s is no JSON: %v", got, err)
		}
		want, err := json.Marshal(Value(root))
		if err != nil {
			r.Fatal(err)
		}
		var decoded any
		if err := json.Unmarshal(want, &decoded); err != nil {
			r.Fatal(err)
		}
		if !reflect.DeepEqual(read, decoded) {
			r.Fatalf("%s\nis written as %s\nand means     %s", text, got, want)
		}
	})
}

// drawFlow draws a value in flow style.
func drawFlow(r *rapid.T, depth int) string {
	shape := rapid.IntRange(0, 5).Draw(r, "shape")
	if depth > 3 || shape > 1 {
		if rapid.Bool().Draw(r, "quoted") {
			encoded, _ := json.Marshal(rapid.String().Draw(r, "text"))
			return string(encoded)
		}
		return rapid.SampledFrom([]string{
			"1", "-1", "0x10", "0o7", "012", "089", "1_000", "1.50", "-.5", "7.", "+3", "1e3", "2.5e-3", "12e20",
			"9223372036854775807", "9223372036854775808", "18446744073709551616", "1e309", "yes", "n", "~", "null", "text",
			"a-b", "1:30", "2026-01-01", "1.2.3", "'x'", "!!str 5", "!!float 5", "0x", "-", "+", ".", "0b2", "1e", "_1",
		}).Draw(r, "scalar")
	}
	var parts []string
	for i := range rapid.IntRange(0, 3).Draw(r, "parts") {
		value := drawFlow(r, depth+1)
		if shape == 1 {
			value = fmt.Sprintf("%s%d: %s", rapid.SampledFrom([]string{"k", "", "0x", "true"}).Draw(r, "key"), i, value)
		}
		parts = append(parts, value)
	}
	if shape == 1 {
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
