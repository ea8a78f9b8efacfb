package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/lock"
	"fgdsync.dev/libs/rediskey"
	"fgdsync.dev/libs/state"
	"fgdsync.dev/libs/telemetry"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/ledger"
)

// Fabrics serves FabricService.
type Fabrics struct {
	fabricv1.UnsafeFabricServiceServer
	FabricDeps
	Directories
}

// FabricDeps is what the register works with.
type FabricDeps struct {
	Store        *state.Store
	Ledger       *ledger.Ledger
	Intake       *Intake
	Locker       *lock.Locker
	Repositories gitv1.RepositoryServiceClient
	Now          func() time.Time
}

var _ fabricv1.FabricServiceServer = (*Fabrics)(nil)

// NewFabrics returns the service.
func NewFabrics(deps FabricDeps, directories Directories) *Fabrics {
	return &Fabrics{FabricDeps: deps, Directories: directories}
}

// Directories is where questions about a fabric's directory are answered.
type Directories struct {
	Trees        gitv1.TreeServiceClient
	History      gitv1.HistoryServiceClient
	Directory    directoryv1.DirectoryServiceClient
	Ingestion    ingestionv1.IngestionServiceClient
	MaxFileBytes int64 // larger contents are not sent, and no more than that in all
}

// CreateFabric registers a fabric and starts its first sync.
func (f *Fabrics) CreateFabric(ctx context.Context, req *fabricv1.CreateFabricRequest) (*fabricv1.CreateFabricResponse,
	error,
) {
	fabric := proto.CloneOf(req.GetFabric())
	fabric.PullRequest = nil
	fabric.CreatedAt = timestamppb.New(f.Now())
	fabric.UpdatedAt, fabric.Generation = fabric.GetCreatedAt(), f.generation(0)
	err := f.changing(ctx, fabric, func(ctx context.Context) error {
		if err := f.chooseID(ctx, fabric); err != nil {
			return err
		}
		failpoint.Hit(failpoint.RegisterBefore)
		return f.Store.CreateFabric(ctx, fabric, f.event(ctx, "fabric.created", fabric, req.GetRequestedBy()))
	})
	if err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.RegisterStored)
	if err := f.Ledger.PutFabric(fabric); err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.RegisterKept)
	verdict, err := f.Intake.start(ctx, &syncv1.StartSyncRequest{
		FabricId: fabric.GetFabricId(), Trigger: syncv1.Trigger_TRIGGER_FABRIC_CREATED, Options: req.GetFirstSync(),
		RequestedBy: req.GetRequestedBy(),
	})
	if err != nil {
		return nil, fmt.Errorf("start the first sync: %w", err)
	}
	return &fabricv1.CreateFabricResponse{Fabric: fabric, SyncId: verdict.SyncID}, nil
}

// generation returns a number above one that a definition has had. It follows the clock, so that a fabric which takes
// the number of one that was deleted is above that too, also when Redis has forgotten it.
func (f *Fabrics) generation(last int64) int64 { return max(last+1, f.Now().UnixMicro()) }

// chooseID returns a fabric without a number the next one that is free.
func (f *Fabrics) chooseID(ctx context.Context, fabric *fabricv1.Fabric) error {
	for fabric.GetFabricId() == 0 {
		id, err := f.Store.NextFabricID(ctx)
		if err != nil {
			return err
		}
		_, err = f.Store.Fabric(ctx, id)
		switch {
		case errs.HasCode(err, errs.FabricNotFound):
			fabric.FabricId = id
		case err != nil:
			return err
		}
	}
	return nil
}

