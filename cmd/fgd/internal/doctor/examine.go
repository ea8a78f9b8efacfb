package doctor

import (
	"context"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
)

// blobsAtATime is how many contents are asked for at once: those of one request are in memory together.
const blobsAtATime = 64

// Services are those that answer the questions.
type Services struct {
	History   gitv1.HistoryServiceClient
	Trees     gitv1.TreeServiceClient
	Ingestion ingestionv1.IngestionServiceClient
}

type examination struct {
	services Services
	snapshot string
	report   *Report
}

// Examine measures the history and the head of a snapshot.
func Examine(ctx context.Context, services Services, snapshot *gitv1.Snapshot) (*Report, error) {
	e := &examination{services: services, snapshot: snapshot.GetSnapshotId(), report: &Report{
		Commit: snapshot.GetCommit(), CommitTime: snapshot.GetCommitTime().AsTime(),
		History: History{Families: []Family{}, Rewritten: []Rewritten{}},
		Head:    Head{Duplicates: []Duplicate{}, Mixed: []Mixed{}, Codes: []Code{}},
	}}
	t := &tally{read: e.read, history: &e.report.History, families: map[string]*Family{}, files: map[string]*Rewritten{}}
	if err := t.measure(ctx, services.History, e.snapshot); err != nil {
		return nil, err
	}
	if err := e.measureQuarantine(ctx, snapshot.GetTree()); err != nil {
		return nil, err
	}
	return e.report, e.measureHead(ctx, snapshot.GetTree())
}

// read returns contents by their ids, without those that are too large to be read.
func (e *examination) read(ctx context.Context, ids []string) (map[string][]byte, error) {
	contents, err := e.readAll(ctx, ids)
	if !errs.HasCode(err, errs.FileTooLarge) {
		return contents, err
	}
	contents = map[string][]byte{}
	for _, id := range ids {
		one, err := e.readAll(ctx, []string{id})
		if err != nil && !errs.HasCode(err, errs.FileTooLarge) {
			return nil, err
		}
		if err == nil {
			contents[id] = one[id]
		}
	}
	return contents, nil
}

func (e *examination) readAll(ctx context.Context, ids []string) (map[string][]byte, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	contents := map[string][]byte{}
	err := rpc.Collect(ctx, e.services.Trees.ReadBlobs, &gitv1.ReadBlobsRequest{SnapshotId: e.snapshot, BlobIds: ids},
		func(message *gitv1.ReadBlobsResponse) error {
			for _, blob := range message.GetBlobs() {
				contents[blob.GetBlobId()] = blob.GetContent()
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	return contents, nil
}
