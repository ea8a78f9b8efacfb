package pipeline_test

import (
	"strings"
	"testing"
	"unicode/utf16"
)

const unsupported, tooLarge, empty, manyDocs = "FGD_1007", "FGD_1006", "FGD_1011", "FGD_1012"

// two is a file of two documents, of which the second goes to unmanaged/.
func two(first, separator, second, code string, line, column int) hostile {
	h := refused(first+separator+second, code, line, column)
	h.kept = map[string]string{"unmanaged/x.doc-1.yaml": second}
	h.managed = map[string]string{"managed/vpcs/a.yaml": first}
	return h
}

func TestY10ByteOrderMarks(t *testing.T) {
	t.Parallel()
	const bom = "\ufeff"
	a, b := vpcNamed("a"), vpcNamed("b")
	hold(t, map[string]hostile{
		"at the start":              taken(bom + a),
		"at the start, then marker": {in: bom + "---\n" + a, managed: map[string]string{"managed/vpcs/a.yaml": a}},
		"before the second document": {
			in:      a + "---\n" + bom + b,
			managed: map[string]string{"managed/vpcs/a.yaml": a, "managed/vpcs/b.yaml": bom + b},
		},
		"before a separator": {
			in:      a + bom + "---\n" + b,
			managed: map[string]string{"managed/vpcs/a.yaml": a, "managed/vpcs/b.yaml": b},
		},
		"inside of a document": refused(a+bom+"x: 1\n", syntax, 7, 1),
		"inside of a value":    refused(vpcA+"  mode: a"+bom+"b\n", syntax, 6, 10),
		"alone": {
			in: bom, kept: map[string]string{"unmanaged/x.yaml": bom},
			says: []string{empty + " raw/x.yaml:0:0"},
		},
		"UTF-16, little end first": refused(inUTF16(a, 0, 1), syntax, 1, 1),
		"UTF-16, big end first":    refused(inUTF16(a, 1, 0), syntax, 1, 1),
		"UTF-16 without a mark":    refused(inUTF16(a, 0, 1)[2:], unsupported, 1, 2),
	})
}

// inUTF16 encodes a text, with a mark, into two bytes a character at the places given.
func inUTF16(text string, low, high int) string {
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		pair := [2]byte{}
		pair[low], pair[high] = byte(unit&0xff), byte(unit>>8)
		out.Write(pair[:])
	}
	return out.String()
}

func TestY11Characters(t *testing.T) {
	t.Parallel()
	hold(t, map[string]hostile{
		"invalid UTF-8":            refused(vpcA+"  mode: a\xffb\n", syntax, 6, 10),
		"cut UTF-8":                refused(vpcA+"  mode: \xe2\x82", syntax, 6, 9),
		"surrogate":                refused(vpcA+"  mode: \xed\xa0\x80\n", syntax, 6, 9),
		"overlong":                 refused(vpcA+"  mode: \xc0\xaf\n", syntax, 6, 9),
		"NUL":                      refused(vpcA+"  mode: a\x00\n", unsupported, 6, 10),
		"NUL escaped":              refused(vpcA+"  mode: \"a\\0\"\n", syntax, 6, 9),
		"NUL escaped in a key":     refused(vpcA+"  \"a\\0\": 1\n", syntax, 6, 3),
		"control character":        refused(vpcA+"  mode: a\x01\n", syntax, 6, 10),
		"escape character":         refused(vpcA+"  mode: 'a\x1b[2Jb'\n", syntax, 6, 11),
		"DEL":                      refused(vpcA+"  mode: a\x7f\n", syntax, 6, 10),
		"C1 control character":     refused(vpcA+"  mode: a\u0080\n", syntax, 6, 10),
		"control in a comment":     refused(vpcA+"  mode: a # \x07\n", syntax, 6, 13),
		"backspace escaped":        refused(vpcA+"  mode: \"a\\b\"\n", syntax, 6, 9),
		"noncharacter":             refused(vpcA+"  mode: a\ufffe\n", syntax, 6, 10),
		"escaped tab and newline":  taken(vpcA + "  mode: \"a\\t\\nb\"\n"),
		"line separator quoted":    taken(vpcA + "  mode: \"a\u2028b\"\n"),
		"line separator escaped":   taken(vpcA + "  mode: \"a\\u2028\\L\\P\\Nb\"\n"),
		"line separator first":     taken("# a\u2028# b\n" + vpcNamed("a")),
		"line separator in a text": taken(vpcA + "  mode: |\n    a\u2028    b\n"),
		"beyond the first plane":   taken(vpcA + "  mode: \"\U0001f680 \\U0001F680 é\"\n"),
		"in one document of two": {
			in:      vpcNamed("a") + "---\n" + vpcA + "  mode: a\x01\n",
			managed: map[string]string{"managed/vpcs/a.yaml": vpcNamed("a")},
			kept:    map[string]string{"unmanaged/x.doc-1.yaml": vpcA + "  mode: a\x01\n"},
			says:    []string{syntax + " raw/x.yaml:13:10"},
		},
	})
}

