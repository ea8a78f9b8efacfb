package pipeline_test

import (
	"strings"
	"testing"

	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/stage"
)

const notIngested, duplicated = "FGD_1002", "FGD_1005"

var planDefault = plan.Options{}

func TestY17NoSuchResource(t *testing.T) {
	t.Parallel()
	const unversioned = "kind: VPC\nmetadata:\n  name: a\nspec: {}\n"
	swap := func(old, with string) string { return strings.Replace(vpcNamed("a"), old, with, 1) }
	item := "- apiVersion: vpc.githedgehog.com/v1beta1\n  kind: VPC\n  metadata:\n    name: a\n  spec: {}\n"
	asDocument := "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata:\n  name: a\nspec: {}\n"
	const inJSON = `{"apiVersion": "vpc.githedgehog.com/v1beta1", "kind": "VPC", "metadata": {"name": "a"}, "spec": {}}`
	hold(t, map[string]hostile{
		"no apiVersion": refused(unversioned, invalid, 1, 1),
		"no kind":       refused(swap("kind: VPC\n", ""), invalid, 1, 1),
		"no metadata":   refused("apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nspec: {}\n", invalid, 1, 1),
		"metadata is text": {
			in:   swap("metadata:\n  name: a\n", "metadata: a\n"),
			kept: map[string]string{"unmanaged/x.yaml": swap("metadata:\n  name: a\n", "metadata: a\n")},
			says: []string{invalid + " raw/x.yaml:3:1", mismatch + " raw/x.yaml:3:1"},
		},
		"no name":            refused(swap("  name: a\n", "  labels: {}\n"), invalid, 3, 1),
		"empty name":         refused(swap("name: a", `name: ""`), invalid, 4, 3),
		"name is a number":   refused(swap("name: a", "name: 5"), invalid, 4, 3),
		"name is null":       refused(swap("name: a", "name:"), invalid, 4, 3),
		"generateName":       refused(swap("name: a", "generateName: a-"), invalid, 3, 1),
		"kind is a list":     refused(swap("kind: VPC", "kind: [VPC]"), invalid, 2, 1),
		"kind is null":       refused(swap("kind: VPC", "kind: null"), invalid, 2, 1),
		"kind in other case": refused(swap("kind: VPC", "kind: vpc"), notIngested, 2, 1),
		"unknown kind":       refused(swap("kind: VPC", "kind: Router"), notIngested, 2, 1),
		"unknown group":      refused(swap("vpc.githedgehog", "vpc.gitporcupine"), notIngested, 1, 1),
		"unknown version":    refused(swap("v1beta1", "v2"), notIngested, 1, 1),
		"version is garbage": refused(swap("v1beta1", "a/b"), notIngested, 1, 1),
		"version of no form": refused(swap("v1beta1", "v1gamma"), notIngested, 1, 1),
		"version and a blank": refused(swap("vpc.githedgehog.com/v1beta1", `"vpc.githedgehog.com/v1beta1 "`),
			notIngested, 1, 1),
		"version with a zero": refused(swap("v1beta1", "v1alpha0"), notIngested, 1, 1),
		"of Kubernetes":       refused("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\n", notIngested, 1, 1),
		"written by operator": refused("apiVersion: agent.githedgehog.com/v1beta1\nkind: Agent\nmetadata:\n  name: "+
			"d\nspec: {}\n", notIngested, 2, 1),
		"list": {
			in:      "apiVersion: v1\nkind: List\nitems:\n" + item,
			managed: map[string]string{"managed/vpcs/a.yaml": asDocument},
		},
		"typed list": {
			in:      "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPCList\nmetadata: {}\nitems:\n" + item,
			managed: map[string]string{"managed/vpcs/a.yaml": asDocument},
		},
		"list with a bad item": {
			in:      "apiVersion: v1\nkind: List\nitems:\n" + item + "- kind: VPC\n",
			managed: map[string]string{"managed/vpcs/a.yaml": asDocument},
			kept:    map[string]string{"unmanaged/x.doc-0.item-2.yaml": "kind: VPC\n"},
			says:    []string{invalid + " raw/x.yaml:9:1"},
		},
		"empty list": {in: "apiVersion: v1\nkind: List\nitems: []\n", says: []string{"FGD_1011? raw/x.yaml:1:1"}},
		"empty list and a resource": {
			in:      "apiVersion: v1\nkind: List\nitems:\n---\n" + asDocument,
			managed: map[string]string{"managed/vpcs/a.yaml": asDocument}, says: []string{"FGD_1011? raw/x.yaml:1:1"},
		},
		"JSON list": {
			in:      `{"apiVersion": "v1", "items": [` + inJSON + `, {"kind": "VPC"}], "kind": "List"}`,
			managed: map[string]string{"managed/vpcs/a.yaml": inJSON + "\n"},
			kept:    map[string]string{"unmanaged/x.doc-0.item-2.yaml": "{\"kind\": \"VPC\"}\n"},
			says:    []string{invalid + " raw/x.yaml:1:1"},
		},
		"list with dashes alone": {
			in:      "apiVersion: v1\nkind: List\nitems:\n-\n" + indented(asDocument),
			managed: map[string]string{"managed/vpcs/a.yaml": asDocument},
		},
		"list whose items hang together": refused(
			"apiVersion: v1\nkind: List\nitems:\n- kind: &k VPC\n- kind: *k\n", notIngested, 2, 1),
		"list without items": refused("apiVersion: v1\nkind: List\n", notIngested, 2, 1),
		"list of text":       refused("apiVersion: v1\nkind: List\nitems:\n- a\n", notIngested, 2, 1),
		"list of lists": {
			in: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n" + indented(item) +
				"- kind: VPC\n",
			managed: map[string]string{"managed/vpcs/a.yaml": asDocument},
			kept:    map[string]string{"unmanaged/x.doc-0.item-2.yaml": "kind: VPC\n"},
			says:    []string{invalid + " raw/x.yaml:12:1"},
		},
	})
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

func TestY18SameResourceTwice(t *testing.T) {
	t.Parallel()
	one, other := vpcNamed("a"), strings.Replace(vpcNamed("a"), "subnets: {}", "mode: l3vni", 1)
	inOrder := strings.Replace(one, "  name: a\n", "  namespace: default\n  name: \"a\"\n", 1)
	hold(t, map[string]hostile{
		"equal": {
			files:   map[string]string{"raw/x.yaml": one, "raw/y.yaml": one},
			managed: map[string]string{"managed/vpcs/a.yaml": one},
		},
		"equal in meaning": {
			files:   map[string]string{"raw/x.yaml": one, "raw/y.yaml": inOrder},
			managed: map[string]string{"managed/vpcs/a.yaml": one},
		},
		"equal in one file": {in: one + "---\n" + one, managed: map[string]string{"managed/vpcs/a.yaml": one}},
		"different in two files": {
			files: map[string]string{"raw/x.yaml": one, "raw/y.yaml": other},
			kept:  map[string]string{"unmanaged/x.yaml": one, "unmanaged/y.yaml": other},
			says:  []string{duplicated + " raw/x.yaml:1:1", duplicated + " raw/y.yaml:1:1"},
		},
		"different in one file": {
			in:   one + "---\n" + other,
			kept: map[string]string{"unmanaged/x.doc-0.yaml": one, "unmanaged/x.doc-1.yaml": other},
			says: []string{duplicated + " raw/x.yaml:1:1", duplicated + " raw/x.yaml:8:1"},
		},
		"in two namespaces": {
			in: one + "---\n" + strings.Replace(one, "name: a", "name: a\n  namespace: b", 1),
			managed: map[string]string{
				"managed/vpcs/a.yaml":   one,
				"managed/vpcs/b-a.yaml": strings.Replace(one, "name: a", "name: a\n  namespace: b", 1),
			},
		},
		"another with its path": {
			in: strings.Replace(one, "name: a", "name: b-a", 1) + "---\n" +
				strings.Replace(one, "name: a", "name: a\n  namespace: b", 1),
			managed: map[string]string{"managed/vpcs/b-a_default_vpc.githedgehog.com.yaml": strings.Replace(one, "name: a",
				"name: b-a", 1), "managed/vpcs/b-a.yaml": strings.Replace(one, "name: a", "name: a\n  namespace: b", 1)},
		},
		"names that differ in case": {
			in:      one + "---\n" + strings.Replace(one, "name: a", "name: A", 1),
			managed: map[string]string{"managed/vpcs/a.yaml": one},
			kept:    map[string]string{"unmanaged/x.doc-1.yaml": strings.Replace(one, "name: a", "name: A", 1)},
			says:    []string{invalid + " raw/x.yaml:11:3"},
		},
	})
}

func TestY19TheAuthorsText(t *testing.T) {
	t.Parallel()
	styled := `# Head, with a blank line behind it

kind: "VPC"   # double quotes
apiVersion: 'vpc.githedgehog.com/v1beta1'
spec:
      defaultIsolated:   true
      mode: >-
          l2vni
      subnets:
          one: { vlan: 0x10 , subnet: '10.0.0.0/24' }   # flow


          # before two
          "two":
              vlan: 1_000
metadata: # below spec
    # above the name
    name:   a   # behind the name
    labels:
      b: "2"
      a: '1'
# Tail
`
	hold(t, map[string]hostile{
		"all sorts of styles": taken(styled),
		"DOS line ends":       taken(strings.ReplaceAll(styled, "\n", "\r\n")),
		"no line end":         taken(strings.TrimSuffix(styled, "\n# Tail\n")),
		"its own annotations": taken(strings.Replace(styled, "    labels:\n",
			"    annotations: # mine\n        z: \"1\" # z\n\n        a: b\n    labels:\n", 1)),
		"empty annotations": taken(strings.Replace(styled, "    labels:\n", "    annotations: {}\n    labels:\n", 1)),
		"metadata in braces": taken("apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata: { name: a } # " +
			"here\nspec: {}\n"),
		"all in braces": taken("{\"apiVersion\": \"vpc.githedgehog.com/v1beta1\", \"kind\": \"VPC\", \"metadata\": " +
			"{\"name\": \"a\"}, \"spec\": {}}\n"),
		"annotations of null": taken(strings.Replace(styled, "    labels:\n", "    annotations:\n    labels:\n", 1)),
	})
	t.Run("an edit is a one-line difference", func(t *testing.T) {
		t.Parallel()
		_, first := ingestTwice(t, map[string]string{"raw/x.yaml": styled}, planDefault)
		edited := strings.Replace(first["managed/vpcs/a.yaml"], "0x10", "0x11", 1)
		result, second := ingestTwice(t, map[string]string{"managed/vpcs/a.yaml": edited}, planDefault)
		if second["managed/vpcs/a.yaml"] != edited || len(result.Findings) != 0 {
			t.Errorf("findings %v, and\n%s", result.Findings, second["managed/vpcs/a.yaml"])
		}
	})
}

func TestY20CharactersInNames(t *testing.T) {
	t.Parallel()
	cases := map[string]hostile{}
	for what, name := range map[string]string{
		"bidirectional override": "a\u202eb", "bidirectional isolate": "a\u2066b", "zero width space": "a\u200bb",
		"zero width joiner": "a\u200db", "soft hyphen": "a\u00adb",
		"Cyrillic a": "\u0430", "full width": "\uff41", "combining": "a\u0301", "composed": "á", "emoji": "🚀",
		"no-break space": "a\u00a0b", "tag characters": "a\U000e0061",
	} {
		cases[what] = refused(strings.Replace(vpcA, "name: a", "name: "+name, 1)+"  subnets: {}\n", invalid, 4, 3)
		cases[what+" quoted"] = refused(strings.Replace(vpcA, "name: a", `name: "`+name+`"`, 1)+"  subnets: {}\n", invalid, 4,
			3)
		cases[what+" in a namespace"] = refused(strings.Replace(vpcA, "name: a", "name: a\n  namespace: "+name,
			1)+"  subnets: {}\n", invalid, 5, 3)
	}
	for what, name := range map[string]string{
		"path": "../../etc/passwd", "slash": "a/b", "backslash": `a\b`, "dots": "..", "dot": ".", "hidden": ".git",
		"space": "a b", "upper case": "A", "colon": "c:x",
		"trailing dot": "a.", "trailing hyphen": "a-", "underscore": "a_b", "too long": strings.Repeat("x", 254),
		"glob": "a*",
	} {
		cases[what] = refused(strings.Replace(vpcA, "name: a", "name: '"+name+"'", 1)+"  subnets: {}\n", invalid, 4, 3)
	}
	long := strings.Repeat("x", 253)
	longest := strings.Replace(vpcA, "name: a", "name: "+long, 1) + "  subnets: {}\n"
	cases["as long as allowed"] = hostile{in: longest, managed: map[string]string{"managed/vpcs/" +
		stage.Truncate(long, ".yaml"): longest}}
	hold(t, cases)
}
