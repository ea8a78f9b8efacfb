package console

import (
	"testing"

	"fgdsync.dev/test/fabric"
)

// TestADryRunIsDoneExactly: by keyboard, what a dry run has shown is done; and nothing is when somebody has pushed
// meanwhile.
func TestADryRunIsDoneExactly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.ends(s.register(), "completed")
	s.signIn(s.Token())
	for _, moved := range []bool{true, false} {
		s.git.Commit(t, repository, "main", map[string]string{directory + "/raw/a.yaml": fabric.VPC("first", 7)})
		dry := s.dryRun()
		s.Go("/syncs/" + dry + "/plan")
		s.Sees("Sync exactly this")
		if moved {
			s.git.Commit(t, repository, "main", map[string]string{directory + "/raw/b.yaml": fabric.VPC("second", 8)})
		}
		s.TabTo("[aria-describedby=h-exactly]")
		s.Press("\r")
		if moved {
			s.Sees("FGD_3031 PLAN_OUTDATED")
			continue
		}
		s.Sees("What it did")
	}
}

// dryRun makes a dry run, and returns it when it has completed.
func (s *site) dryRun() string {
	s.t.Helper()
	var started struct {
		SyncID string `json:"sync_id"`
	}
	s.Call("POST", "/api/v1/fabrics/1/syncs", map[string]any{"options": map[string]any{"validate_only": true}}, &started)
	s.ends(started.SyncID, "completed")
	return started.SyncID
}
