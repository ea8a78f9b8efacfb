package treestore

import (
	"crypto/sha1" //nolint:gosec // Git's object ids
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// objectID returns the id of an object of Git.
func objectID(kind string, content []byte) string {
	sum := sha1.New() //nolint:gosec // Git's object ids
	fmt.Fprintf(sum, "%s %d\x00", kind, len(content))
	sum.Write(content)
	return hex.EncodeToString(sum.Sum(nil))
}

// treeID is the id of the root of a tree, given its leaves by path.
func treeID(leaves map[string]Leaf) string {
	type item struct{ sortKey, line string }
	folders := map[string]map[string]Leaf{}
	var items []item
	for path, leaf := range leaves {
		name, rest, deeper := strings.Cut(path, "/")
		if !deeper {
			items = append(items, item{name, treeLine(gitMode(leaf.Mode), name, leaf.Blob)})
			continue
		}
		if folders[name] == nil {
			folders[name] = map[string]Leaf{}
		}
		folders[name][rest] = leaf
	}
	for name, below := range folders {
		// Git sorts a folder as if its name ended in a slash.
		items = append(items, item{name + "/", treeLine("40000", name, treeID(below))})
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.sortKey, b.sortKey) })
	var content strings.Builder
	for _, i := range items {
		content.WriteString(i.line)
	}
	return objectID("tree", []byte(content.String()))
}

func treeLine(mode, name, id string) string {
	raw, err := hex.DecodeString(id)
	if err != nil {
		panic(fmt.Sprintf("object id %q of %s is not hexadecimal", id, name))
	}
	return mode + " " + name + "\x00" + string(raw)
}

func gitMode(m gitv1.FileMode) string {
	switch m {
	case gitv1.FileMode_FILE_MODE_EXECUTABLE:
		return "100755"
	case gitv1.FileMode_FILE_MODE_SYMLINK:
		return "120000"
	case gitv1.FileMode_FILE_MODE_SUBMODULE:
		return "160000"
	default:
		return "100644"
	}
}
