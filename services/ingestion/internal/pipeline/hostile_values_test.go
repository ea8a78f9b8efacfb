package pipeline_test

import (
	"strings"
	"testing"
)

const syntax, invalid, mismatch, unknown, overlap = "FGD_1001", "FGD_1003", "FGD_1004", "FGD_1008", "FGD_1018"

// odd is a field that no schema knows: it is kept and warned of.
func odd(value string) hostile {
	return taken(vpcA+"  odd: "+value+"\n", unknown+"? raw/x.yaml:6:3")
}

func TestY4DuplicateKeys(t *testing.T) {
	t.Parallel()
	hold(t, map[string]hostile{
		"at the root":         refused(vpcA+"  subnets: {}\nkind: VPC\n", syntax, 7, 1),
		"nested":              refused(vpcA+"  mode: l2vni\n  mode: l3vni\n", syntax, 7, 3),
		"in flow style":       refused(vpcA+"  subnets: {a: {vlan: 1}, a: {vlan: 2}}\n", syntax, 6, 27),
		"quoted and plain":    refused(vpcA+"  mode: l2vni\n  \"mode\": l3vni\n", syntax, 7, 3),
		"number and its text": refused(vpcA+"  subnets:\n    1: {vlan: 1}\n    \"1\": {vlan: 2}\n", syntax, 8, 5),
		"number in two forms": refused(vpcA+"  subnets:\n    16: {vlan: 1}\n    0x10: {vlan: 2}\n", syntax, 8, 5),
		"true by two words":   refused(vpcA+"  subnets:\n    true: {vlan: 1}\n    yes: {vlan: 2}\n", syntax, 8, 5),
		"two different labels": taken(strings.Replace(vpcA, "  name: a\n", "  name: a\n  labels: {\"1\": x, \"01\": z}\n",
			1) + "  subnets: {}\n"),
	})
}

func TestY5KeysThatAreWords(t *testing.T) {
	t.Parallel()
	inputs := map[string]hostile{}
	for _, word := range []string{"y", "n", "yes", "no", "on", "off", "Y", "NO", "On"} {
		add(inputs, word, map[string]hostile{
			"plain key":            taken(vpcA + "  subnets:\n    " + word + ":\n      vlan: 1\n"),
			"quoted key":           taken(vpcA + "  subnets:\n    \"" + word + "\":\n      vlan: 1\n"),
			"plain value":          refused(vpcA+"  mode: "+word+"\n", mismatch, 6, 3),
			"quoted value":         taken(vpcA + "  mode: '" + word + "'\n"),
			"for a bool":           taken(vpcA + "  defaultIsolated: " + word + "\n"),
			"as a text for a bool": refused(vpcA+"  defaultIsolated: \""+word+"\"\n", mismatch, 6, 3),
			"as a name": refused(strings.Replace(vpcA, "name: a", "name: "+word, 1)+"  subnets: {}\n", invalid, 4,
				3),
		})
	}
	hold(t, inputs)
}

func TestY6NumbersAndWhatLooksLikeThem(t *testing.T) {
	t.Parallel()
	number := func(text string) string { return vpcA + "  subnets:\n    s:\n      vlan: " + text + "\n" }
	inputs := map[string]hostile{
		"hexadecimal for an integer": taken(number("0x1F")),
		"underscores for an integer": taken(number("1_000")),
		"exponent for an integer":    taken(number("1e3")),
		"fraction for an integer":    refused(number("1.5"), mismatch, 8, 7),
		"text for an integer":        refused(number("\"5\""), mismatch, 8, 7),
		"octal for a text":           refused(vpcA+"  mode: 010\n", mismatch, 6, 3),
		"version for a text":         refused(vpcA+"  mode: 1.10\n", mismatch, 6, 3),
		"MAC for a text":             taken(vpcA + "  mode: 0c:20:12:fe:01:00\n"),
		"date for a text":            taken(vpcA + "  mode: 2026-01-02\n"),
	}
	for name, text := range map[string]string{
		"octal": "010", "octal of 1.2": "0o17", "hexadecimal": "0x1F", "binary": "0b11", "underscores": "1_000",
		"exponent":             "1e3",
		"hash of digits and e": "12e45", "more of them": "1234567e8", "leading zero": "0123456", "MAC": "0c:20:12:fe:01:00",
		"MAC of digits": "00:11:22:33:44:55",
		"sexagesimal":   "190:20:30", "IP": "10.0.0.1", "network": "10.0.0.0/24", "version": "1.10",
		"version of three": "1.2.3", "date": "2026-01-02",
		"time": "2026-01-02T03:04:05Z", "sign": "+1", "fraction": "1.0", "point": ".5", "trailing point": "5.", "minus": "-0",
		"equals": "=",
	} {
		add(inputs, name, map[string]hostile{
			"plain": odd(text), "quoted": odd(`"` + text + `"`),
			"in a list": odd("[" + text + ", '" + text + "']"),
		})
	}
	hold(t, inputs)
}

