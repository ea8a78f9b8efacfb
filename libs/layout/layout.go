// Package layout knows the structure of a fabric directory: the names of its parts, what stays where it is, the path
// that belongs to a resource, and the trailers of its commits. All paths are relative to the fabric directory and use
// "/".
package layout

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Parts of a fabric directory.
const (
	Raw       = "raw"
	Managed   = "managed"
	Unmanaged = "unmanaged"
	Metadata  = ".hnp"

	Manifest     = Metadata + "/manifest.yaml"
	ArchiveLog   = Metadata + "/archive-log.yaml"
	UnmanagedLog = Metadata + "/unmanaged-log.yaml"
	ArchiveDir   = Metadata + "/archive"
	Samples      = Metadata + "/samples"

	Ignore     = ".fgdignore"
	Keep       = ".gitkeep"
	ArchiveExt = ".archived"
)

// Trailers of the commits of the system.
const (
	TrailerSync          = "Fgd-Sync-Id"
	TrailerFabric        = "Fgd-Fabric"
	TrailerTrigger       = "Fgd-Trigger"
	TrailerAction        = "Fgd-Action" // what was asked for beside taking up what is there: edit or restore
	TrailerFence         = "Fgd-Fence"
	TrailerBase          = "Fgd-Base" // of a proposal: the commit that it was made from
	TrailerRequester     = "Requested-by"
	TrailerVia           = "Requested-via"  // the service that spoke for who asked
	TrailerEditor        = "Edited-by"      // who made an edit, where that is somebody else than who asked
	TrailerAudit         = "Fgd-Audit"      // a line of the audit of a bridge: SEQ:HASH LOG
	TrailerNetBoxRequest = "HNP-Request-Id" // what NetBox calls the request that an edit was made with
	TrailerNetBoxChange  = "HNP-Change-Id"  // number of an edit in the change log of NetBox
)

// StructureVersion is the version of the structure that the manifest states.
const StructureVersion = "1.0"

// MaxDepth is how many names a path has at most. What lies deeper is not read, and nothing is written there.
const MaxDepth = 64

// TooDeep reports whether a path has more names than that.
func TooDeep(p string) bool { return strings.Count(p, "/") >= MaxDepth }

// Part returns the part of the directory that a path is in: Raw, Managed, Unmanaged, Metadata, or "" for anywhere else.
func Part(p string) string {
	first, _, inside := strings.Cut(p, "/")
	if !inside {
		return ""
	}
	switch first {
	case Raw, Managed, Unmanaged, Metadata:
		return first
	}
	return ""
}

// IsYAML reports whether a path is named as a YAML file.
func IsYAML(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".yaml", ".yml":
		return true
	}
	return false
}

// Hidden reports whether a name on the way of a path begins with a dot. Such files belong to other tools: they are
// never read, moved or changed. What the system keeps in dot names of its own is not hidden.
func Hidden(p string) bool {
	if p == Ignore || Part(p) == Metadata {
		return false
	}
	return p != "" && p[0] == '.' || strings.Contains(p, "/.")
}

// IsKustomization reports whether a path has one of the names that kustomize reads.
func IsKustomization(p string) bool {
	switch path.Base(p) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}

// StaysPut reports whether a file outside raw/ stays where it is by its name.
func StaysPut(p string) bool { return !IsYAML(p) || Hidden(p) || IsKustomization(p) }

// IsInput reports whether a file may hold resources by its name.
func IsInput(p string) bool {
	part := Part(p)
	return part != Metadata && part != Unmanaged && !StaysPut(p)
}

// Alike reports whether a checkout on Windows or macOS may take two names for one: those that differ in the case of
// letters, or in the code points of a letter with its accent, which may be one or two.
func Alike(a, b string) bool { return Folded(a) == Folded(b) }

// Folded returns what all names have in common that are alike. It is the name itself when that is of ASCII without
// upper-case letters.
func Folded(name string) string {
	if strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf || 'A' <= r && r <= 'Z' }) < 0 {
		return name
	}
	return strings.Map(foldedRune, norm.NFC.String(name))
}

// foldedRune returns the last of the ASCII letters that are alike but for their case, which is a small one, or else the
// first of all.
func foldedRune(r rune) rune {
	least, last := r, rune(-1)
	for next := unicode.SimpleFold(r); ; next = unicode.SimpleFold(next) {
		if least = min(least, next); next < utf8.RuneSelf {
			last = max(last, next)
		}
		if next == r {
			break
		}
	}
	if last >= 0 {
		return last
	}
	return least
}
