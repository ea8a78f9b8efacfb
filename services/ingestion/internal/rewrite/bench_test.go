package rewrite

import (
	"fmt"
	"testing"
)

// BenchmarkApply changes one field of a document of 20 KiB.
func BenchmarkApply(b *testing.B) { changeOneOf(b, 400) }

// BenchmarkApplyTenfold does the same to a document of 200 KiB.
func BenchmarkApplyTenfold(b *testing.B) { changeOneOf(b, 4000) }

func changeOneOf(b *testing.B, size int) {
	doc := []byte(head + "spec:\n  links:\n")
	for i := range size {
		doc = fmt.Appendf(doc, "    - a: {port: leaf-%d/E1/1} # c\n      mtu: 9000\n", i)
	}
	_, have, err := read(doc)
	if err != nil {
		b.Fatal(err)
	}
	now := clone(have[spec]).(map[string]any)
	now["links"].([]any)[size/2].(map[string]any)["mtu"] = number("9100")
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Apply(doc, Content{Spec: now}, portKeys); err != nil {
			b.Fatal(err)
		}
	}
}
