package remote

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/nearest"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Fabric is a fabric of a running system, for as long as one command works on it.
type Fabric struct {
	Client
	ID int32
}

// FabricID returns the number of a fabric, which is named by its number or its name; a word that is a number is one.
func (s System) FabricID(ctx context.Context, word string) (int32, error) {
	if id, err := strconv.ParseInt(word, 10, 32); err == nil && id > 0 {
		return int32(id), nil
	}
	all, err := s.Fabrics(ctx)
	if err != nil {
		return 0, err
	}
	var names []string
	for _, f := range all.GetFabrics() {
		if f.GetName() == word {
			return f.GetFabricId(), nil
		}
		names = append(names, f.GetName())
	}
	missing := errs.New(errs.FabricNotFound, "There is no fabric %q that you may see.", word)
	if meant := perhaps(word, names); len(meant) > 0 {
		missing = missing.WithRemedy("Perhaps %s is meant; fgd fabric list shows all.", strings.Join(meant, " or "))
	}
	return 0, missing
}

// KnownFabricID is as FabricID, and refuses the number of a fabric that is not there, or that the caller may not see.
func (s System) KnownFabricID(ctx context.Context, word string) (int32, error) {
	id, err := s.FabricID(ctx, word)
	if err == nil {
		_, err = s.Fabric(ctx, id)
	}
	return id, err
}

// mostMeant is how many names are told that were perhaps meant.
const mostMeant = 3

// perhaps returns the names that are most like a word, the most like first.
func perhaps(word string, names []string) (meant []string) {
	for len(meant) < mostMeant {
		name := nearest.To(word, names)
		if name == "" {
			break
		}
		meant = append(meant, name)
		names = slices.DeleteFunc(names, func(other string) bool { return other == name })
	}
	return meant
}

// With connects for as long as work with a fabric takes.
func (s System) With(ctx context.Context, word string, work func(context.Context, *Fabric) error) error {
	id, err := s.FabricID(ctx, word)
	if err != nil {
		return err
	}
	return s.connected(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		return work(ctx, &Fabric{Client{conn}, id})
	})
}

// Quarantined lists what is in quarantine at the branch head.
func (f *Fabric) Quarantined(ctx context.Context) (*bridgev1.ListQuarantineResponse, error) {
	all := &bridgev1.ListQuarantineResponse{}
	ask := &bridgev1.ListQuarantineRequest{FabricId: f.ID, Limit: pageSize}
	for {
		page, err := bridgev1.NewQuarantineServiceClient(f.Conn).ListQuarantine(ctx, ask)
		if err != nil {
			return nil, err
		}
		all.Files = append(all.Files, page.GetFiles()...)
		all.Total, all.CommitSha = page.GetTotal(), page.GetCommitSha()
		if ask.PageToken = page.GetNextPageToken(); ask.GetPageToken() == "" {
			return all, nil
		}
	}
}

// QuarantinedFile returns one file in quarantine at the branch head, with what it holds.
func (f *Fabric) QuarantinedFile(ctx context.Context, path string) (*bridgev1.QuarantinedFile, error) {
	answer, err := bridgev1.NewQuarantineServiceClient(f.Conn).
		GetQuarantinedFile(ctx, &bridgev1.GetQuarantinedFileRequest{FabricId: f.ID, Path: path})
	return answer.GetFile(), err
}

// commitsPage is the most commits that a page holds.
const commitsPage = 500

// Commits lists commits that changed the directory, newest first: as many as the request says, of as many pages as it
// takes.
func (f *Fabric) Commits(ctx context.Context, ask *bridgev1.ListCommitsRequest) (*bridgev1.ListCommitsResponse, error) {
	all, want := &bridgev1.ListCommitsResponse{}, int(ask.GetLimit())
	ask.FabricId = f.ID
	for {
		ask.Limit = int32(min(want-len(all.GetCommits()), commitsPage))
		page, err := bridgev1.NewHistoryServiceClient(f.Conn).ListCommits(ctx, ask)
		if err != nil {
			return nil, err
		}
		page.Commits = append(all.GetCommits(), page.GetCommits()...)
		all, ask.PageToken = page, page.GetNextPageToken()
		if ask.GetPageToken() == "" || len(all.GetCommits()) >= want {
			return all, nil
		}
	}
}

