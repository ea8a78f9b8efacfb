package structure

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/ignore"
	"fgdsync.dev/libs/layout"
)

// maxMisplaced bounds how many misplaced files are named one by one; a repository of other things may hold very many.
const maxMisplaced = 200

// Names of the counts of a report, beside the parts' own.
const (
	countMetadata = "metadata"
	countOther    = "other"
)

// misplacedFiles warns of YAML files outside the structure: the sync ingests them as if they were in raw/. When it is
// not known which are to be left alone it ingests none of them, and that is the issue.
func misplacedFiles(ctx context.Context, entries []gittree.Entry, ignoreFile []byte) ([]Issue, error) {
	paths, err := misplacedPaths(ctx, entries, ignoreFile)
	var problem *ignore.Problem
	if errors.As(err, &problem) {
		return []Issue{unruly(problem)}, nil
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var issues []Issue
	for _, p := range paths[:min(len(paths), maxMisplaced)] {
		issues = append(issues, misplaced(p, fmt.Sprintf("%s stands outside the structure; "+
			"the next sync ingests it if it has a Hedgehog resource.", p)))
	}
	if more := len(paths) - maxMisplaced; more > 0 {
		issues = append(issues, misplaced("",
			fmt.Sprintf("%d more files stand outside the structure; "+
				"the next sync ingests those that have a Hedgehog resource.", more)))
	}
	return issues, nil
}

func misplacedPaths(ctx context.Context, entries []gittree.Entry, ignoreFile []byte) ([]string, error) {
	rules, err := ignore.Of(entries, ignoreFile)
	if err != nil {
		return nil, err
	}
	var paths []string
	matcher := rules.Matcher()
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !isMisplaced(e) {
			continue
		}
		line, err := matcher.Line(e.Path)
		if err != nil {
			return nil, err
		}
		if line == 0 {
			paths = append(paths, e.Path)
		}
	}
	return paths, nil
}

func unruly(problem *ignore.Problem) Issue {
	return Issue{
		Code: problem.Code, Path: layout.Ignore, Remedy: problem.Code.Remedy,
		Message: problem.Error() + "; until that is mended only what is in raw/ is ingested.",
	}
}

func isMisplaced(e gittree.Entry) bool {
	return e.Mode.IsFile() && layout.Part(e.Path) == "" && !layout.StaysPut(e.Path)
}

func misplaced(p, message string) Issue {
	return Issue{
		Code: errs.StrayFile, Path: p, Message: message, AutoRepair: true,
		Remedy: "Nothing to do; to keep it where it is, list it in " + layout.Ignore + ".",
	}
}

// countFiles counts by part. The files that only keep a required folder do not count.
func countFiles(entries []gittree.Entry) map[string]int32 {
	counts := map[string]int32{layout.Raw: 0, layout.Managed: 0, layout.Unmanaged: 0, countMetadata: 0, countOther: 0}
	for _, e := range entries {
		part := layout.Part(e.Path)
		switch {
		case part != "" && path.Base(e.Path) == layout.Keep:
		case part == layout.Metadata:
			counts[countMetadata]++
		case part == "":
			counts[countOther]++
		default:
			counts[strings.ToLower(part)]++
		}
	}
	return counts
}
