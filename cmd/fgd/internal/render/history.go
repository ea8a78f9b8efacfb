package render

import (
	"fmt"
	"io"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// Commits prints a list of commits, and how to go on.
func Commits(w io.Writer, list *gitv1.ListCommitsResponse) {
	for _, c := range list.GetCommits() {
		commit(w, c)
	}
	if list.GetNextPageToken() != "" {
		fmt.Fprintf(w, "more: --page-token %s\n", list.GetNextPageToken())
	}
	if list.GetTruncated() {
		fmt.Fprintln(w, "There are older commits, which could not be followed.")
	}
}

func commit(w io.Writer, c *gitv1.Commit) {
	when := "-"
	if c.GetCommitTime() != nil {
		when = c.GetCommitTime().AsTime().Format(timeForm)
	}
	author, counts := c.GetAuthor(), c.GetCounts()
	t := newTable(w)
	t.row("commit", "%s", c.GetCommit())
	t.row("who", "%s <%s>", printable.Line(author.GetName()), printable.Line(author.GetEmail()))
	t.row("when", "%s", when)
	t.row("what", "%s", printable.Line(c.GetSubject()))
	t.row("files", "%d created, %d updated, %d removed", counts.GetCreated(), counts.GetUpdated(), counts.GetRemoved())
	if c.GetSyncId() != "" {
		t.row("sync", "%s (%s, for %s)", printable.Line(c.GetSyncId()), printable.Line(c.GetTrigger()),
			printable.Line(c.GetRequestedBy()))
	}
	t.end()
	fmt.Fprintln(w)
}

// Diff prints what differs between two commits.
func Diff(w io.Writer, d *bridgev1.DiffDirectoryResponse) {
	fmt.Fprintf(w, "%sfiles: %d created, %d updated, %d removed\n", d.GetDiff(), d.GetFilesCreated(), d.GetFilesUpdated(),
		d.GetFilesRemoved())
}
