package pipeline_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// TestY1AliasBombs: what an alias repeats is counted before anything is made of it.
func TestY1AliasBombs(t *testing.T) {
	t.Parallel()
	hold(t, map[string]hostile{
		"in flow style":   refused(vpcA+"  odd: "+flowBomb(12)+"\n", syntax, 6, 26),
		"in block style":  refused(vpcA+"  odd:\n"+blockBomb(12), syntax, 9, 11),
		"of merges":       refused(vpcA+"  odd:\n"+mergeBomb(30), syntax, 10, 19),
		"in one document": two(vpcNamed("a"), "---\n", vpcA+"  odd: "+flowBomb(12)+"\n", syntax, 13, 26),
	})
}

// TestParsingIsFrugal: what is refused for its size or depth takes little memory. It counts what the whole process
// allocates, so nothing else may run beside it.
func TestParsingIsFrugal(t *testing.T) {
	for _, bomb := range []string{flowBomb(12), blockBomb(12), mergeBomb(30)} {
		requireFrugal(t, []byte("a:\n"+bomb))
	}
	for _, value := range deep() {
		requireFrugal(t, []byte(vpcA+"  odd: "+value+"\n"))
	}
	requireFrugal(t, []byte(vpcA+"  odd:\n"+strings.Repeat("  - a\n", 1_000_000)))
	requireFrugal(t, []byte(vpcA+"  odd: ["+strings.Repeat("a,", 1_000_000)+"]\n"))
}

// flowBomb is a list of lists of lists: each level ten times the one before.
func flowBomb(levels int) string {
	out := "[&a0 [x, x]"
	for i := 1; i < levels; i++ {
		out += fmt.Sprintf(", &a%d [%s*a%d]", i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 7), i-1)
	}
	return out + "]"
}

func blockBomb(levels int) string {
	out := "    a0: &a0 {k: v}\n"
	for i := 1; i < levels; i++ {
		out += fmt.Sprintf("    a%d: &a%d\n", i, i)
		for j := range 8 {
			out += fmt.Sprintf("      k%d: *a%d\n", j, i-1)
		}
	}
	return out
}

// mergeBomb has mappings that merge the one before twice.
func mergeBomb(levels int) string {
	out := "    a0: &a0 {k: v}\n"
	for i := 1; i < levels; i++ {
		out += fmt.Sprintf("    a%d: &a%d {<<: [*a%d, *a%d]}\n", i, i, i-1, i-1)
	}
	return out
}

// requireFrugal holds that parsing takes little memory, all that was given back included.
func requireFrugal(t *testing.T, doc []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := yamldoc.Parse(doc, limits)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("it was accepted")
	}
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 64<<20 {
		t.Errorf("%.40q… took %d MiB", doc, spent>>20)
	}
}

// deep are values that are nested deeper than a document may be.
func deep() map[string]string {
	return map[string]string{
		"sequences in flow style":   strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		"mappings in flow style":    strings.Repeat("{a: ", 10_000) + strings.Repeat("}", 10_000),
		"unclosed":                  strings.Repeat("[", 10_000),
		"sequences in block style":  "\n    " + strings.Repeat("- ", 10_000) + "x",
		"mappings in block style":   "\n" + deepBlock(200),
		"complex keys":              "\n    " + strings.Repeat("? ", 10_000) + "x",
		"400 kB of brackets":        strings.Repeat("[", 400_000),
		"brackets and braces":       strings.Repeat("[{", 5_000),
		"commas without an end":     "[" + strings.Repeat(",", 200_000),
		"dashes without an end":     "\n    " + strings.Repeat("- ", 200_000),
		"key after key on one line": strings.Repeat("a: ", 20_000),
	}
}

// TestY2DeepNesting: the depth of a document is bounded.
func TestY2DeepNesting(t *testing.T) {
	t.Parallel()
	for name, value := range deep() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := vpcA + "  odd: " + value + "\n"
			result, after := ingestTwice(t, map[string]string{"raw/x.yaml": in, "raw/good.yaml": vpcNamed("b")}, planDefault)
			if len(result.Findings) != 1 || result.Findings[0].Code.ID != syntax || result.Findings[0].Line == 0 {
				t.Errorf("findings: %+v", result.Findings)
			}
			if after["unmanaged/x.yaml"] != in || after["managed/vpcs/b.yaml"] == "" {
				t.Error("the bad file is not in unmanaged/, or the good one not in managed/")
			}
		})
	}
	t.Run("as deep as allowed", func(t *testing.T) {
		t.Parallel()
		hold(t, map[string]hostile{
			"just so":  odd(strings.Repeat("[", 62) + strings.Repeat("]", 62)),
			"one more": refused(vpcA+"  odd: "+strings.Repeat("[", 64)+strings.Repeat("]", 64)+"\n", syntax, 6, 71),
		})
	})
}

func deepBlock(levels int) string {
	var out strings.Builder
	for i := range levels {
		out.WriteString(strings.Repeat(" ", 4+i) + "a:\n")
	}
	return out.String()
}

// TestY3ManyDocuments: a large file is read as a whole, with a warning; one beyond the limit not at all.
func TestY3ManyDocuments(t *testing.T) {
	t.Parallel()
	docs := make([]string, 5000)
	for i := range docs {
		docs[i] = strings.Replace(vpcNamed(fmt.Sprintf("v-%04d", i)), "kind: VPC\n",
			"kind: VPC # "+strings.Repeat("-", 320)+"\n", 1)
	}
	docs[2500] = "kind: VPC\n  broken: [\n"
	in := strings.Join(docs, "---\n")
	if len(in) < 2_000_000 {
		t.Fatalf("only %d bytes", len(in))
	}
	result, after := ingestTwice(t, map[string]string{"raw/x.yaml": in}, planDefault)
	managed := 0
	for p := range after {
		if strings.HasPrefix(p, "managed/") {
			managed++
		}
	}
	if managed != 4999 || after["unmanaged/x.doc-2500.yaml"] != docs[2500] {
		t.Errorf("%d managed, quarantined: %q", managed, after["unmanaged/x.doc-2500.yaml"])
	}
	says := make([]string, 0, 2)
	for _, f := range result.Findings {
		says = append(says, fmt.Sprintf("%s %s:%d", f.Code.ID, f.File, f.Line))
	}
	slices.Sort(says)
	want := []string{syntax + " raw/x.yaml:" + fmt.Sprint(2500*7+2), manyDocs + " raw/x.yaml:0"}
	if !slices.Equal(says, want) {
		t.Errorf("findings: %q, want %q", says, want)
	}
	huge := vpcNamed("a") + "#" + strings.Repeat("x", 10<<20) + "\n"
	hold(t, map[string]hostile{"beyond the limit": {
		in: huge, kept: map[string]string{"unmanaged/x.yaml": huge}, says: []string{tooLarge + " raw/x.yaml:0:0"},
	}})
}
