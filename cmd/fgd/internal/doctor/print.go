package doctor

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Print writes the report for people.
func (r *Report) Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) //nolint:mnd // two spaces between columns
	row := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
	row("repository", "%s, branch %s, directory %s", r.Repository, r.Branch, orRoot(r.Directory))
	row("head", "%s of %s", r.Commit, r.CommitTime.Format(time.RFC3339))
	r.History.rows(row)
	r.Head.rows(row)
	s := &r.Sync
	row("a sync now", "%s: %d created, %d updated, %d moved, %d quarantined, %d deleted, %d duplicates", s.State,
		s.Creates, s.Updates, s.Moves, s.Quarantines, s.Deletes, s.Duplicates)
	row("", "files: %d created, %d updated, %d removed; %d resources afterwards", s.FilesCreated, s.FilesUpdated,
		s.FilesRemoved, s.Resources)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(w, "\nNothing noteworthy.")
	}
	for i, f := range r.Findings {
		fmt.Fprintf(w, "\n%d. %s\n   %s\n   FGD Sync: %s\n", i+1, f.What, f.Means, f.Answer)
	}
	return nil
}

func orRoot(directory string) string {
	if directory == "" {
		return "/"
	}
	return directory
}

func (h *History) rows(row func(name, format string, args ...any)) {
	more := ""
	if h.Truncated {
		more = " and more before them, which were not looked at"
	}
	row("commits", "%d%s", h.Commits, more)
	if h.Commits == 0 {
		return
	}
	row("", "from %s to %s", h.First.Format(time.RFC3339), h.Last.Format(time.RFC3339))
	row("only times", "%d (%d %%)", h.TimesOnly, share(h.TimesOnly, h.Commits))
	row("only comments", "%d (%d %%)", h.TextOnly, share(h.TextOnly, h.Commits))
	row("by subject", "%s", counted(h.FamiliesTotal, "family", "families"))
	for _, f := range h.Families {
		row("", "%d× %s (%d without meaning)", f.Commits, f.Subject, f.WithoutMeaning)
	}
	row("rewrites", "%d of files, %d without a change of meaning, in %d files", h.Rewrites, h.RewritesWithoutMeaning,
		h.RewrittenTotal)
	for _, f := range h.Rewritten {
		row("", "%d of %d: %s", f.WithoutMeaning, f.Rewrites, f.Path)
	}
}

func (h *Head) rows(row func(name, format string, args ...any)) {
	row("files", "%d with %d documents", h.Files, h.Documents)
	row("twice", "%s", counted(len(h.Duplicates), "resource", "resources"))
	for _, d := range h.Duplicates {
		row("", "%s %s/%s: %s", d.Kind, d.Namespace, d.Name, strings.Join(d.Files, ", "))
	}
	row("mixed versions", "%s", counted(len(h.Mixed), "kind", "kinds"))
	for _, m := range h.Mixed {
		var versions []string
		for _, version := range slices.Sorted(maps.Keys(m.Versions)) {
			versions = append(versions, fmt.Sprintf("%d %s", m.Versions[version], version))
		}
		row("", "%s: %s", m.Kind, strings.Join(versions, ", "))
	}
	row("invalid", "%s; warnings about %d more", counted(h.InvalidFiles, "file", "files"), h.WarnedFiles)
	for _, c := range h.Codes {
		row("", "%s in %s, for example %s", c.Code, counted(c.Files, "file", "files"), c.Example)
	}
	row("in quarantine", "%s", counted(h.Quarantined, "file", "files"))
}