const otherReader = "FGD_1032?"

func TestY12Tabs(t *testing.T) {
	t.Parallel()
	const jsonVPC = "{\n\"apiVersion\": \"vpc.githedgehog.com/v1beta1\",\n\"kind\": \"VPC\",\n" +
		"\"metadata\": {\"name\": \"a\"},\n\"spec\": {}}\n"
	hold(t, map[string]hostile{
		"for indentation":         refused(vpcA+"\tsubnets: {}\n", syntax, 6, 1),
		"in JSON":                 taken(strings.Replace(jsonVPC, "\n", "\n\t", 4), otherReader+" raw/x.yaml:2:1"),
		"for nested indentation":  refused(vpcA+"  subnets:\n  \ts: {}\n", syntax, 7, 3),
		"behind a colon":          taken(vpcA+"  subnets:\t{}\n", otherReader+" raw/x.yaml:6:11"),
		"behind a value":          taken(vpcA+"  mode: a\t\n  subnets: {}\t# none\n", otherReader+" raw/x.yaml:6:10"),
		"in a blank line":         refused(vpcA+"\t\n  subnets: {}\n", syntax, 6, 1),
		"in quotes":               taken(vpcA + "  mode: \"a\tb\"\n"),
		"in a block scalar":       taken(vpcA + "  mode: |\n    a\tb\n    \tc\n"),
		"in a flow mapping":       taken(vpcA+"  subnets: {\ts:\t{vlan:\t1}\t}\n", otherReader+" raw/x.yaml:6:13"),
		"behind a sequence entry": refused(vpcA+"  permit:\n  -\t[a]\n", syntax, 7, 4),
	})
}

