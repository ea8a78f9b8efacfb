package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/test/system"
)

const module = "fgdsync.dev/"

// source is what the rules look at of a file.
type source struct {
	path, folder     string // from the root of the project
	lines            int
	imports          []string
	functions        []int // their lengths in lines
	exported         int   // names
	undocumented     []string
	describesPackage bool
}

// read reads the files once for all tests.
var read = sync.OnceValues(readSources)

// sources are the files of the project that are neither tests nor generated.
func sources(t *testing.T) []source {
	t.Helper()
	all, err := read()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func readSources() ([]source, error) {
	root, err := system.Root()
	if err != nil {
		return nil, err
	}
	var all []source
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "bin"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if parsed, generated, err := parse(path, filepath.ToSlash(relative)); err != nil {
			return err
		} else if !generated {
			all = append(all, parsed)
		}
		return nil
	})
	return all, err
}

func parse(path, relative string) (s source, generated bool, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil || ast.IsGenerated(file) {
		return source{}, true, err
	}
	s = source{
		path: relative, folder: filepath.Dir(relative), lines: files.Position(file.End()).Line,
		describesPackage: file.Doc.Text() != "",
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, false, err
		}
		s.imports = append(s.imports, imported)
	}
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			s.functions = append(s.functions, files.Position(d.End()).Line-files.Position(d.Pos()).Line+1)
			if receiver := receiverOf(d); receiver == "" || ast.IsExported(receiver) {
				s.name(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			s.declared(d)
		}
	}
	return s, false, nil
}

// receiverOf returns the name of the type that a method belongs to, empty for a function.
func receiverOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

func (s *source) declared(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.name(spec.Name, d.Doc, spec.Doc, spec.Comment)
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				s.name(name, d.Doc, spec.Doc, spec.Comment)
			}
		}
	}
}

// name counts a name that others see.
func (s *source) name(name *ast.Ident, comments ...*ast.CommentGroup) {
	if !name.IsExported() {
		return
	}
	s.exported++
	for _, comment := range comments {
		if comment.Text() != "" {
			return
		}
	}
	s.undocumented = append(s.undocumented, s.folder+"."+name.Name)
}
