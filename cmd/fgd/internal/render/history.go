package render

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Commits prints a list of commits.
func Commits(s *Screen, list *bridgev1.ListCommitsResponse) {
	for _, c := range list.GetCommits() {
		commit(s, c)
	}
}

// More says how a list goes on.
func More(s *Screen, token string, truncated bool) {
	if token != "" {
		s.printf("more: --page-token %s\n", token)
	}
	if truncated {
		s.printf("There are older commits, which could not be followed.\n")
	}
}

func commit(s *Screen, c *bridgev1.Commit) {
	when := "-"
	if c.GetCommittedAt() != nil {
		when = c.GetCommittedAt().AsTime().Format(timeForm)
	}
	f := s.facts()
	f.styled(s.warn, "commit", "%s", c.GetCommitSha())
	f.add("who", "%s <%s>", printable.Line(c.GetAuthorName()), printable.Line(c.GetAuthorEmail()))
	f.add("when", "%s", when)
	f.add("what", "%s", printable.Line(c.GetSubject()))
	addOrigin(f, c.GetOrigin(), c)
	f.add("files", "%d created, %d updated, %d removed", c.GetFilesCreated(), c.GetFilesUpdated(), c.GetFilesRemoved())
	if c.GetSyncId() != "" {
		f.add("sync", "%s (%s, for %s)", printable.Line(c.GetSyncId()), printable.Line(c.GetTrigger()),
			printable.Line(c.GetRequestedBy()))
	}
	f.end()
	s.printf("\n")
}

// fromNetBox is what a commit says of an edit in NetBox.
type fromNetBox[ID any] interface {
	GetNetboxRequestId() string
	GetNetboxChangeIds() []ID
}

// addOrigin says where a change was made and, if it was in NetBox, where its change log has it.
func addOrigin[ID any](f *facts, origin string, of fromNetBox[ID]) {
	f.add("where", "%s", origin)
	if id := of.GetNetboxRequestId(); id != "" {
		f.add("request", "%s", printable.Line(id))
	}
	if ids := of.GetNetboxChangeIds(); len(ids) > 0 {
		f.add("changes", "%s", strings.Trim(fmt.Sprint(ids), "[]"))
	}
}

// PastChanges prints the changes of a resource.
func PastChanges(s *Screen, list *bridgev1.ListResourceChangesResponse) {
	for _, c := range list.GetChanges() {
		pastChange(s, c)
	}
}

func pastChange(s *Screen, c *bridgev1.PastChange) {
	f := s.facts()
	f.styled(s.warn, "commit", "%s", c.GetCommitSha())
	f.add("who", "%s <%s>", printable.Line(c.GetAuthorName()), printable.Line(c.GetAuthorEmail()))
	if c.GetCommittedAt() != nil {
		f.add("when", "%s", c.GetCommittedAt().AsTime().Format(timeForm))
	}
	f.add("what", "%s: %s", c.GetEffect(), printable.Line(c.GetSubject()))
	origin := c.GetOrigin()
	if !c.GetOriginConfirmed() {
		origin += ", as the commit alone says"
	}
	addOrigin(f, origin, c)
	f.add("file", "%s", fileWords(printable.Line(c.GetPathBefore()), printable.Line(c.GetPathAfter())))
	if c.GetSyncId() != "" {
		f.add("sync", "%s (%s, for %s)", printable.Line(c.GetSyncId()), printable.Line(c.GetTrigger()),
			printable.Line(c.GetRequestedBy()))
	}
	if url := c.GetPullRequest().GetUrl(); url != "" {
		f.add("proposed", "%s", printable.Line(url))
	}
	if p := c.GetProblem(); p != nil {
		f.styled(s.bad, "not valid", "%s", printable.Line(p.GetMessage()))
	}
	f.end()
	for _, field := range c.GetFields() {
		s.printf("  %s: %s -> %s\n", printable.Line(field.GetPath()), valueWords(field.GetFrom(), field.GetFromLeftOut()),
			valueWords(field.GetTo(), field.GetToLeftOut()))
	}
	if n := c.GetFieldsLeftOut(); n > 0 {
		s.printf("  and %d more\n", n)
	}
	s.printf("\n")
}

// fileWords says where a file is, and where it was before.
func fileWords(before, after string) string {
	switch {
	case before == "" || before == after:
		return after
	case after == "":
		return before
	}
	return before + " -> " + after
}

// valueWords writes a value on one line; a dash where there is none, and dots where it was too large to be sent.
func valueWords(value *structpb.Value, leftOut bool) string {
	if leftOut {
		return "…"
	}
	if value == nil {
		return "-"
	}
	raw, err := json.Marshal(value.AsInterface())
	if err != nil {
		return err.Error()
	}
	return printable.Line(string(raw))
}