func TestY7LargeIntegers(t *testing.T) {
	t.Parallel()
	inputs := map[string]hostile{}
	for text, fits := range map[string]bool{
		"9007199254740991": true, "9007199254740993": true, "9223372036854775807": true, "-9223372036854775808": true,
		"9223372036854775808": false, "-9223372036854775809": false, "18446744073709551615": false,
		"18446744073709551616": false, strings.Repeat("9", 400): false,
	} {
		integer := taken(vpcA + "  subnets: {s: {vlan: " + text + "}}\n")
		if !fits {
			integer = refused(integer.in, mismatch, 6, 17)
		}
		add(inputs, text[:min(len(text), 20)], map[string]hostile{
			"unknown field": odd(text), "key": odd("{" + text + ": x}"), "for an integer": integer,
		})
	}
	hold(t, inputs)
}

func TestY8InfinityAndNoNumber(t *testing.T) {
	t.Parallel()
	inputs := map[string]hostile{
		"other spellings are text": odd("[inf, nan, Infinity, .iNf, +.nan]"),
		"beyond the range":         odd("1e999"),
	}
	for _, text := range []string{".inf", "-.inf", "+.Inf", ".INF", ".nan", ".NaN"} {
		add(inputs, text, map[string]hostile{
			"plain":  refused(vpcA+"  odd: "+text+"\n", syntax, 6, 8),
			"key":    refused(vpcA+"  odd: {"+text+": 1}\n", syntax, 6, 9),
			"quoted": odd("'" + text + "'"),
		})
	}
	hold(t, inputs)
}

func TestY9MergeKeys(t *testing.T) {
	t.Parallel()
	base := vpcA + "  subnets:\n    one: &one {vlan: 1, subnet: 10.0.0.0/24}\n"

	two := "    two: &two\n      <<: *one\n      vlan: 2\n"
	hold(t, map[string]hostile{
		"one":              taken(base+two, overlap+"? raw/x.yaml:8:5"),
		"chained":          taken(base+two+"    three: {<<: *two, subnet: 10.0.3.0/24}\n", overlap+"? raw/x.yaml:8:5"),
		"over a duplicate": taken(base+"    two: {vlan: 2, <<: *one}\n", overlap+"? raw/x.yaml:8:5"),
		"several": taken(base+two+"    three: {<<: [*two, *one]}\n", overlap+"? raw/x.yaml:8:5",
			overlap+"? raw/x.yaml:11:5"),
		"quoted is no merge":   taken(base+"    two: {\"<<\": x}\n", unknown+"? raw/x.yaml:8:11"),
		"of a text":            refused(vpcA+"  mode: &m l2vni\n  <<: *m\n", syntax, 7, 7),
		"of a list of numbers": refused(vpcA+"  subnets: {}\n  <<: [1]\n", syntax, 7, 8),
		"twice":                refused(base+"    two:\n      <<: *one\n      <<: *one\n", syntax, 10, 7),
		"of itself":            refused(vpcA+"  subnets: &s\n    <<: *s\n", syntax, 7, 9),
		"in metadata": taken("labels: &l {labels: {k: v}}\n"+strings.Replace(vpcA, "  name: a\n", "  name: a\n  <<: *l\n",
			1)+"  subnets: {}\n",
			unknown+"? raw/x.yaml:1:1"),
		"of annotations": {
			in: mergedAnnotations, kept: map[string]string{"unmanaged/x.yaml": mergedAnnotations},
			says: []string{unknown + "? raw/x.yaml:1:1", invalid + " raw/x.yaml:4:1"},
		},
	})
}

// mergedAnnotations has annotations that can't be added to without a change of what they are.
var mergedAnnotations = "x: &x {annotations: {k: v}}\n" +
	strings.Replace(vpcA, "  name: a\n", "  name: a\n  <<: *x\n", 1) + "  subnets: {}\n"
