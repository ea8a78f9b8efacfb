package rewrite

import (
	"errors"
	"math/rand/v2"
	"testing"
)

// FuzzApply: whatever a document is and whatever it shall say, what comes out says it, and says it again unchanged; or
// the document is refused.
func FuzzApply(f *testing.F) {
	for _, doc := range []string{
		head + "spec:\n  a: 1 # c\n  b: [x, {y: z}]\n", head + "spec: {a: 1, \"b\": [1,\n 2,], }\n",
		head + "spec:\n  a: &x {b: c}\n  d: *x\n  e:\n    <<: *x\n    f: g\n", "\ufeff---\n" + head + "spec:\r\n  ? a\r\n  : b\r\n...\r\n",
		head + "spec:\n  a: |+2\n    b\n\n  c: >-\n   d\n   e\n\n   f\n", `{"metadata": {"labels": {"a": "b"}}, "spec": {"c": [{}, null]}}`,
		head + "spec:\n- - a\n  - b: c\n    d:\n- !!str e\n- &f\n",
		head + "spec:\n  a:\tb\n  c: d\n   e\n  'f': \"g\\\n    h\"\n",
		head + "spec: # c\n  # d\n  a:\n\n    # e\n    b: ü\n  ü: [ü, é]\n# f", head + "spec:\n  l:\n  -\n    # c\n    a: b\n  - # d\n    c\n",
		"metadata:\n  annotations: {hnp.githedgehog.com/a: b, c: d}\n  labels:\n", "metadata: &m\n  labels: {a: b}\nspec: *m\n",
	} {
		f.Add([]byte(doc), `{"a": 2, "b": ["x", "w", {"y": null}]}`, uint64(1))
		f.Add([]byte(doc), `{}`, uint64(2))
		f.Add([]byte(doc), ``, uint64(3))
	}
	f.Fuzz(func(t *testing.T, doc []byte, text string, seed uint64) {
		_, have, err := read(doc)
		if err != nil {
			return
		}
		want := contentOf(have)
		random := rand.New(rand.NewPCG(seed, 0))
		d := drawer{chance: func(n int, _ string) int { return random.IntN(n) }}
		if value, err := decode([]byte(text)); err == nil {
			want.Spec, _ = value.(map[string]any)
		} else if now, _, ok := d.change(nonNil(want.Spec)); ok {
			want.Spec = now
		}
		if seed%3 == 0 {
			want.Labels, want.Annotations = want.Annotations, want.Labels
		}
		out, err := Apply(doc, want, portKeys)
		if err != nil {
			if e := (*Error)(nil); !errors.As(err, &e) || e.Reason == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		_, got, err := read(out)
		if err != nil {
			t.Fatalf("%v in\n%s\nfrom\n%s", err, out, doc)
		}
		whole, err := wanted(have, want)
		if err != nil || !equal(got, whole) {
			t.Fatalf("%q became %q: %v", doc, out, err)
		}
		if again, err := Apply(out, want, portKeys); err != nil || string(again) != string(out) {
			t.Fatalf("%q became %q: %v", out, again, err)
		}
	})
}
