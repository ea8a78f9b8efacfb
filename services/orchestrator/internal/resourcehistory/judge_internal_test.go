package resourcehistory

import (
	"testing"

	"google.golang.org/protobuf/proto"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// TestWhatASyncHasMade: the commit that it made is its own. Others of its pull request may be made by anybody who may
// push to the branch of the proposal.
func TestWhatASyncHasMade(t *testing.T) {
	t.Parallel()
	pull := &gitv1.PullRequest{Number: 7, HeadCommit: "head", MergeCommit: "merge"}
	for name, c := range map[string]struct {
		commit            string
		result            *syncv1.Result
		confirmed, synced bool
		pull              *gitv1.PullRequest
	}{
		"made":               {"made", &syncv1.Result{CommitSha: "made"}, true, true, nil},
		"made and proposed":  {"made", &syncv1.Result{CommitSha: "made", PullRequest: pull}, true, true, pull},
		"head of the branch": {"head", &syncv1.Result{CommitSha: "made", PullRequest: pull}, false, true, pull},
		"merged":             {"merge", &syncv1.Result{CommitSha: "made", PullRequest: pull}, false, true, pull},
		"another":            {"other", &syncv1.Result{CommitSha: "made", PullRequest: pull}, false, true, pull},
		"copied":             {"other", &syncv1.Result{CommitSha: "made"}, true, false, nil},
		"not known":          {"other", &syncv1.Result{}, false, true, nil},
		"no result":          {"other", nil, false, true, nil},
	} {
		change := &fabricv1.ResourceChange{Commit: &gitv1.Commit{Commit: c.commit, SyncId: "id"}}
		compare(change, c.result)
		if change.GetConfirmed() != c.confirmed || (change.GetCommit().GetSyncId() != "") != c.synced ||
			!proto.Equal(change.GetPullRequest(), c.pull) {
			t.Errorf("%s: %v", name, change)
		}
	}
}
