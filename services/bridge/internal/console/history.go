package console

import (
	"cmp"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// commitsPerPage is how many commits a page of the history has.
const commitsPerPage = 50

// showHistory shows the commits of a fabric's directory.
func (v *visit) showHistory() error {
	f, err := v.about("history")
	if err != nil {
		return err
	}
	request := &bridgev1.ListCommitsRequest{FabricId: f.GetFabricId(), Limit: commitsPerPage, PageToken: v.query("page")}
	if path := v.query("path"); path != "" {
		request.Path = []string{path}
	}
	list, err := ask(v, v.api.history.ListCommits, request)
	if err != nil {
		return err
	}
	return v.ofFabric("history", f, map[string]any{"List": list, "Next": v.nextPage(list.GetNextPageToken())})
}

// showDiff shows what differs between two commits, or what one of them changed.
func (v *visit) showDiff() error {
	f, err := v.about("history")
	if err != nil {
		return err
	}
	to := cmp.Or(v.query("to"), "HEAD")
	from := cmp.Or(v.query("from"), to+"^")
	diff, err := ask(v, v.api.history.DiffDirectory,
		&bridgev1.DiffDirectoryRequest{FabricId: f.GetFabricId(), From: from, To: to})
	if err != nil {
		return err
	}
	return v.ofFabric("diff", f, diff)
}

// restore brings the directory back to what it was at a commit, as a dry run first, and leads to the sync that does it.
func (v *visit) restore() error {
	id, err := v.fabricID()
	if err != nil {
		return err
	}
	answer, err := ask(v, v.api.history.RestoreDirectory, &bridgev1.RestoreDirectoryRequest{
		FabricId: id, Commit: v.posted("commit"), Paths: v.r.PostForm["path"], ValidateOnly: v.posted("dry_run") != "",
		ExpectedCommit: v.posted("expected_commit"),
	})
	if err != nil {
		return err
	}
	return v.see(syncPath(answer.GetSyncId()))
}