func TestY13Separators(t *testing.T) {
	t.Parallel()
	a, b := vpcNamed("a"), vpcNamed("b")
	both := map[string]string{"managed/vpcs/a.yaml": a, "managed/vpcs/b.yaml": b}
	inBlock := vpcA + "  mode: |\n    x\n    ---\n    ...\n    y\n"
	cut := vpcA + "  mode: |\n    x\n"
	hold(t, map[string]hostile{
		"end, then garbage": {
			in: a + "...\n}garbage\n", managed: map[string]string{"managed/vpcs/a.yaml": a},
			kept: map[string]string{"unmanaged/x.doc-1.yaml": "}garbage\n"},
			says: []string{syntax + " raw/x.yaml:8:1"},
		},
		"end, then a document": {in: a + "...\n" + b, managed: both},
		"end, then a marker":   {in: a + "...\n---\n" + b, managed: both},
		"text behind the end": {
			in: a + "... x\n" + b, kept: map[string]string{"unmanaged/x.doc-0.yaml": a + "... x\n"},
			managed: map[string]string{"managed/vpcs/b.yaml": b}, says: []string{syntax + " raw/x.yaml:7:1"},
		},
		"comment behind a marker": {in: a + "--- # c\n" + b, managed: map[string]string{
			"managed/vpcs/a.yaml": a,
			"managed/vpcs/b.yaml": "--- # c\n" + b,
		}},
		"empty mapping behind a marker": {
			in: a + "--- {}\n---\n" + b, managed: both, kept: map[string]string{"unmanaged/x.doc-1.yaml": "--- {}\n"},
			says: []string{invalid + " raw/x.yaml:7:5", invalid + " raw/x.yaml:7:5"},
		},
		"in a block scalar": taken(inBlock),
		"in a block scalar, at the margin": {
			in: cut + "---\nrest of the text\n", managed: map[string]string{"managed/vpcs/a.yaml": cut},
			kept: map[string]string{"unmanaged/x.doc-1.yaml": "rest of the text\n"}, says: []string{invalid + " raw/x.yaml:9:1"},
		},
		"in quotes": {
			in:   vpcA + "  mode: \"x\n---\n  y\"\n",
			kept: map[string]string{"unmanaged/x.doc-0.yaml": vpcA + "  mode: \"x\n", "unmanaged/x.doc-1.yaml": "  y\"\n"},
			says: []string{syntax + " raw/x.yaml:6:3", invalid + " raw/x.yaml:8:3"},
		},
		"four dashes":        two(a, "---\n", "----\n", invalid, 8, 1),
		"several in a row":   {in: "---\n---\n" + a + "---\n\n---\n---\n" + b + "---\n", managed: both},
		"white space behind": {in: a + "--- \t\n" + b, managed: both},
		"indented":           refused(a+" ---\n"+b, syntax, 7, 2),
		"DOS line ends": {in: dos(a + "---\n" + b), managed: map[string]string{
			"managed/vpcs/a.yaml": dos(a),
			"managed/vpcs/b.yaml": dos(b),
		}},
		"old Mac line ends": {
			in: strings.ReplaceAll(a+"---\n"+b, "\n", "\r"),
			managed: map[string]string{
				"managed/vpcs/a.yaml": strings.ReplaceAll(a, "\n", "\r"),
				"managed/vpcs/b.yaml": strings.ReplaceAll(b, "\n", "\r"),
			},
		},
		"no line end at the end": {in: a + "---\n" + strings.TrimSuffix(b, "\n") + "\n---", managed: both},
	})
}

