package workflow

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"fgdsync.dev/libs/errs"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
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

// proposals is how the names of the branches begin that this sync looks at: those which propose what the files of the
// fabric come to, or those which propose edits. Neither is taken for the other: the first has a number before its "/".
func (a *attempt) proposals() string {
	folder := proposalFolder(a.fabric)
	if a.isEdit() {
		folder += "-edits"
	}
	return folder + "/"
}

func proposalFolder(f *fabricv1.Fabric) string {
	name := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_') {
			return r
		}
		return '-'
	}, f.GetName())
	return fmt.Sprintf("%s%s-%d", proposalRoot, strings.Trim(name, "-"), f.GetFabricId())
}

// proposal is what the sync proposes. All that the files of a fabric come to has one pull request, and each edit has
// one of its own: the same edit is looked for where its branches are.
func (a *attempt) proposal(known *gitv1.PullRequest) *gitv1.Proposal {
	folder := a.proposals()
	if a.isEdit() {
		folder += digestOf(a.sync.record.GetEditSet()) + "/"
	}
	title, _, _ := strings.Cut(commitMessage(a), "\n")
	return &gitv1.Proposal{
		Branch: folder + a.sync.syncID(), Title: title, Body: report(a.fabric, a.sync.record.Sync),
		KnownPullRequest: known.GetNumber(), Insist: a.sync.record.GetOptions().GetForce(),
	}
}

// knownPullRequest returns the pull request that the sync goes on with, as far as it is remembered. That of an edit is
// found by its branch.
func (a *attempt) knownPullRequest(ctx context.Context) (*gitv1.PullRequest, error) {
	if a.isEdit() {
		return nil, nil //nolint:nilnil // none is remembered
	}
	return a.deps.Store.PullRequest(ctx, a.fabric.GetFabricId())
}

// remember has the pull request followed to its end.
func (a *attempt) remember(ctx context.Context, pull *gitv1.PullRequest) error {
	if !a.isEdit() {
		return a.deps.Store.SetPullRequest(ctx, a.fabric.GetFabricId(), pull)
	}
	if pull.GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN {
		return nil
	}
	return a.deps.Store.FollowEdit(ctx, a.fabric.GetFabricId(), a.sync.syncID(), pull)
}

// propose publishes by a pull request. It also looks after one that is open when there is nothing to propose any more.
func (a *attempt) propose(ctx context.Context) error {
	known, err := a.knownPullRequest(ctx)
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
		a.sync.addFinding(a.closedFinding(pull))
	}
	a.published(ctx, response)
	if pull == nil {
		return nil
	}
	return a.remember(ctx, pull)
}

func (a *attempt) closedFinding(pull *gitv1.PullRequest) *reportv1.Finding {
	f := errs.NewFinding(errs.ProposalClosed, reportv1.Severity_SEVERITY_WARNING,
		"Pull request #%d was closed without being merged, and the sync would propose the same again: it does "+
			"not.", pull.GetNumber())
	if a.isEdit() {
		f.Remedy = "Open that pull request again on the Git host, or edit something else."
	}
	return f
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
	reportEdits(&b, s.GetEdited())
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

func reportEdits(b *strings.Builder, edited []*editv1.Edited) {
	if len(edited) == 0 {
		return
	}
	b.WriteString("\n### Edits\n\n| edit | resource | file |\n|---|---|---|\n")
	for _, e := range edited {
		if key := e.GetResource(); e.GetEffect() != editv1.Effect_EFFECT_UNCHANGED {
			fmt.Fprintf(b, "| %s | %s %s/%s | `%s` |\n", effectWord(e.GetEffect()), cell(key.GetKind()),
				cell(key.GetNamespace()), cell(key.GetName()), code(e.GetPath()))
		}
	}
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
