package bridge_test

import (
	"context"

	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

func (b *backend) CheckDirectory(ctx context.Context,
	req *fabricv1.CheckDirectoryRequest,
) (*fabricv1.CheckDirectoryResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	_, err = b.fabric(req.GetFabricId())
	return b.check, err
}

func (b *backend) ListFiles(ctx context.Context, req *fabricv1.ListFilesRequest) (*fabricv1.ListFilesResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	_, err = b.fabric(req.GetFabricId())
	return b.files, err
}

func (b *backend) ListCommits(ctx context.Context, req *fabricv1.ListCommitsRequest) (*fabricv1.ListCommitsResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	_, err = b.fabric(req.GetFabricId())
	return b.commits, err
}

func (b *backend) DiffCommits(ctx context.Context, req *fabricv1.DiffCommitsRequest) (*fabricv1.DiffCommitsResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	_, err = b.fabric(req.GetFabricId())
	return b.diff, err
}

func (b *backend) ListQuarantine(ctx context.Context,
	req *fabricv1.ListQuarantineRequest,
) (*fabricv1.ListQuarantineResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	_, err = b.fabric(req.GetFabricId())
	return b.kept, err
}

func (b *backend) ListChanges(ctx context.Context, req *fabricv1.ListChangesRequest) (*fabricv1.ListChangesResponse,
	error,
) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	b.asked = req
	_, err = b.fabric(req.GetFabricId())
	return b.changes, err
}

func (b *backend) GetDirectoryHealth(ctx context.Context,
	req *fabricv1.GetDirectoryHealthRequest,
) (*fabricv1.GetDirectoryHealthResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	_, err = b.fabric(req.GetFabricId())
	return b.health, err
}

func (b *backend) RebuildState(
	ctx context.Context, _ *adminv1.RebuildStateRequest,
) (*adminv1.RebuildStateResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	return b.rebuilt, err
}

func (b *backend) ListDeadLetters(
	ctx context.Context, req *adminv1.ListDeadLettersRequest,
) (*adminv1.ListDeadLettersResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	b.asked = req
	return b.letters, err
}

func (b *backend) ReplayDeadLetters(
	ctx context.Context, req *adminv1.ReplayDeadLettersRequest,
) (*adminv1.ReplayDeadLettersResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	out := &adminv1.ReplayDeadLettersResponse{}
	for _, id := range req.GetIds() {
		out.Replayed = append(out.Replayed, &adminv1.Replayed{Id: id, SyncId: "the sync of " + id})
	}
	return out, err
}
