package workflow

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	// proposalRoot is the first part of the names of all branches that propose something.
	proposalRoot = "fgd/"
	// maxReport keeps the body of a pull request below the 65,536 characters that GitHub takes.
	maxReport = 60_000
	// maxReported bounds each table of a body: beyond that nobody reads on.
	maxReported = 200
)

// proposes reports whether the fabric's changes are proposed and not pushed.
func (a *attempt) proposes() bool {
	return a.fabric.GetOptions().GetPublishMode() == fabricv1.PublishMode_PUBLISH_MODE_PULL_REQUEST
}

// proposals is how the names of all branches begin that propose changes of a fabric.
func proposals(f *fabricv1.Fabric) string {
	name := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_') {
			return r
		}
		return '-'
	}, f.GetName())
	return fmt.Sprintf("%s%s-%d/", proposalRoot, strings.Trim(name, "-"), f.GetFabricId())
}

// proposal is what the sync proposes.
func (a *attempt) proposal(known *gitv1.PullRequest) *gitv1.Proposal {
	title, _, _ := strings.Cut(commitMessage(a), "\n")
	return &gitv1.Proposal{
		Branch: proposals(a.fabric) + a.sync.syncID(), Title: title, Body: report(a.fabric, a.sync.record.Sync),
		KnownPullRequest: known.GetNumber(), Insist: a.sync.record.GetOptions().GetForce(),
	}
}

// propose publishes by a pull request. It also looks after one that is open when there is nothing to propose any more.
func (a *attempt) propose(ctx context.Context) error {
	known, err := a.deps.Store.PullRequest(ctx, a.fabric.GetFabricId())
	if err != nil {
		return err
	}
	if a.tree == a.snapshot.GetTree() && known.GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN {
		a.skipPublish(ctx)
		return nil
	}
	request := a.publication()
	request.Proposal = a.proposal(known)
	response, err := a.deps.Repositories.Publish(ctx, request)
	if err != nil {
		return fmt.Errorf("propose: %w", err)
	}
	a.proposedOnly = a.tree != a.snapshot.GetTree()
	pull := response.GetPullRequest()
	a.sync.record.Result.PullRequest = pull
	if a.proposedOnly && pull.GetState() == gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED {
		a.sync.addFinding(closedFinding(pull))
	}
	a.published(ctx, response)
	if pull == nil {
		return nil
	}
	return a.deps.Store.SetPullRequest(ctx, a.fabric.GetFabricId(), pull)
}

func closedFinding(pull *gitv1.PullRequest) *reportv1.Finding {
	return errs.NewFinding(errs.ProposalClosed, reportv1.Severity_SEVERITY_WARNING,
		"Pull request #%d was closed without being merged, and the sync would propose the same again: it does "+
			"not.", pull.GetNumber())
}

// report is the body of a pull request: what changes, what goes to quarantine and why.
func report(f *fabricv1.Fabric, s *syncv1.Sync) string {
	var b strings.Builder
	result := s.GetResult()
	counts := result.GetPlan().GetCounts()
	fmt.Fprintf(&b, "Sync `%s` of fabric **%s** (directory `%s`), asked for by %s.\n\n", s.GetSyncId(), cell(f.GetName()),
		code(f.GetLocation().GetDirectory()),
		cell(s.GetRequestedBy()))
	b.WriteString("| created | updated | moved | deleted | quarantined | resources afterwards " +
		"|\n|---|---|---|---|---|---|\n")
	fmt.Fprintf(&b, "| %d | %d | %d | %d | %d | %d |\n", counts.GetCreates(), counts.GetUpdates(), counts.GetMoves(),
		counts.GetDeletes(),
		counts.GetQuarantines(), result.GetResourcesTotal())
	reportFindings(&b, "What can't be ingested", s.GetErrors())
	reportFindings(&b, "Warnings", s.GetWarnings())
	reportActions(&b, result.GetPlan().GetActions())
	for _, repair := range result.GetRepairsMade() {
		fmt.Fprintf(&b, "\n- Structure: %s", cell(repair))
	}
	text := b.String()
	if len(text) > maxReport {
		text = strings.ToValidUTF8(text[:maxReport], "") + "\n\n… The status of the sync has the rest."
	}
	return text
}

func reportFindings(b *strings.Builder, title string, findings []*reportv1.Finding) {
	if len(findings) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n| file | what | remedy |\n|---|---|---|\n", title)
	for _, f := range findings[:min(len(findings), maxReported)] {
		place := code(f.GetFile())
		if f.GetLine() > 0 {
			place = fmt.Sprintf("%s:%d", place, f.GetLine())
		}
		fmt.Fprintf(b, "| `%s` | %s %s | %s |\n", place, f.GetCode(), cell(f.GetMessage()), cell(f.GetRemedy()))
	}
	reportMore(b, len(findings))
}

func reportActions(b *strings.Builder, actions []*syncv1.PlannedAction) {
	if len(actions) == 0 {
		return
	}
	b.WriteString("\n### Resources and files\n\n| action | resource | from | to |\n|---|---|---|---|\n")
	for _, p := range actions[:min(len(actions), maxReported)] {
		resource := strings.TrimSpace(p.GetResource().GetKind() + " " + p.GetResource().GetName())
		fmt.Fprintf(b, "| %s | %s | `%s` | `%s` |\n", p.GetAction(), cell(resource), code(p.GetFrom()), code(p.GetTo()))
	}
	reportMore(b, len(actions))
}

func reportMore(b *strings.Builder, n int) {
	if n > maxReported {
		fmt.Fprintf(b, "\n… and %d more.\n", n-maxReported)
	}
}

// cell makes a text one cell of a table, in which nothing is markup or names a person of the Git host.
func cell(s string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "<", "&lt;", ">",
		"&gt;", "@", "@\u200b", "\n", " ", "\r", " ").Replace(s)
}

// code makes a text the inside of a code span in a cell.
func code(s string) string {
	if s == "" {
		return " "
	}
	return strings.NewReplacer("`", "'", "|", "\\|", "\n", " ", "\r", " ").Replace(s)
}