func dos(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

func TestY14NoMapping(t *testing.T) {
	t.Parallel()
	whole := func(in string) hostile {
		return hostile{in: in, kept: map[string]string{"unmanaged/x.yaml": in}, says: []string{empty + " raw/x.yaml:0:0"}}
	}
	hold(t, map[string]hostile{
		"no byte": {
			files: map[string]string{"raw/x.yaml": ""}, kept: map[string]string{"unmanaged/x.yaml": ""},
			says: []string{empty + " raw/x.yaml:0:0"},
		},
		"comment": whole("# nothing\n"), "blank": whole("\n \n\t\n"), "marker": whole("---\n"),
		"markers and comments": whole("---\n# a\n---\n# b\n..."),
		"null":                 refused("null\n", empty, 1, 1),
		"tilde":                refused("--- ~\n", empty, 1, 5),
		"list":                 refused("- a\n- b\n", invalid, 1, 1),
		"text":                 refused("# c\nhello world\n", invalid, 2, 1),
		"number":               refused("42\n", invalid, 1, 1),
		"block scalar":         refused("|\n  apiVersion: x\n", invalid, 1, 1),
		"empty mapping": {
			in: "{}\n", kept: map[string]string{"unmanaged/x.yaml": "{}\n"},
			says: []string{invalid + " raw/x.yaml:1:1", invalid + " raw/x.yaml:1:1"},
		},
		"among others": {
			in:      vpcNamed("a") + "---\n# c\n---\nnull\n---\n" + vpcNamed("b"),
			managed: map[string]string{"managed/vpcs/a.yaml": vpcNamed("a"), "managed/vpcs/b.yaml": vpcNamed("b")},
			kept:    map[string]string{"unmanaged/x.doc-2.yaml": "# c\nnull\n"}, says: []string{empty + " raw/x.yaml:10:1"},
		},
	})
}

func TestY15DirectivesAndTags(t *testing.T) {
	t.Parallel()
	a := vpcNamed("a")
	hold(t, map[string]hostile{
		"YAML 1.1":                 taken("%YAML 1.1\n---\n" + a),
		"YAML 1.2":                 refused("%YAML 1.2\n---\n"+a, syntax, 1, 1),
		"unused tag handle":        taken("%TAG !e! tag:example.com,2026:\n---\n" + a),
		"used tag handle":          refused("%TAG !e! tag:example.com,2026:\n---\n"+vpcA+"  mode: !e!x y\n", syntax, 8, 9),
		"custom tag":               refused(vpcA+"  mode: !mine y\n", syntax, 6, 9),
		"custom tag of a mapping":  refused(vpcA+"  subnets: !mine {}\n", syntax, 6, 12),
		"custom tag of a sequence": refused(vpcA+"  permit: !mine []\n", syntax, 6, 11),
		"custom tag of a key":      refused(vpcA+"  !mine mode: x\n", syntax, 6, 3),
		"binary":                   refused(vpcA+"  mode: !!binary YQ==\n", syntax, 6, 9),
		"Python object":            refused(vpcA+"  mode: !!python/object/apply:os.system [id]\n", syntax, 6, 9),
		"text":                     taken(vpcA + "  mode: !!str 5\n"),
		"text without a word":      refused(vpcA+"  mode: ! 5\n", mismatch, 6, 3),
		"integer":                  taken(vpcA + "  subnets: !!map {s: {vlan: !!int 5}}\n"),
		"integer that is none":     refused(vpcA+"  subnets: {s: {vlan: !!int x}}\n", syntax, 6, 23),
		"set":                      refused(vpcA+"  subnets: !!set {s}\n", syntax, 6, 12),
		"unknown directive":        refused("%MINE 1\n---\n"+a, syntax, 1, 1),
		"directive in the middle": {
			in:      a + "%YAML 1.1\n---\n" + vpcNamed("b"),
			kept:    map[string]string{"unmanaged/x.doc-0.yaml": a + "%YAML 1.1\n"},
			managed: map[string]string{"managed/vpcs/b.yaml": vpcNamed("b")}, says: []string{syntax + " raw/x.yaml:7:1"},
		},
	})
}

func TestY16Aliases(t *testing.T) {
	t.Parallel()
	anchored := strings.Replace(vpcA, "name: a", "name: &name a", 1) + "  subnets: {}\n"
	hold(t, map[string]hostile{
		"to itself":              refused(vpcA+"  subnets: &s {a: *s}\n", syntax, 6, 19),
		"to itself in a list":    refused(vpcA+"  permit: &p [*p]\n", syntax, 6, 15),
		"to the document":        refused("--- &d\n"+vpcA+"  subnets: *d\n", syntax, 7, 12),
		"to an earlier document": two(anchored, "---\n", vpcA+"  mode: *name\n", syntax, 13, 9),
		"to nothing":             refused(vpcA+"  mode: *x\n", syntax, 6, 9),
		"within a document":      taken(vpcA + "  subnets: {x: &s {vlan: 1}, y: *s}\n"),
		"as the name": taken("x: &n a\n"+strings.Replace(vpcA, "name: a", "name: *n", 1)+"  subnets: {}\n",
			unknown+"? raw/x.yaml:1:1"),
		"as a key":    taken(vpcA + "  subnets: {&k k: {vlan: 1}, l: {vlan: 2}}\n"),
		"of too many": refused(vpcA+"  permit: [&p [a]"+strings.Repeat(", *p", 101)+"]\n", syntax, 6, 420),
	})
}
