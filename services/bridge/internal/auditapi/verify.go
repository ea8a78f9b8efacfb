package auditapi

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

const (
	// witnessCommits is how many of the newest commits of a fabric are asked what they know.
	witnessCommits = 50
	// witnessFabrics is how many fabrics are asked at the same time.
	witnessFabrics = 4
	fabricPage     = 500
	maxPages       = 40 // of fabrics; what comes after is not asked
	maxNotes       = 100
)

// VerifyAudit checks the audit, with the commits of all fabrics as witnesses.
func (s *Server) VerifyAudit(
	ctx context.Context, req *bridgev1.VerifyAuditRequest,
) (*bridgev1.VerifyAuditResponse, error) {
	if s.log == nil {
		return nil, noAudit()
	}
	w := &witnesses{own: s.log.Head().Log, retired: req.GetRetiredLogs()}
	if slices.Contains(w.retired, w.own) {
		return nil, errs.Field("retired_logs", "retired_logs has %s, which is the log of the bridge that answers.", w.own)
	}
	if err := s.ask(ctx, w); err != nil {
		return nil, err
	}
	report, err := s.log.Verify(w.of)
	if err != nil {
		return nil, err
	}
	_, key := s.log.Verifier()
	answer := &bridgev1.VerifyAuditResponse{
		Log: w.own, FirstSeq: number(report.First.Seq), LastSeq: number(report.Last.Seq), LastHash: report.Last.Hash,
		Checkpoints: int32(report.Checkpoints), Witnesses: int32(report.Witnesses), VerifierKey: key,
		ProblemsTotal: int32(report.Total + len(w.strays)), Notes: w.notes[:min(len(w.notes), maxNotes)],
	}
	for _, problem := range append(report.Problems, w.strays...) {
		answer.Problems = append(answer.Problems, &bridgev1.AuditProblem{Seq: number(problem.Seq), Message: problem.Text})
	}
	for _, seq := range report.Recovered {
		answer.Notes = append(answer.Notes, fmt.Sprintf("Line %d tells that the end of the file was damaged then.", seq))
	}
	answer.Intact = answer.GetProblemsTotal() == 0
	return answer, nil
}

// witnesses are what commits say of audits.
type witnesses struct {
	own     string   // the log that is verified
	retired []string // logs of bridges that are no more

	mu     sync.Mutex
	others map[string]chain.Head // logs that bridges have now
	of     []chain.Witness
	strays []chain.Problem // of logs that nobody has
	told   map[string]bool // logs of which something was said
	notes  []string
}

// ask asks the newest commits of all fabrics. What can't be asked is noted.
func (s *Server) ask(ctx context.Context, w *witnesses) (err error) {
	w.told = map[string]bool{}
	if w.others, err = s.heads(ctx); err != nil {
		w.others = nil
		w.note("Which other bridges there are could not be found out: %s", errs.From(err).Message)
	}
	request := &fabricv1.ListFabricsRequest{Limit: fabricPage}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(witnessFabrics)
	for range maxPages {
		page, err := s.fabrics.ListFabrics(ctx, request)
		if err != nil {
			w.note("The fabrics could not be asked: %s", errs.From(err).Message)
			break
		}
		for _, fabric := range page.GetFabrics() {
			work.Go(func() error { return s.askFabric(ctx, fabric.GetFabricId(), w) })
		}
		if page.GetNextPageToken() == "" || page.GetNextPageToken() == request.GetPageToken() {
			break
		}
		request = &fabricv1.ListFabricsRequest{Limit: fabricPage, PageToken: page.GetNextPageToken()}
	}
	return work.Wait()
}

func (s *Server) askFabric(ctx context.Context, id int32, w *witnesses) error {
	found, err := s.views.ListCommits(ctx, &fabricv1.ListCommitsRequest{FabricId: id, Limit: witnessCommits})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		w.note("The commits of fabric %d could not be asked: %s", id, errs.From(err).Message)
		return nil
	}
	for _, commit := range found.GetCommits() {
		if commit.GetSyncId() == "" {
			continue // no sync made it
		}
		for _, head := range chain.HeadsIn(commit.GetMessage(), layout.TrailerAudit) {
			w.take(head, fmt.Sprintf("commit %.10s of fabric %d, by %s as Git has it,", commit.GetCommit(), id,
				authorOf(commit)))
		}
	}
	return nil
}

// authorOf returns who made a commit as it says itself, which nobody has proven.
func authorOf(commit *gitv1.Commit) string {
	author := commit.GetAuthor()
	return rpc.PrintableName(fmt.Sprintf("%s <%s>", author.GetName(), author.GetEmail()))
}

// forger is who can have a commit say of an audit what is not so.
const forger = "somebody who can push to the repository"

func (w *witnesses) take(head chain.Head, where string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, known := w.others[head.Log]
	switch {
	case head.Log == w.own:
		w.of = append(w.of, chain.Witness{Head: head, Where: where, Forger: forger})
	case known, w.others == nil, w.told[head.Log]:
	case slices.Contains(w.retired, head.Log):
		w.told[head.Log] = true
		w.tell("The %s names line %d of the log %s, which is said to be retired.", where, head.Seq, head.Log)
	default:
		w.told[head.Log] = true
		w.strays = append(w.strays, chain.Problem{Text: fmt.Sprintf("The %s names line %d of the log %s, which no bridge "+
			"has: it is that of a bridge that is no more, it was taken away, or %s made that up. When you know why, verify "+
			"with retired_logs (fgd audit verify --retired-log %s).", where, head.Seq, head.Log, forger, head.Log)})
	}
}

func (w *witnesses) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell(format, args...)
}

// tell is note with the lock held.
func (w *witnesses) tell(format string, args ...any) {
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}
