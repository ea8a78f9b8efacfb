package errs_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table in docs/errors.md")

const (
	catalogueDoc = "../../docs/errors.md"
	tableBegin   = "<!-- catalogue: begin, written by `go test ./libs/errs -update` -->\n"
	tableEnd     = "<!-- catalogue: end -->"
)

// TestCatalogueIsDocumented keeps docs/errors.md in step with the codes.
func TestCatalogueIsDocumented(t *testing.T) {
	want := catalogueTable(catalogue(t))
	raw, err := os.ReadFile(catalogueDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(raw), tableBegin)
	got, after, ended := strings.Cut(rest, tableEnd)
	if !begun || !ended {
		t.Fatalf("%s has no table between its markers", catalogueDoc)
	}
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the codes say; run: go test ./libs/errs -update", catalogueDoc)
	}
	if err := os.WriteFile(catalogueDoc, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCatalogueIsSound: a code has one meaning, a name in capitals and a remedy that is a sentence.
func TestCatalogueIsSound(t *testing.T) {
	id, name := regexp.MustCompile(`^FGD_[1-5]\d{3}$`), regexp.MustCompile(`^[A-Z][A-Z_]*[A-Z]$`)
	seen := map[string]bool{}
	for _, c := range catalogue(t) {
		switch {
		case !id.MatchString(c[0]) || !name.MatchString(c[1]) || !strings.HasSuffix(c[2], "."):
			t.Errorf("%q is not in the form of the catalogue", c)
		case seen[c[0]] || seen[c[1]]:
			t.Errorf("%s %s is used twice", c[0], c[1])
		}
		seen[c[0]], seen[c[1]] = true, true
	}
}

// catalogue reads id, name and remedy of every code out of the source, in order: the package has no list of them.
func catalogue(t *testing.T) [][3]string {
	t.Helper()
	names, err := filepath.Glob("codes[1-5]_*.go")
	if err != nil {
		t.Fatal(err)
	}
	var codes [][3]string
	for _, name := range names {
		codes = append(codes, codesIn(t, name)...)
	}
	if len(codes) == 0 {
		t.Fatal("there are no codes")
	}
	return codes
}

func codesIn(t *testing.T, name string) (codes [][3]string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if kind, ok := literal.Type.(*ast.Ident); !ok || kind.Name != "Code" || len(literal.Elts) != 4 {
			t.Fatalf("%s holds something that is no complete Code", name)
		}
		var code [3]string
		for i, element := range append(literal.Elts[:1:1], literal.Elts[2:]...) { // all but the kind
			code[i] = text(t, element)
		}
		codes = append(codes, code)
		return true
	})
	return codes
}

// text returns what a literal says, or several that are joined.
func text(t *testing.T, expression ast.Expr) string {
	t.Helper()
	switch x := expression.(type) {
	case *ast.BinaryExpr:
		return text(t, x.X) + text(t, x.Y)
	case *ast.BasicLit:
		said, err := strconv.Unquote(x.Value)
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	t.Fatal("a code has a text that is no literal")
	return ""
}

func catalogueTable(codes [][3]string) string {
	var b strings.Builder
	b.WriteString("\n| code | name | what to do |\n|---|---|---|\n")
	for _, c := range codes {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", c[0], c[1], c[2])
	}
	b.WriteString("\n")
	return b.String()
}
