package render

import (
	"fgdsync.dev/libs/printable"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// Commits prints a list of commits, and how to go on.
func Commits(s *Screen, list *gitv1.ListCommitsResponse) {
	for _, c := range list.GetCommits() {
		commit(s, c)
	}
	if list.GetNextPageToken() != "" {
		s.printf("more: --page-token %s\n", list.GetNextPageToken())
	}
	if list.GetTruncated() {
		s.printf("There are older commits, which could not be followed.\n")
	}
}

func commit(s *Screen, c *gitv1.Commit) {
	when := "-"
	if c.GetCommitTime() != nil {
		when = c.GetCommitTime().AsTime().Format(timeForm)
	}
	author, counts := c.GetAuthor(), c.GetCounts()
	f := s.facts()
	f.styled(s.warn, "commit", "%s", c.GetCommit())
	f.add("who", "%s <%s>", printable.Line(author.GetName()), printable.Line(author.GetEmail()))
	f.add("when", "%s", when)
	f.add("what", "%s", printable.Line(c.GetSubject()))
	f.add("files", "%d created, %d updated, %d removed", counts.GetCreated(), counts.GetUpdated(), counts.GetRemoved())
	if c.GetSyncId() != "" {
		f.add("sync", "%s (%s, for %s)", printable.Line(c.GetSyncId()), printable.Line(c.GetTrigger()),
			printable.Line(c.GetRequestedBy()))
	}
	f.end()
	s.printf("\n")
}
