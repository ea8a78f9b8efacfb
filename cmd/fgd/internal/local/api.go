package local

import (
	"math"
	"strconv"
	"strings"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// quarantine returns a list of what is in quarantine in the words of the API.
func quarantine(list *ingestionv1.ListQuarantineResponse) *bridgev1.ListQuarantineResponse {
	out := &bridgev1.ListQuarantineResponse{Total: int32(min(len(list.GetFiles()), math.MaxInt32))}
	for _, file := range list.GetFiles() {
		out.Files = append(out.Files, quarantinedFile(file))
	}
	return out
}

// quarantinedFile returns a file in quarantine in the words of the API.
func quarantinedFile(f *reportv1.QuarantinedFile) *bridgev1.QuarantinedFile {
	out := &bridgev1.QuarantinedFile{
		Path: f.GetPath(), BlobSha: f.GetBlobId(), Size: int32(min(f.GetSize(), math.MaxInt32)), Origin: f.GetOrigin(),
		OriginDocument: f.OriginDocument, OriginBlobSha: f.GetOriginBlobId(), OriginCommitSha: f.GetOriginCommit(),
		QuarantinedAt: f.GetQuarantinedAt(), Changed: f.GetChanged(),
	}
	if r := f.GetReason(); r != nil {
		out.Reason = &bridgev1.Finding{
			Code: r.GetCode(), Name: r.GetName(), Message: r.GetMessage(), File: r.GetFile(), Line: r.GetLine(),
			Column: r.GetColumn(), Remedy: r.GetRemedy(),
		}
	}
	return out
}

// commits returns a list of commits in the words of the API.
func commits(list *gitv1.ListCommitsResponse) *bridgev1.ListCommitsResponse {
	out := &bridgev1.ListCommitsResponse{NextPageToken: list.GetNextPageToken(), Truncated: list.GetTruncated()}
	for _, c := range list.GetCommits() {
		author, committer, counts := c.GetAuthor(), c.GetCommitter(), c.GetCounts()
		var changeIDs []string
		for _, id := range c.GetNetboxChangeIds() {
			changeIDs = append(changeIDs, strconv.FormatInt(id, 10))
		}
		out.Commits = append(out.Commits, &bridgev1.Commit{
			CommitSha: c.GetCommit(), ParentShas: c.GetParents(), Subject: c.GetSubject(), Message: c.GetMessage(),
			AuthorName: author.GetName(), AuthorEmail: author.GetEmail(), AuthoredAt: c.GetAuthorTime(),
			CommitterName: committer.GetName(), CommitterEmail: committer.GetEmail(), CommittedAt: c.GetCommitTime(),
			SyncId: c.GetSyncId(), Trigger: c.GetTrigger(), RequestedBy: c.GetRequestedBy(), RequestedVia: c.GetRequestedVia(),
			FilesCreated: counts.GetCreated(), FilesUpdated: counts.GetUpdated(), FilesRemoved: counts.GetRemoved(),
			Origin:          strings.ToLower(strings.TrimPrefix(c.GetOrigin().String(), "CHANGE_ORIGIN_")),
			NetboxRequestId: c.GetNetboxRequestId(), NetboxChangeIds: changeIDs,
		})
	}
	return out
}