// changing validates a definition and runs a change of the register under its lock, so that two fabrics can't take
// one name or overlapping directories at the same time.
func (f *Fabrics) changing(ctx context.Context, fabric *fabricv1.Fabric, change func(context.Context) error) error {
	if err := validFabric(fabric); err != nil {
		return err
	}
	checked, err := f.Repositories.CheckLocation(ctx, &gitv1.CheckLocationRequest{Location: fabric.GetLocation()})
	if err != nil {
		return err
	}
	fabric.Location.Directory = checked.GetDirectory()
	fabric.RepositoryKey = checked.GetRepositoryKey()
	if err := f.Store.Whole(ctx); err != nil {
		return err
	}
	return f.alone(ctx, func(ctx context.Context) error {
		if err := f.apart(ctx, fabric); err != nil {
			return err
		}
		return change(ctx)
	})
}

// alone runs a change of the register under its lock.
func (f *Fabrics) alone(ctx context.Context, change func(context.Context) error) error {
	lease, err := f.Locker.Acquire(ctx, rediskey.Registry)
	if err != nil {
		return err
	}
	return errors.Join(change(lease.Context()), lease.Release(context.WithoutCancel(ctx)))
}

func validFabric(fabric *fabricv1.Fabric) error {
	const longestName = 100
	switch {
	case fabric.GetFabricId() < 0:
		return errs.New(errs.InvalidRequest, "fabric_id is %d; allowed is 1 or more, or none.", fabric.GetFabricId())
	case strings.TrimSpace(fabric.GetName()) == "" || len(fabric.GetName()) > longestName ||
		strings.ContainsFunc(fabric.GetName(), isControl):
		return errs.New(errs.InvalidRequest, "name is needed: 1 to %d characters without control characters.", longestName)
	case fabric.GetLocation().GetRepositoryUrl() == "":
		return errs.New(errs.InvalidRequest, "repository_url is needed.")
	case fabric.GetLocation().GetBranch() == "":
		return errs.New(errs.InvalidRequest, "branch is needed.")
	case fabric.GetSyncIntervalSeconds() < 0:
		return errs.New(errs.InvalidRequest, "sync_interval_seconds is %d; allowed is 0 or more.",
			fabric.GetSyncIntervalSeconds())
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// apart makes sure that no other fabric has the name, or a directory inside this one or around it.
func (f *Fabrics) apart(ctx context.Context, fabric *fabricv1.Fabric) error {
	others, err := f.Store.Fabrics(ctx)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.GetFabricId() == fabric.GetFabricId() {
			continue
		}
		if other.GetName() == fabric.GetName() {
			return errs.New(errs.FabricExists, "The name %q belongs to fabric %d.", fabric.GetName(), other.GetFabricId())
		}
		sameBranch := other.GetRepositoryKey() == fabric.GetRepositoryKey() && other.GetLocation().
			GetBranch() == fabric.GetLocation().GetBranch()
		if sameBranch && overlap(other.GetLocation().GetDirectory(), fabric.GetLocation().GetDirectory()) {
			return errs.New(errs.DirectoryOverlap, "The directory %q overlaps with %q of fabric %d.",
				fabric.GetLocation().GetDirectory(), other.GetLocation().GetDirectory(), other.GetFabricId())
		}
	}
	return nil
}

func overlap(a, b string) bool {
	return a == "" || b == "" || strings.HasPrefix(a+"/", b+"/") || strings.HasPrefix(b+"/", a+"/")
}

// GetFabric looks a fabric up.
func (f *Fabrics) GetFabric(ctx context.Context, req *fabricv1.GetFabricRequest) (*fabricv1.GetFabricResponse, error) {
	fabric, err := f.Store.Fabric(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	fabric.PullRequest, err = f.Store.PullRequest(ctx, fabric.GetFabricId())
	return &fabricv1.GetFabricResponse{Fabric: fabric}, err
}

// ListFabrics lists all fabrics.
func (f *Fabrics) ListFabrics(ctx context.Context, _ *fabricv1.ListFabricsRequest) (*fabricv1.ListFabricsResponse,
	error,
) {
	fabrics, err := f.Store.Fabrics(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]int32, len(fabrics))
	for i, fabric := range fabrics {
		ids[i] = fabric.GetFabricId()
	}
	pulls, err := f.Store.PullRequests(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, fabric := range fabrics {
		fabric.PullRequest = pulls[i]
	}
	return &fabricv1.ListFabricsResponse{Fabrics: fabrics}, nil
}

// UpdateFabric replaces a definition.
func (f *Fabrics) UpdateFabric(ctx context.Context, req *fabricv1.UpdateFabricRequest) (*fabricv1.UpdateFabricResponse,
	error,
) {
	fabric := proto.CloneOf(req.GetFabric())
	fabric.PullRequest = nil
	err := f.changing(ctx, fabric, func(ctx context.Context) error {
		stored, err := f.Store.Fabric(ctx, fabric.GetFabricId())
		if err != nil {
			return err
		}
		if known := fabric.GetGeneration(); known != 0 && known != stored.GetGeneration() {
			return errs.New(errs.FabricChanged, "Somebody else has changed fabric %d meanwhile.", fabric.GetFabricId())
		}
		fabric.CreatedAt, fabric.Suspension = stored.GetCreatedAt(), stored.GetSuspension()
		return f.replace(ctx, stored, fabric, req.GetRequestedBy())
	})
	if err != nil {
		return nil, err
	}
	return &fabricv1.UpdateFabricResponse{Fabric: fabric}, f.keep(fabric)
}

// replace stores a definition in place of another.
func (f *Fabrics) replace(ctx context.Context, old, fabric *fabricv1.Fabric, user string) error {
	fabric.UpdatedAt, fabric.Generation = timestamppb.New(f.Now()), f.generation(old.GetGeneration())
	return f.Store.UpdateFabric(ctx, fabric, f.event(ctx, "fabric.updated", fabric, user))
}

// keep writes a changed definition into the ledger.
func (f *Fabrics) keep(fabric *fabricv1.Fabric) error {
	failpoint.Hit(failpoint.UpdateStored)
	err := f.Ledger.PutFabric(fabric)
	failpoint.Hit(failpoint.UpdateKept)
	return err
}

// DeleteFabric forgets a fabric that is at rest.
func (f *Fabrics) DeleteFabric(ctx context.Context, req *fabricv1.DeleteFabricRequest) (*fabricv1.DeleteFabricResponse,
	error,
) {
	fabric, err := f.Store.Fabric(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.DeleteBefore)
	generation := f.generation(fabric.GetGeneration())
	active, err := f.Store.DeleteFabric(ctx, req.GetFabricId(), generation,
		f.event(ctx, "fabric.deleted", fabric, req.GetRequestedBy()))
	if err != nil {
		return nil, err
	}
	if active != "" {
		return nil, errs.New(errs.SyncAlreadyInProgress, "Fabric %d has an active sync.", req.GetFabricId()).
			WithMeta("sync_id", active).WithRemedy("Wait for the sync to end, or cancel it, and delete the fabric then.")
	}
	failpoint.Hit(failpoint.DeleteStored)
	if err := f.Ledger.DeleteFabric(req.GetFabricId(), generation); err != nil {
		return nil, err
	}
	failpoint.Hit(failpoint.DeleteKept)
	return &fabricv1.DeleteFabricResponse{}, nil
}

func (f *Fabrics) event(ctx context.Context, eventType string, fabric *fabricv1.Fabric, user string) *eventv1.Event {
	// The payload is a message of our own with two plain fields: packing it can't fail.
	payload, _ := anypb.New(&eventv1.FabricChanged{FabricId: fabric.GetFabricId(), Name: fabric.GetName()})
	id := uuid.NewString()
	return &eventv1.Event{
		EventId: id, EventType: eventType, Timestamp: timestamppb.New(f.Now()), FabricId: fabric.GetFabricId(),
		CorrelationId: id,
		Payload:       payload, Metadata: &eventv1.Metadata{
			User: orSystem(user), Source: "orchestrator", Version: 1,
			Traceparent: telemetry.Traceparent(ctx),
		},
	}
}
