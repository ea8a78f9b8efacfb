package workflow

import (
	"cmp"
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/layout"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// noAddress is the author's e-mail when the person who asked is known by name only (RFC 2606 reserves the domain).
const noAddress = "noreply@fgd-sync.invalid"

// commitMessage returns a line for people, the counts, and the trailers of the contract.
func commitMessage(a *attempt) string {
	s := a.sync.record
	result := s.GetResult()
	counts := result.GetPlan().GetCounts()
	var b strings.Builder
	fmt.Fprintf(&b, "Sync fabric %s: %s\n\n", oneLine(a.fabric.GetName()), headline(a, counts))
	created, updated := a.written(counts)
	fmt.Fprintf(&b, "Resources: %d created, %d updated, %d in all.\n", created, updated, result.GetResourcesTotal())
	fmt.Fprintf(&b, "Quarantined: %d.\n", result.GetFilesQuarantined())
	if counts.GetDeletes() > 0 {
		fmt.Fprintf(&b, "Deleted since the last sync: %d; references that lead nowhere by it: %d.\n", counts.GetDeletes(),
			counts.GetOrphans())
	}
	b.WriteString(a.restoredLines())
	b.WriteString(a.editedLines())
	for _, repair := range result.GetRepairsMade() {
		fmt.Fprintf(&b, "Structure: %s\n", oneLine(repair))
	}
	b.WriteByte('\n')
	if a.proposes() {
		fmt.Fprintf(&b, "%s: %s\n", layout.TrailerBase, a.snapshot.GetOrigin().GetCommit())
	}
	for _, trailer := range []struct {
		name  string
		value any
	}{
		{layout.TrailerSync, s.GetSyncId()},
		{layout.TrailerFabric, fmt.Sprintf("%s (%d)", oneLine(a.fabric.GetName()), a.fabric.GetFabricId())},
		{layout.TrailerTrigger, state.TriggerWord(s.GetTrigger())},
		{layout.TrailerFence, a.sync.lease.Fence()},
		{layout.TrailerRequester, oneLine(s.GetRequestedBy())},
	} {
		fmt.Fprintf(&b, "%s: %v\n", trailer.name, trailer.value)
	}
	if editor := s.GetEditSet().GetAuthor(); editor != nil {
		fmt.Fprintf(&b, "%s: %s\n", layout.TrailerEditor, person(editor))
	}
	if action := actionOf(s.Sync); action != "" {
		fmt.Fprintf(&b, "%s: %s\n", layout.TrailerAction, action)
	}
	if id := s.GetEditSet().GetNetboxRequestId(); id != "" {
		fmt.Fprintf(&b, "%s: %s\n", layout.TrailerNetBoxRequest, oneLine(id))
	}
	if via := s.GetRequestedVia(); via != "" {
		fmt.Fprintf(&b, "%s: %s\n", layout.TrailerVia, oneLine(via))
	}
	for _, text := range s.GetAuditHeads()[:min(len(s.GetAuditHeads()), chain.MaxHeads)] {
		if head, ok := chain.ParseHead(text); ok { // what a record has may have been put there
			fmt.Fprintf(&b, "%s: %s\n", layout.TrailerAudit, head)
		}
	}
	for _, id := range s.GetEditSet().GetNetboxChangeIds() { // very many may be; readers of a message cut long ones
		fmt.Fprintf(&b, "%s: %d\n", layout.TrailerNetBoxChange, id)
	}
	return b.String()
}

// actionOf names what was asked of a sync beside taking up what is there; empty for nothing.
func actionOf(s *syncv1.Sync) string {
	switch {
	case s.GetEditSet() != nil:
		return "edit"
	case s.GetOptions().GetRestoreCommit() != "":
		return "restore"
	}
	return ""
}

// written is how many resources the commit creates and updates: those of the documents that are ingested or, when files
// are brought back as they were, those that differ from the last sync.
func (a *attempt) written(counts *syncv1.PlanCounts) (created, updated int) {
	if a.sync.record.GetOptions().GetRestoreCommit() != "" {
		return int(counts.GetCreates()), int(counts.GetUpdates())
	}
	return a.created, a.updated
}

// headline says what the commit does. What is created and updated by it is not what the plan counts, which is since the
// last sync.
func headline(a *attempt, counts *syncv1.PlanCounts) string {
	var parts []string
	if a.sync.record.GetOptions().GetRestoreCommit() != "" {
		parts = append(parts, a.restoredHeadline())
	}
	if edited := a.editedHeadline(); edited != "" {
		return edited
	}
	for _, part := range []struct {
		word  string
		count int
	}{
		{"add", a.created},
		{"update", a.updated},
		{"move", int(counts.GetMoves())},
		{"quarantine", int(counts.GetQuarantines())},
		{"release", int(counts.GetReleases())},
	} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", part.word, part.count))
		}
	}
	if len(parts) == 0 {
		return "put the directory in order"
	}
	return strings.Join(parts, ", ")
}

// author returns whose change the commit is: who made the edits, or who asked for the sync.
func author(s *syncv1.Sync) *gitv1.Signature {
	if a := s.GetEditSet().GetAuthor(); a != nil {
		return &gitv1.Signature{Name: oneLine(a.GetName()), Email: cmp.Or(addressIn(a.GetEmail()), noAddress)}
	}
	requestedBy := s.GetRequestedBy()
	if address := addressIn(requestedBy); address != "" {
		return &gitv1.Signature{Name: oneLine(cmp.Or(nameIn(requestedBy), address)), Email: address}
	}
	return &gitv1.Signature{
		Name: oneLine(requestedBy), Email: cmp.Or(addressIn(s.GetRequestedByEmail()), noAddress),
	}
}

// person is how a trailer names who made edits: with an address only if it is known.
func person(a *editv1.Author) string {
	name := oneLine(a.GetName())
	if address := addressIn(a.GetEmail()); address != "" {
		return name + " <" + address + ">"
	}
	return name
}

// addressIn returns the address of a text that is one, or a name with one; empty for any other text, and for an address
// that a commit can't have: one in quotes may have anything in it.
func addressIn(text string) string {
	address, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsFunc(address.Address, func(r rune) bool {
		return r == '<' || r == '>' || unicode.IsSpace(r) || unicode.IsControl(r)
	}) {
		return ""
	}
	return address.Address
}

// nameIn returns the name of a text that is a name with an address; else an empty one.
func nameIn(text string) string {
	address, err := mail.ParseAddress(text)
	if err != nil {
		return ""
	}
	return address.Name
}

// oneLine keeps a text from ending its line or opening an address in a commit.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '<' || r == '>':
			return -1
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, s)
	if s = strings.TrimSpace(s); s == "" {
		return "unknown"
	}
	return s
}
