// Package inventory sorts the leaves of a fabric directory: what is waiting to be ingested, what is managed, what can't
// be read, and what is none of our business. It looks at names, modes and sizes only.
package inventory

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	Managed  bool             // it stands in managed/; else it waits to be ingested
	Problem  *finding.Finding // why it must not be read
	Unlogged bool             // it stands in unmanaged/, and no log says why
	Origin   *Origin          // where a file of unmanaged/ came from
}

// Origin is where a file of unmanaged/ came from when it came there first.
type Origin struct {
	Path         string
	Document     *int // number in that file; nil when the file came as a whole
	Item         int  // place in the list that the document was, from 1; 0 when it was none
	Blob, Commit string
}

// Inventory is what a directory holds.
type Inventory struct {
	Sources  []Source // in path order
	Findings []finding.Finding
}

// Rules are what the sorting depends on.
type Rules struct {
	Ignore       ignore.Rules    // paths to leave alone
	Unruly       *ignore.Problem // why the paths to leave alone are not known: then raw/ alone is taken from
	MaxFileBytes int64           // larger files are not read

	// Quarantined is the content that each file of unmanaged/ had when it came there. One that has other content was
	// mended by somebody, and waits; so does one that is not among them.
	Quarantined map[string]string
	// RetryQuarantined lets all of them wait.
	RetryQuarantined bool
	// Retry lets these wait.
	Retry map[string]bool
	// Release are those that are put back, and wait for nothing.
	Release map[string]bool
}

// Take sorts leaves.
func Take(ctx context.Context, entries []gittree.Entry, rules Rules) (Inventory, error) {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b gittree.Entry) int { return strings.Compare(a.Path, b.Path) })
	inv, err := takeSorted(ctx, sorted, rules)
	if errors.As(err, &rules.Unruly) {
		return takeSorted(ctx, sorted, rules)
	}
	return inv, err
}

func takeSorted(ctx context.Context, sorted []gittree.Entry, rules Rules) (Inventory, error) {
	t := taking{Rules: rules, matcher: rules.Ignore.Matcher(), ignored: map[int][]string{}}
	for _, e := range sorted {
		if err := ctx.Err(); err != nil {
			return Inventory{}, err
		}
		if err := t.take(e); err != nil {
			return Inventory{}, err
		}
	}
	t.tellIgnored()
	t.tellTwins(sorted)
	return t.Inventory, nil
}

// Unreadable warns of files and folders whose names can't be dealt with, or that lie too deep; their paths are escaped.
func (inv *Inventory) Unreadable(paths []string) {
	for _, p := range paths {
		message := p + " has a name that can't be dealt with; it is left as it is"
		if strings.Count(p, "/")+1 >= layout.MaxDepth {
			message = fmt.Sprintf("%s has files more than %d levels deep, or a name that can't be dealt with; it is left as "+
				"it is", p, layout.MaxDepth)
		}
		inv.Findings = append(inv.Findings, warning(p, errs.UnreadableName, message))
	}
}

// taking is an inventory that is being taken.
type taking struct {
	Inventory
	Rules
	matcher *ignore.Matcher
	ignored map[int][]string // files of managed/ by the line of the ignore file that names them
}

func (t *taking) take(e gittree.Entry) error {
	part := layout.Part(e.Path)
	if part == layout.Metadata || layout.Hidden(e.Path) {
		return nil
	}
	left, err := t.leaves(e.Path, part)
	if !left && err == nil {
		t.sort(e, part)
	}
	return err
}

// leaves reports whether a file is left alone because of the ignore file.
func (t *taking) leaves(path, part string) (bool, error) {
	if t.Unruly != nil {
		return part != layout.Raw && part != layout.Managed, nil
	}
	line, err := t.matcher.Line(path)
	if line == 0 || err != nil {
		return false, err
	}
	if part != layout.Managed || layout.StaysPut(path) {
		return true, nil
	}
	t.ignored[line] = append(t.ignored[line], path)
	return false, nil
}

func (t *taking) sort(e gittree.Entry, part string) {
	switch {
	case part == layout.Unmanaged:
		t.quarantined(e)
	case !e.Mode.IsFile():
		t.link(e, part)
	case layout.IsKustomization(e.Path):
		t.warn(e.Path, errs.KustomizationKept, e.Path+" is left where it is; the files it lists may move to managed/")
	case part == layout.Managed:
		t.managed(e)
	case part == layout.Raw:
		t.raw(e)
	case !layout.StaysPut(e.Path):
		t.source(e, false)
	}
}

