// Package structure knows how a fabric directory has to look and what mends it. It is a pure function: the leaves of a
// tree and two small files go in, issues come out, and every issue that can be mended carries the changes that do it.
// Equal input makes equal output, and a directory that is right yields no changes.
package structure

import (
	"context"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
)

// Directory is a fabric directory as it stands.
type Directory struct {
	Entries  []gittree.Entry // in any order, each path once
	Manifest []byte          // content of the manifest; nil when it was not read
	Ignore   []byte          // content of .fgdignore; nil when it was not read
	Place    Place
}

// Place is where a directory is in its repository, and what lies around it there.
type Place struct {
	Directory string // empty for the root
	Above     string // the nearest fabric directory above; empty when there is none
	Twin      string // a folder whose path differs in case or code points of letters alone; empty when there is none
}

// Fabric is whose directory it is to be.
type Fabric struct {
	ID          int32
	Name        string
	FormerNames []string // that it had before
	TakeOver    bool     // it takes the place of an owner whom the manifest names
}

// Owner is whom a manifest names.
type Owner struct {
	ID   int32
	Name string
}

// Kinds are the folders of managed/.
type Kinds struct {
	Required []string // always there, in the order of the manifest
	Known    []string // may be there: the folders of all ingestible kinds
}

// Issue is one thing that is not as the structure wants it.
type Issue struct {
	Error   bool // an error; else a warning
	Code    errs.Code
	Message string
	Path    string
	Remedy  string
	// AutoRepair is true when nobody has to act: a repair mends it, or the next sync does.
	AutoRepair bool
	// Repair says what the changes do; empty when a repair changes nothing.
	Repair  string
	Changes []gittree.Change
}

// Report is what was found.
type Report struct {
	Issues     []Issue
	FileCounts map[string]int32
	Owner      Owner // whom the manifest names; the zero Owner when it names nobody
}

// Valid reports whether no issue is an error.
func (r Report) Valid() bool {
	for _, issue := range r.Issues {
		if issue.Error {
			return false
		}
	}
	return true
}

// Remaining returns the issues that a person has to look at.
func (r Report) Remaining() []Issue {
	var out []Issue
	for _, issue := range r.Issues {
		if !issue.AutoRepair {
			out = append(out, issue)
		}
	}
	return out
}

// Examine judges a directory. The time is what a rewritten manifest will state. It fails when the context ends.
func Examine(ctx context.Context, dir Directory, fabric Fabric, kinds Kinds, now time.Time) (Report, error) {
	index := newIndex(dir.Entries)
	issues := overlapIssues(dir)
	issues = append(issues, folderIssues(index, kinds)...)
	issues = append(issues, manifestIssues(index, dir.Manifest, fabric, wantedFacts(fabric, kinds, now))...)
	issues = append(issues, unknownFolders(dir.Entries, kinds)...)
	misplaced, err := misplacedFiles(ctx, dir.Entries, dir.Ignore)
	if err != nil {
		return Report{}, err
	}
	issues = append(issues, misplaced...)
	return Report{Issues: issues, FileCounts: countFiles(dir.Entries), Owner: ownerOf(dir.Manifest)}, nil
}
