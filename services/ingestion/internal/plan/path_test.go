package plan

import (
	"path"
	"strings"
	"testing"

	"fgdsync.dev/services/ingestion/internal/schema"
)

// FuzzPaths: whatever a resource that passed validation is called, its file is a file of its kind's folder, with a name
// that file systems and Git take; and two resources never have the same long path.
func FuzzPaths(f *testing.F) {
	f.Add("default", "leaf-01", "x", "leaf-01")
	f.Add("a", "b-c", "a-b", "c")
	f.Add("default", strings.Repeat("x", 253), "y", strings.Repeat("x", 252))
	f.Fuzz(func(t *testing.T, namespace, name, otherNamespace, otherName string) {
		if !isName(namespace) || !isName(name) || !isName(otherNamespace) || !isName(otherName) {
			return
		}
		one := &group{id: schema.Identity{Group: "vpc.githedgehog.com", Kind: "VPC", Namespace: namespace, Name: name}, plural: "vpcs"}
		other := &group{id: schema.Identity{Group: "vpc.githedgehog.com", Kind: "VPC", Namespace: otherNamespace, Name: otherName}, plural: "vpcs"}
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

// isName is what Kubernetes takes as the name of a resource or namespace.
func isName(name string) bool {
	if name == "" || len(name) > 253 || strings.Contains(name, "..") || strings.Trim(name, "-.") != name {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
	})
}