// tellIgnored says when the ignore file can't be obeyed, and warns of its lines that name files of managed/, which are
// read all the same: a resource that nobody reads would be taken for deleted.
func (t *taking) tellIgnored() {
	if t.Unruly != nil {
		t.Findings = append(t.Findings, unruly(t.Unruly))
	}
	for _, line := range slices.Sorted(maps.Keys(t.ignored)) {
		paths := t.ignored[line]
		names := paths[0]
		if len(paths) > 1 {
			names = fmt.Sprintf("%s and %d more files of managed/", names, len(paths)-1)
		}
		t.Findings = append(t.Findings, finding.Finding{
			Code: errs.IgnoredManaged, Warning: true, File: layout.Ignore, Document: -1, Line: line, Column: 1,
			Message: fmt.Sprintf("line %d of %s names %s, which a sync reads all the same", line, layout.Ignore, names),
		})
	}
}

// unruly says that only raw/ is taken from.
func unruly(problem *ignore.Problem) finding.Finding {
	f := whole(layout.Ignore, problem.Code, problem.Error()+"; until that is mended only what is in raw/ is ingested")
	if problem.Line > 0 {
		f.Line, f.Column = problem.Line, 1
	}
	return f
}

// quarantined takes what is to be ingested again.
func (t *taking) quarantined(e gittree.Entry) {
	blob, known := t.Quarantined[e.Path]
	retry := t.RetryQuarantined || t.Retry[e.Path]
	switch {
	case t.Release[e.Path], IsArchived(e.Path):
	case !e.Mode.IsFile() || !layout.IsYAML(e.Path):
		if !known {
			t.warn(e.Path, errs.UnknownQuarantined, e.Path+" is in quarantine, and no log says why; it is no YAML file")
		}
	case retry || known && blob != e.Blob:
		t.source(e, false)
	case !known:
		t.source(e, false)
		t.Sources[len(t.Sources)-1].Unlogged = true
	}
}

// link reports what is no file. In the place of a managed file it is one that can't be read.
func (t *taking) link(e gittree.Entry, part string) {
	what := "a symbolic link"
	if e.Mode == gittree.Submodule {
		what = "a submodule"
	}
	message := fmt.Sprintf("%s is %s; it is not followed, and left where it is", e.Path, what)
	if part != layout.Managed || layout.StaysPut(e.Path) {
		t.warn(e.Path, errs.UnsupportedFile, message)
		return
	}
	problem := whole(e.Path, errs.UnsupportedFile, message)
	problem.Warning = true
	t.Sources = append(t.Sources, Source{Entry: e, Managed: true, Problem: &problem})
}

func (t *taking) warn(p string, code errs.Code, message string) {
	t.Findings = append(t.Findings, warning(p, code, message))
}

func warning(p string, code errs.Code, message string) finding.Finding {
	f := whole(p, code, message)
	f.Warning = true
	return f
}

func (t *taking) managed(e gittree.Entry) {
	if layout.IsYAML(e.Path) {
		t.source(e, true)
		return
	}
	t.warn(e.Path, errs.StrayFile, e.Path+" is no YAML file and does not belong into managed/; it is left where it is")
}

func (t *taking) raw(e gittree.Entry) {
	switch {
	case layout.IsYAML(e.Path):
		t.source(e, false)
	case !IsArchived(e.Path):
		problem := whole(e.Path, errs.UnsupportedFile, "the file is no YAML file")
		t.Sources = append(t.Sources, Source{Entry: e, Problem: &problem})
	}
}

func (t *taking) source(e gittree.Entry, managed bool) {
	t.Sources = append(t.Sources, Source{Entry: e, Managed: managed, Problem: TooLarge(e, t.MaxFileBytes)})
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

// BackupTime is the form of the time in the names of backups.
const BackupTime = "20060102T150405Z"

var backup = regexp.MustCompile(`\.\d{8}T\d{6}Z\.bak$`)

// IsArchived reports whether a file is an original that was kept after its ingestion.
func IsArchived(p string) bool {
	return strings.HasSuffix(p, layout.ArchiveExt) || backup.MatchString(p)
}
