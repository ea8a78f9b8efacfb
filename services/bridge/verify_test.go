package bridge_test

import (
	"fmt"
	"strings"
	"testing"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

const (
	retiredLog = "0123456789abcdef"
	lostLog    = "fedcba9876543210"
)

// commitNaming has the newest commit of a fabric name lines of audits. Each has a hash that nothing has.
func (b *bundle) commitNaming(logs ...string) {
	b.t.Helper()
	message := "Sync\n\nFgd-Sync-Id: 1\n"
	for _, log := range logs {
		message += fmt.Sprintf("Fgd-Audit: 1:%064d %s\n", 0, log)
	}
	b.backend.mu.Lock()
	defer b.backend.mu.Unlock()
	b.backend.commits = &fabricv1.ListCommitsResponse{Commits: []*gitv1.Commit{{
		Commit: commitA, SyncId: "1", Message: message, Author: &gitv1.Signature{Name: "Mal\nlory", Email: "m@example.com"},
	}}}
}

// verified has the audit verified, and returns whether it is intact, and what is said of it.
func (b *bundle) verified(query string) (intact bool, problems, notes string) {
	b.t.Helper()
	answer := b.ok("GET", "/api/v1/audit:verify"+query, "")
	return answer["intact"] == true, fmt.Sprint(answer["problems"]), fmt.Sprint(answer["notes"])
}

// TestALogIsRetired: that commits name the log of a bridge that is no more is a problem until somebody says so, and
// then a note. The problem says how.
func TestALogIsRetired(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	b.commitNaming(retiredLog, lostLog, retiredLog)
	intact, problems, _ := b.verified("")
	if intact || strings.Count(problems, "--retired-log "+retiredLog) != 1 ||
		!strings.Contains(problems, "--retired-log "+lostLog) || !strings.Contains(problems, "retired_logs") {
		t.Errorf("intact %t, problems %s", intact, problems)
	}
	intact, problems, notes := b.verified("?retired_logs=" + retiredLog)
	if intact || strings.Contains(problems, retiredLog) || !strings.Contains(problems, lostLog) ||
		strings.Count(notes, retiredLog) != 1 {
		t.Errorf("with one retired: intact %t, problems %s, notes %s", intact, problems, notes)
	}
	intact, problems, notes = b.verified("?retired_logs=" + retiredLog + "&retired_logs=" + lostLog)
	if !intact || !strings.Contains(notes, lostLog) {
		t.Errorf("with both retired: intact %t, problems %s, notes %s", intact, problems, notes)
	}
}

// TestTheOwnLogIsNotRetired: nothing that is said of it is left out.
func TestTheOwnLogIsNotRetired(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	own := b.lines()[0].Log
	refused := b.problem("GET", "/api/v1/audit:verify?retired_logs="+own, "", 400, "FGD_1010")
	if details, _ := refused["details"].(map[string]any); details["field"] != "retired_logs" {
		t.Errorf("refused with %v", refused)
	}
}

// TestAMadeUpTrailer: who can push can name a line that never was. Verifying says in which commit, who made it by what
// Git has, and that it may be made up.
func TestAMadeUpTrailer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	own := b.lines()[0].Log
	b.commitNaming(own)
	intact, problems, _ := b.verified("")
	for _, want := range []string{
		"commit " + commitA[:10] + " of fabric 35", "by Mal lory <m@example.com> as Git has it", "the file was changed",
		"somebody who can push to the repository made that up",
	} {
		if intact || !strings.Contains(problems, want) {
			t.Errorf("intact %t, and no %q: %s", intact, want, problems)
		}
	}
}
