package orchestrator_test

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/testkit/redistest"
)

// TestAnEndThatCannotBeToldIsWritten: what a service says is larger than an event can be. The sync ends, says so, and
// does not stand in the way of the next.
func TestAnEndThatCannotBeToldIsWritten(t *testing.T) {
	t.Parallel()
	s := newStages()
	n := newNode(t, redistest.Start(t).URL(), s.serve(t), testConfig(), "a").run()
	n.fabric(s, 35, "f1")
	s.issues = []*directoryv1.Issue{{Finding: &reportv1.Finding{
		Code: errs.StrayFile.ID, Severity: reportv1.Severity_SEVERITY_WARNING, Message: strings.Repeat("long", 1<<18),
	}}}
	got := n.sync(35, nil)
	n.expect(got, failed)
	if e := got.GetErrors(); len(e) != 1 || e[0].GetCode() != errs.InternalError.ID || got.GetAttempt() != 1 {
		t.Errorf("attempt %d, errors %v", got.GetAttempt(), e)
	}
	s.issues = nil
	n.expect(n.sync(35, nil), completed)
}
