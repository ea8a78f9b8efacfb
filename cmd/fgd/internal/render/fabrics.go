package render

import (
	"fmt"
	"io"
	"strconv"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Fabrics prints fabrics, a line each. A table of all columns says also which NetBox shows them.
func Fabrics(s *Screen, fabrics []*bridgev1.Fabric) {
	t := newTable(s, 0, 2)
	head := []any{"ID", "NAME", "SUSPENDED", "REPOSITORY", "BRANCH", "DIRECTORY"}
	if s.all {
		head = append(head, "NETBOX")
	}
	t.cells(head...)
	for _, f := range fabrics {
		row := []any{
			f.GetFabricId(), printable.Line(f.GetName()), yesOrNo(f.GetSuspension() != nil),
			printable.Line(f.GetRepositoryUrl()), printable.Line(f.GetBranch()), printable.Line(f.GetGitopsDirectory()),
		}
		if s.all {
			row = append(row, linkText(f.GetNetbox()))
		}
		t.cells(row...)
	}
	t.end()
}

// linkText says which record of which NetBox shows a fabric.
func linkText(link *bridgev1.NetBoxLink) string {
	if link == nil {
		return "-"
	}
	record := "fabric of the same number"
	if link.GetFabric() != 0 {
		record = "fabric " + strconv.Itoa(int(link.GetFabric()))
	}
	return printable.Line(link.GetUrl()) + ", " + record
}

// Fabric prints what there is to know of a fabric.
func Fabric(s *Screen, fabric *bridgev1.Fabric) {
	f := s.facts()
	f.add("fabric", "%d, %s", fabric.GetFabricId(), printable.Line(fabric.GetName()))
	f.add("repository", "%s, branch %s, directory %s", printable.Line(fabric.GetRepositoryUrl()),
		printable.Line(fabric.GetBranch()), printable.Line(fabric.GetGitopsDirectory()))
	f.add("credentials", "%s", credentialsText(fabric))
	f.add("scheduled", "%s", intervalText(fabric.GetSyncIntervalSeconds()))
	f.add("mode", "%s", modeText(fabric.GetOptions().GetMode()))
	if suspension := fabric.GetSuspension(); suspension != nil {
		f.styled(f.screen.warn, "suspended", "by %s since %s: %s", printable.Line(suspension.GetSuspendedBy()),
			when(suspension.GetSuspendedAt()), printable.Line(suspension.GetReason()))
	}
	f.add("NetBox", "%s", linkText(fabric.GetNetbox()))
	if link := fabric.GetNetbox(); link != nil {
		f.add("token", "%s", printable.Line(link.GetTokenRef()))
		f.add("direction", "%s", directionText(link))
		policyFacts(f, link.GetConflictPolicies().GetPolicies())
	}
	f.end()
}

// modeText says what a mode does.
func modeText(mode string) string {
	switch mode {
	case "dry_run":
		return "dry_run: syncs run by themselves, and publish nothing"
	case "off":
		return "off: no sync runs by itself, and none may publish"
	}
	return "on"
}

func credentialsText(f *bridgev1.Fabric) string {
	switch {
	case !f.GetCredentialsConfigured():
		return "none"
	case f.CredentialsReadable == nil:
		return "stored"
	case f.GetCredentialsReadable():
		return "stored, and can be read"
	}
	return "stored, and CAN'T BE READ: give them again"
}

func intervalText(seconds int32) string {
	if seconds == 0 {
		return "never"
	}
	return fmt.Sprintf("every %d s", seconds)
}

// directionText says which way changes go, and who wins where both sides changed the same.
func directionText(link *bridgev1.NetBoxLink) string {
	oneWay := link.GetDirection() == "git_to_netbox"
	switch winner := link.GetConflictWinner(); {
	case oneWay && winner == "git_wins":
		return "from Git to NetBox alone; what somebody changes in NetBox becomes what Git says"
	case oneWay:
		return "from Git to NetBox alone; what somebody changes in NetBox stays until it is decided"
	case winner == "git_wins":
		return "both ways; where both changed the same, Git wins"
	case winner == "hnp_wins":
		return "both ways; where both changed the same, NetBox wins"
	}
	return "both ways; where both changed the same, somebody has to decide"
}

// policyFacts adds who wins at single paths, a line each.
func policyFacts(f *facts, policies []*bridgev1.ConflictPolicy) {
	words := map[string]string{"hold": "somebody has to decide", "git_wins": "Git wins", "hnp_wins": "NetBox wins"}
	name := "policies"
	for _, p := range policies {
		kind := "all kinds"
		if p.GetKind() != "" {
			kind = printable.Line(p.GetKind())
		}
		f.add(name, "%s at %s: %s", kind, printable.Line(p.GetPath()), words[p.GetWinner()])
		name = ""
	}
}

// Registered prints that a fabric was registered, and which sync is its first.
func Registered(s *Screen, answer *bridgev1.CreateFabricResponse) {
	Fabric(s, answer.GetFabric())
	if answer.GetSyncId() == "" {
		s.printf("No sync starts by itself: fgd fabric update %d --mode dry_run\n", answer.GetFabric().GetFabricId())
		return
	}
	s.printf("Its first sync is %s.\n", answer.GetSyncId())
}

// Resumed prints that a fabric is synced again.
func Resumed(w io.Writer, answer *bridgev1.ResumeFabricResponse) {
	if answer.GetSyncId() == "" {
		fmt.Fprintf(w, "Fabric %d is resumed; no sync starts by itself.\n", answer.GetFabric().GetFabricId())
		return
	}
	fmt.Fprintf(w, "Fabric %d is synced again; the sync %s has started.\n", answer.GetFabric().GetFabricId(),
		answer.GetSyncId())
}
