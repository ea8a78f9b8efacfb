package apiv1

import (
	"strconv"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// ListCommitsRequest returns the request for the commits that a caller wants to see.
func ListCommitsRequest(req *bridgev1.ListCommitsRequest) *fabricv1.ListCommitsRequest {
	return &fabricv1.ListCommitsRequest{
		FabricId: req.GetFabricId(), Paths: req.GetPath(), Since: req.GetSince(), Until: req.GetUntil(),
		Limit: Limit(req.GetLimit(), DefaultCommits), PageToken: req.GetPageToken(),
	}
}

// CommitsToAPI shows a page of commits.
func CommitsToAPI(found *fabricv1.ListCommitsResponse) *bridgev1.ListCommitsResponse {
	return &bridgev1.ListCommitsResponse{
		Commits: each(found.GetCommits(), commitToAPI), NextPageToken: found.GetNextPageToken(),
		Truncated: found.GetTruncated(), CommitSha: found.GetCommit(),
	}
}

func commitToAPI(c *gitv1.Commit) *bridgev1.Commit {
	author, committer, counts := c.GetAuthor(), c.GetCommitter(), c.GetCounts()
	return &bridgev1.Commit{
		CommitSha: c.GetCommit(), ParentShas: c.GetParents(), Subject: c.GetSubject(), Message: c.GetMessage(),
		AuthorName: author.GetName(), AuthorEmail: author.GetEmail(), AuthoredAt: c.GetAuthorTime(),
		CommitterName: committer.GetName(), CommitterEmail: committer.GetEmail(), CommittedAt: c.GetCommitTime(),
		SyncId: c.GetSyncId(), Trigger: c.GetTrigger(), RequestedBy: c.GetRequestedBy(), RequestedVia: c.GetRequestedVia(),
		FilesCreated: counts.GetCreated(), FilesUpdated: counts.GetUpdated(), FilesRemoved: counts.GetRemoved(),
		Origin: originNames[c.GetOrigin()], NetboxRequestId: c.GetNetboxRequestId(),
		NetboxChangeIds: each(c.GetNetboxChangeIds(), number),
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

var originNames = map[gitv1.ChangeOrigin]string{
	gitv1.ChangeOrigin_CHANGE_ORIGIN_GIT:    "git",
	gitv1.ChangeOrigin_CHANGE_ORIGIN_NETBOX: "netbox",
	gitv1.ChangeOrigin_CHANGE_ORIGIN_API:    "api",
}

// DiffToAPI shows how a directory differs between two commits.
func DiffToAPI(found *fabricv1.DiffCommitsResponse) *bridgev1.DiffDirectoryResponse {
	counts := found.GetCounts()
	return &bridgev1.DiffDirectoryResponse{
		FromSha: found.GetFromCommit(), ToSha: found.GetToCommit(), Diff: found.GetDiff(),
		SameMeaning:  found.GetSameMeaning(),
		FilesCreated: counts.GetCreated(), FilesUpdated: counts.GetUpdated(), FilesRemoved: counts.GetRemoved(),
	}
}
