// Package inventory sorts the leaves of a fabric directory: what is waiting to be ingested, what is managed, what can't
// be read, and what is none of our business. It looks at names, modes and sizes only.
package inventory

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/ignore"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/finding"
)

// Source is a file whose documents matter.
type Source struct {
	gittree.Entry
	Managed bool             // it stands in managed/; else it waits to be ingested
	Problem *finding.Finding // why it must not be read
}

// Inventory is what a directory holds.
type Inventory struct {
	Sources  []Source // in path order
	Findings []finding.Finding
}

// Rules are what the sorting depends on.
type Rules struct {
	Ignore       ignore.Rules // paths to leave alone
	MaxFileBytes int64        // larger files are not read

	// Quarantined is the content that each file of unmanaged/ had when it came there. One that has other content was
	// mended by somebody, and waits.
	Quarantined map[string]string
	// RetryQuarantined lets all of them wait.
	RetryQuarantined bool
	// Retry lets these wait.
	Retry map[string]bool
	// Release are those that are put back, and wait for nothing.
	Release map[string]bool
}

// Take sorts leaves.
func Take(entries []gittree.Entry, rules Rules) Inventory {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b gittree.Entry) int { return strings.Compare(a.Path, b.Path) })
	var inv Inventory
	for _, e := range sorted {
		inv.take(e, rules)
	}
	return inv
}

// Unreadable warns of files and folders whose names can't be dealt with; their paths are escaped.
func (inv *Inventory) Unreadable(paths []string) {
	for _, p := range paths {
		inv.warn(p, errs.UnreadableName, p+" has a name that can't be dealt with; it is left as it is")
	}
}

func (inv *Inventory) take(e gittree.Entry, rules Rules) {
	part := layout.Part(e.Path)
	if part == layout.Metadata || rules.Ignore.Match(e.Path) || part == layout.Unmanaged && !rules.waits(e) {
		return
	}
	if !e.Mode.IsFile() {
		inv.link(e)
		return
	}
	switch part {
	case layout.Managed:
		inv.managed(e, rules)
	case layout.Raw:
		inv.raw(e, rules)
	case layout.Unmanaged:
		inv.source(e, false, rules)
	default:
		inv.elsewhere(e, rules)
	}
}

// waits reports whether a file of unmanaged/ is to be ingested again.
func (r Rules) waits(e gittree.Entry) bool {
	blob, known := r.Quarantined[e.Path]
	if !e.Mode.IsFile() || !layout.IsYAML(e.Path) || r.Release[e.Path] {
		return false
	}
	return r.RetryQuarantined || r.Retry[e.Path] || known && blob != e.Blob
}

func (inv *Inventory) link(e gittree.Entry) {
	what := "a symbolic link"
	if e.Mode == gittree.Submodule {
		what = "a submodule"
	}
	inv.warn(e.Path, errs.UnsupportedFile, fmt.Sprintf("%s is %s; it is not followed, and left where it is", e.Path, what))
}

func (inv *Inventory) warn(p string, code errs.Code, message string) {
	inv.Findings = append(inv.Findings, finding.Finding{
		Code: code, Warning: true, File: p, Document: -1,
		Message: message,
	})
}

func (inv *Inventory) managed(e gittree.Entry, rules Rules) {
	switch {
	case layout.IsYAML(e.Path):
		inv.source(e, true, rules)
	case !keepsFolder(e.Path):
		inv.warn(e.Path, errs.StrayFile, e.Path+" is no YAML file and does not belong into managed/; it is left where it is")
	}
}

func (inv *Inventory) raw(e gittree.Entry, rules Rules) {
	switch {
	case layout.IsYAML(e.Path):
		inv.source(e, false, rules)
	case !keepsFolder(e.Path) && !IsArchived(e.Path):
		problem := whole(e.Path, errs.UnsupportedFile, "the file is no YAML file")
		inv.Sources = append(inv.Sources, Source{Entry: e, Problem: &problem})
	}
}

func (inv *Inventory) elsewhere(e gittree.Entry, rules Rules) {
	if e.Path == layout.Kustomize {
		inv.warn(e.Path, errs.KustomizationKept, e.Path+" is left where it is; the files it lists may move to managed/")
		return
	}
	if !layout.StaysPut(e.Path) {
		inv.source(e, false, rules)
	}
}

func (inv *Inventory) source(e gittree.Entry, managed bool, rules Rules) {
	inv.Sources = append(inv.Sources, Source{Entry: e, Managed: managed, Problem: TooLarge(e, rules.MaxFileBytes)})
}

// TooLarge says why a file is not read when it is larger than the limit.
func TooLarge(e gittree.Entry, limit int64) *finding.Finding {
	if e.Size <= limit {
		return nil
	}
	problem := whole(e.Path, errs.FileTooLarge, fmt.Sprintf("the file has %d bytes; the limit is %d", e.Size, limit))
	return &problem
}

func whole(p string, code errs.Code, message string) finding.Finding {
	return finding.Finding{Code: code, File: p, Document: -1, Message: message}
}

// keepsFolder reports whether a file is there for Git's sake.
func keepsFolder(p string) bool {
	switch path.Base(p) {
	case layout.Keep, ".gitignore", ".gitattributes":
		return true
	}
	return false
}

// BackupTime is the form of the time in the names of backups.
const BackupTime = "20060102T150405Z"

var backup = regexp.MustCompile(`\.\d{8}T\d{6}Z\.bak$`)

// IsArchived reports whether a file is an original that was kept after its ingestion.
func IsArchived(p string) bool {
	return strings.HasSuffix(p, layout.ArchiveExt) || backup.MatchString(p)
}
