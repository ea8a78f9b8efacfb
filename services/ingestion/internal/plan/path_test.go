package plan

import (
	"path"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/stage"
)

// FuzzPaths: whatever a resource that passed validation is called, its file is a file of its kind's folder, with a name
// that file systems and Git take; and two resources never have the same long path.
func FuzzPaths(f *testing.F) {
	f.Add("default", "leaf-01", "x", "leaf-01")
	f.Add("a", "b-c", "a-b", "c")
	f.Add("default", strings.Repeat("x", 253), "y", strings.Repeat("x", 252))
	f.Fuzz(func(t *testing.T, namespace, name, otherNamespace, otherName string) {
		for _, text := range []*string{&namespace, &name, &otherNamespace, &otherName} {
			if *text = asName(*text); !isName(*text) {
				return
			}
		}
		one := &group{
			id:     hedgehog.ResourceID{Group: "vpc.githedgehog.com", Kind: "VPC", Namespace: namespace, Name: name},
			folder: "managed/vpcs/",
		}
		other := &group{id: hedgehog.ResourceID{
			Group: "vpc.githedgehog.com", Kind: "VPC", Namespace: otherNamespace,
			Name: otherName,
		}, folder: "managed/vpcs/"}
		for _, p := range []string{one.path(), one.longPath()} {
			if path.Dir(p) != "managed/vpcs" || path.Clean(p) != p || len(path.Base(p)) > 255 || !strings.HasSuffix(p, ".yaml") {
				t.Errorf("%q of %+v", p, one.id)
			}
		}
		if one.id != other.id && one.longPath() == other.longPath() {
			t.Errorf("%+v and %+v both go to %s", one.id, other.id, one.longPath())
		}
	})
}

// FuzzRefused: whatever the path of a file is, what is refused of it gets places of its own in unmanaged/, which Git
// and file systems take, and nothing that was there is lost.
func FuzzRefused(f *testing.F) {
	f.Add("raw/a.yaml", "a.yaml", uint8(0), uint8(2), "unmanaged/a.yaml")
	f.Add("raw/sub/a.yaml", "raw/sub.yaml", uint8(2), uint8(2), "unmanaged/sub")
	f.Add("raw/."+strings.Repeat("x", 254), "."+strings.Repeat("x", 254), uint8(0), uint8(0), "unmanaged/x/y")
	f.Add("x/"+strings.Repeat("ü", 130)+".yaml", "raw/x/"+strings.Repeat("ü", 130)+".yaml", uint8(0), uint8(3),
		"unmanaged")
	f.Add(strings.Repeat("d/", layout.MaxDepth-1)+"x.yaml", strings.Repeat("e/", layout.MaxDepth-1)+"x.yaml", uint8(0),
		uint8(2), "unmanaged/d")
	f.Fuzz(func(t *testing.T, one, other string, docsOfOne, docsOfOther uint8, there string) {
		entries := []gittree.Entry{
			{Path: one, Blob: id("one")},
			{Path: other, Blob: id("other")},
			{Path: there, Blob: id("there")},
		}
		if !isTree(one, other, there) || layout.Part(one) == layout.Managed || layout.Part(other) == layout.Managed ||
			layout.TooDeep(one) || layout.TooDeep(other) {
			return
		}
		s := stage.New(entries, nil)
		files := []document.File{refusedFile(entries[0], docsOfOne%4), refusedFile(entries[1], docsOfOther%4)}
		done, err := Make(Input{Files: files}, s)
		if err != nil {
			return // a file stands in the place of a folder
		}
		places := map[string]bool{there: true}
		for _, item := range done.Items {
			p := item.Destination
			if item.Outcome != Quarantined || layout.Part(p) != layout.Unmanaged || !isTree(p) || len(path.Base(p)) > 255 ||
				places[p] || layout.TooDeep(p) {
				t.Errorf("outcome %d: %q goes to %q", item.Outcome, item.File.Path, p)
			}
			places[p] = true
		}
		paths := make([]string, 0, len(places))
		for p := range places {
			if _, found := s.Blob(p); !found {
				t.Errorf("nothing is at %q", p)
			}
			paths = append(paths, p)
		}
		if !isTree(paths...) {
			t.Errorf("a file stands in the place of a folder: %q", paths)
		}
	})
}

func id(text string) string { return stage.BlobID([]byte(text)) }

// refusedFile is a file that can't be read, or one of several documents that are all refused.
func refusedFile(e gittree.Entry, docs uint8) document.File {
	file := document.File{Source: inventory.Source{Entry: e}}
	if docs < 2 {
		file.Problem = &finding.Finding{Code: errs.UnsupportedFile, File: e.Path, Message: "it is refused"}
		return file
	}
	for n := range docs {
		file.Docs = append(file.Docs, document.Doc{
			Number: int(n), Line: 1,
			Bytes: []byte(e.Path + strings.Repeat("x", int(n))),
		})
	}
	return file
}

// isTree reports whether files of these paths can be in one Git tree.
func isTree(paths ...string) bool {
	for _, p := range paths {
		for part := range strings.SplitSeq(p, "/") {
			if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") || strings.ContainsRune(part, 0) {
				return false
			}
		}
		for _, other := range paths {
			if strings.HasPrefix(other, p+"/") {
				return false
			}
		}
	}
	slices.Sort(paths)
	return len(slices.Compact(paths)) == len(paths)
}

// asName makes a text of the characters of names out of any.
func asName(text string) string {
	const allowed = "abcxyz019-."
	out := []byte(text)
	for i, b := range out {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') {
			out[i] = allowed[int(b)%len(allowed)]
		}
	}
	return string(out)
}

// isName is what Kubernetes takes as the name of a resource or namespace.
func isName(name string) bool {
	if name == "" || len(name) > 253 || strings.Contains(name, "..") || strings.Trim(name, "-.") != name {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
		})
}