// Diff returns what differs in the directory between two commits, or between one and the branch head.
func (f *Fabric) Diff(
	ctx context.Context, ask *bridgev1.DiffDirectoryRequest,
) (*bridgev1.DiffDirectoryResponse, error) {
	ask.FabricId = f.ID
	return bridgev1.NewHistoryServiceClient(f.Conn).DiffDirectory(ctx, ask)
}

// Start starts a sync, which restores what was there at a time where one is given, and returns its id.
func (f *Fabric) Start(ctx context.Context, options *syncv1.SyncOptions, asOf time.Time) (string, error) {
	quarantine := bridgev1.NewQuarantineServiceClient(f.Conn)
	switch {
	case len(options.GetReleasePaths()) > 0:
		answer, err := quarantine.ReleaseQuarantined(ctx,
			&bridgev1.ReleaseQuarantinedRequest{FabricId: f.ID, Paths: options.GetReleasePaths()})
		return answer.GetSyncId(), err
	case len(options.GetRetryPaths()) > 0:
		answer, err := quarantine.RetryQuarantined(ctx,
			&bridgev1.RetryQuarantinedRequest{FabricId: f.ID, Paths: options.GetRetryPaths()})
		return answer.GetSyncId(), err
	case options.GetRestoreCommit() != "" || !asOf.IsZero():
		return f.restore(ctx, options, asOf)
	}
	answer, err := f.syncs().TriggerSync(ctx, &bridgev1.TriggerSyncRequest{
		FabricId: f.ID, Options: &bridgev1.TriggerOptions{
			ValidateOnly: options.GetValidateOnly(), Force: options.GetForce(), TakeOver: options.GetTakeOver(),
			RetryQuarantined: options.GetRetryQuarantined(),
		},
	})
	return answer.GetSyncId(), err
}

func (f *Fabric) restore(ctx context.Context, options *syncv1.SyncOptions, asOf time.Time) (string, error) {
	ask := &bridgev1.RestoreDirectoryRequest{
		FabricId: f.ID, Commit: options.GetRestoreCommit(), Paths: options.GetRestorePaths(), Force: options.GetForce(),
		ValidateOnly: options.GetValidateOnly(),
	}
	if !asOf.IsZero() {
		ask.AsOf = timestamppb.New(asOf)
	}
	answer, err := bridgev1.NewHistoryServiceClient(f.Conn).RestoreDirectory(ctx, ask)
	return answer.GetSyncId(), err
}

// MayPublish returns why no sync of the fabric may publish: FGD_3011 where it is suspended, FGD_3030 where its mode is
// not on.
func (f *Fabric) MayPublish(ctx context.Context) error {
	found, err := bridgev1.NewFabricServiceClient(f.Conn).GetFabric(ctx, &bridgev1.GetFabricRequest{FabricId: f.ID})
	if err != nil {
		return err
	}
	suspension, mode := found.GetFabric().GetSuspension(), found.GetFabric().GetOptions().GetMode()
	switch {
	case suspension != nil:
		return errs.New(errs.FabricSuspended, "No sync of fabric %d may publish: %s has suspended it: %s", f.ID,
			suspension.GetSuspendedBy(), suspension.GetReason()).
			WithRemedy("Resume it when its syncs are wanted again: fgd fabric resume %d.", f.ID)
	case mode == "off" || mode == "dry_run":
		return errs.New(errs.FabricNotOn, "No sync of fabric %d may publish: its mode is %s.", f.ID, mode).
			WithRemedy("Look at what a dry run says, and set the mode when syncs may publish: "+
				"fgd fabric update %d --mode on.", f.ID)
	}
	return nil
}

// syncsPage is the most syncs that a page holds.
const syncsPage = 500

// Newest returns the ID of the newest sync that is no dry run, empty where there is none.
func (f *Fabric) Newest(ctx context.Context) (string, error) {
	ask := &bridgev1.ListSyncsRequest{FabricId: f.ID, Limit: syncsPage}
	for {
		page, err := f.syncs().ListSyncs(ctx, ask)
		if err != nil {
			return "", err
		}
		for _, sync := range page.GetSyncs() {
			if !sync.GetValidateOnly() {
				return sync.GetSyncId(), nil
			}
		}
		ask.Offset += int32(len(page.GetSyncs()))
		if len(page.GetSyncs()) == 0 || ask.GetOffset() >= page.GetTotal() {
			return "", nil
		}
	}
}
