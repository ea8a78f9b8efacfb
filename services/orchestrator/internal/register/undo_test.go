package register_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/lock"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rpc"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/orchestrator/internal/eventlog"
	"fgdsync.dev/services/orchestrator/internal/intake"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/register"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/grpctest"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

// anywhere takes every location as it is. Its directories belong to one owner.
type anywhere struct {
	gitv1.UnimplementedRepositoryServiceServer
	directoryv1.UnimplementedDirectoryServiceServer

	owner    *directoryv1.FabricIdentity // none where nil
	plugin   bool                        // its manifest was written by the plugin
	open     func(context.Context) error // what becomes of who opens a snapshot
	resealed []int32                     // the fabrics that credentials were bound to
}

func (a *anywhere) OpenSnapshot(
	ctx context.Context, _ *gitv1.OpenSnapshotRequest,
) (*gitv1.OpenSnapshotResponse, error) {
	if a.open != nil {
		if err := a.open(ctx); err != nil {
			return nil, err
		}
	}
	return &gitv1.OpenSnapshotResponse{Snapshot: &gitv1.Snapshot{SnapshotId: "s", Tree: "t"}}, nil
}

func (*anywhere) CloseSnapshot(context.Context, *gitv1.CloseSnapshotRequest) (*gitv1.CloseSnapshotResponse, error) {
	return &gitv1.CloseSnapshotResponse{}, nil
}

func (a *anywhere) ResealCredentials(_ context.Context, req *gitv1.ResealCredentialsRequest) (
	*gitv1.ResealCredentialsResponse, error,
) {
	a.resealed = append(a.resealed, req.GetFabricId())
	return &gitv1.ResealCredentialsResponse{Credentials: req.GetCredentials()}, nil
}

func (a *anywhere) ValidateDirectory(_ context.Context, req *directoryv1.ValidateDirectoryRequest) (
	*directoryv1.ValidateDirectoryResponse, error,
) {
	report := &directoryv1.DirectoryReport{Owner: a.owner}
	asked := req.GetFabric()
	if a.owner != nil && !a.plugin &&
		(a.owner.GetFabricId() != asked.GetFabricId() || a.owner.GetName() != asked.GetName()) {
		report.Issues = append(report.Issues, &directoryv1.Issue{Finding: &reportv1.Finding{Code: errs.DirectoryOwned.ID}})
	}
	return &directoryv1.ValidateDirectoryResponse{Report: report}, nil
}

func (*anywhere) CheckLocation(
	_ context.Context, req *gitv1.CheckLocationRequest,
) (*gitv1.CheckLocationResponse, error) {
	at := req.GetLocation()
	return &gitv1.CheckLocationResponse{
		RepositoryKey: at.GetRepositoryUrl(), Directory: at.GetDirectory(), Branch: at.GetBranch(),
	}, nil
}

// office is a register over a Redis and a ledger.
type office struct {
	*register.Register
	host       *anywhere
	t          *testing.T
	conn       *redisconn.Conn
	path       string
	ledger     *ledger.Ledger
	store      *state.Store
	supervisor *recovery.Supervisor
	git        gitv1.RepositoryServiceClient
	directory  directoryv1.DirectoryServiceClient
	patience   time.Duration
}

func newOffice(t *testing.T, conn *redisconn.Conn) *office {
	t.Helper()
	host := &anywhere{}
	git := grpctest.Serve(t, rpc.Services, func(s grpc.ServiceRegistrar) {
		gitv1.RegisterRepositoryServiceServer(s, host)
		directoryv1.RegisterDirectoryServiceServer(s, host)
	})
	o := &office{
		t: t, conn: conn, path: filepath.Join(t.TempDir(), "ledger.db"), git: gitv1.NewRepositoryServiceClient(git),
		directory: directoryv1.NewDirectoryServiceClient(git), host: host, patience: time.Minute,
	}
	o.open()
	o.round()
	return o
}

// open opens the ledger, and the register over it.
func (o *office) open() {
	o.t.Helper()
	kept, err := ledger.Open(o.path)
	must(o.t, err)
	o.t.Cleanup(func() { must(o.t, kept.Close()) })
	log := slog.New(slog.DiscardHandler)
	o.ledger, o.store = kept, state.New(o.conn, state.Limits{Retention: 24 * time.Hour, Active: 100}, time.Now)
	recoverer := recovery.New(recovery.Deps{
		Store: o.store, Ledger: kept, Retention: 24 * time.Hour, Log: log, Now: time.Now,
	})
	o.supervisor = recovery.NewSupervisor(recoverer, recovery.SupervisorConfig{})
	reader := recovery.NewReader(recoverer)
	o.Register = register.New(register.Deps{
		Store: reader, Ledger: kept, Accept: intake.New(reader, kept, noop.Tracer{}, log, time.Now).Accept,
		Locker: lock.New(o.conn, time.Minute, time.Hour), Repositories: o.git, Events: eventlog.New(time.Now), Log: log,
		Directory: o.directory, Now: time.Now, Patience: o.patience,
	})
}

// breakLedger lets no more writes of the ledger succeed.
func (o *office) breakLedger() { must(o.t, o.ledger.Close()) }

// round brings Redis and the ledger in step, as happens every few seconds.
func (o *office) round() {
	o.t.Helper()
	must(o.t, o.supervisor.RunOnce(o.t.Context()))
}

func (o *office) create() (*fabricv1.Fabric, error) {
	fabric, _, err := o.Create(o.t.Context(), &fabricv1.CreateFabricRequest{Fabric: &fabricv1.Fabric{
		FabricId: 35, Name: "first",
		Location: &gitv1.Location{RepositoryUrl: "https://host/r.git", Branch: "main", Directory: "f1"},
	}})
	return fabric, err
}

// created registers a fabric, and ends its first sync.
func (o *office) created() *fabricv1.Fabric {
	o.t.Helper()
	fabric, err := o.create()
	must(o.t, err)
	must(o.t, o.conn.Main.Del(o.t.Context(), state.RunKey(35)).Err())
	return fabric
}

// requireUnwritten fails the test unless an error is that of the ledger.
func (o *office) requireUnwritten(err error) {
	o.t.Helper()
	if !errs.HasCode(err, errs.DatabaseError) {
		o.t.Errorf("the ledger can't be written: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func each(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		test(t, newOffice(t, conn))
	})
}

// TestAFabricThatCouldNotBeKeptIsWithdrawn (F13): nothing of it is left, and it is registered when somebody tries
// again.
func TestAFabricThatCouldNotBeKeptIsWithdrawn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		o.breakLedger()
		for range 2 {
			_, err := o.create()
			o.requireUnwritten(err)
			if _, err := o.store.Fabric(t.Context(), 35); !errs.HasCode(err, errs.FabricNotFound) {
				t.Errorf("what could not be kept is registered: %v", err)
			}
		}
		o.open()
		fabric, err := o.create()
		must(t, err)
		o.round()
		stored, err := o.store.Fabric(t.Context(), 35)
		must(t, err)
		if kept, err := o.ledger.HasFabric(35); err != nil || !kept || stored.GetGeneration() != fabric.GetGeneration() {
			t.Errorf("kept: %v, %v; stored is %v", kept, err, stored)
		}
	})
}

// TestAWithdrawnFabricStaysAway: also where a ledger has an older one of its number, which Redis has lost.
func TestAWithdrawnFabricStaysAway(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		_, err := o.create()
		must(t, err)
		must(t, o.conn.Main.FlushAll(t.Context()).Err())
		must(t, o.store.SetComplete(t.Context()))
		o.breakLedger()
		_, err = o.create()
		o.requireUnwritten(err)
		o.open()
		o.round()
		if kept, err := o.ledger.HasFabric(35); err != nil || kept {
			t.Errorf("kept: %v, %v", kept, err)
		}
		if _, err := o.store.Fabric(t.Context(), 35); !errs.HasCode(err, errs.FabricNotFound) {
			t.Errorf("it came back: %v", err)
		}
	})
}

// TestAChangeThatCouldNotBeKeptIsUndone: who is told of a failure finds what was there before, and tries again.
func TestAChangeThatCouldNotBeKeptIsUndone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		suspended bool
		change    func(o *office, f *fabricv1.Fabric) error
		changed   func(f *fabricv1.Fabric) bool
	}{
		"updated": {false, func(o *office, f *fabricv1.Fabric) error {
			wanted := proto.CloneOf(f)
			wanted.Name, wanted.Generation = "second", 0
			_, err := o.Update(o.t.Context(), wanted)
			return err
		}, func(f *fabricv1.Fabric) bool { return f.GetName() == "second" }},
		"suspended": {false, func(o *office, _ *fabricv1.Fabric) error {
			_, err := o.Suspend(o.t.Context(), 35, "because")
			return err
		}, func(f *fabricv1.Fabric) bool { return f.GetSuspension() != nil }},
		"resumed": {true, func(o *office, _ *fabricv1.Fabric) error {
			_, syncID, err := o.Resume(o.t.Context(), 35)
			if err == nil && syncID == "" {
				return errors.New("resuming has started no sync")
			}
			return err
		}, func(f *fabricv1.Fabric) bool { return f.GetSuspension() == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, o *office) {
				before := o.created()
				if c.suspended {
					var err error
					before, err = o.Suspend(t.Context(), 35, "because")
					must(t, err)
				}
				o.breakLedger()
				o.requireUnwritten(c.change(o, before))
				o.requireAsBefore(before)
				o.open()
				o.round()
				o.requireAsBefore(before)
				must(t, c.change(o, before))
				now, err := o.store.Fabric(t.Context(), 35)
				must(t, err)
				if !c.changed(now) {
					t.Errorf("tried again, and it is %v", now)
				}
			})
		})
	}
}

// requireAsBefore fails the test unless Redis has what a definition says, as a later one.
func (o *office) requireAsBefore(before *fabricv1.Fabric) {
	o.t.Helper()
	now, err := o.store.Fabric(o.t.Context(), 35)
	must(o.t, err)
	if now.GetGeneration() <= before.GetGeneration() {
		o.t.Errorf("generation %d follows %d", now.GetGeneration(), before.GetGeneration())
	}
	now.Generation, now.UpdatedAt = before.GetGeneration(), before.GetUpdatedAt()
	if !proto.Equal(now, before) {
		o.t.Errorf("it was\n%v\nand is\n%v", before, now)
	}
}

// TestADeletionIsFinished: the fabric is gone, and it is deleted only when the ledger says so too.
func TestADeletionIsFinished(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		o.created()
		o.breakLedger()
		o.requireUnwritten(o.Delete(t.Context(), 35))
		if _, err := o.store.Fabric(t.Context(), 35); !errs.HasCode(err, errs.FabricNotFound) {
			t.Errorf("it is there: %v", err)
		}
		o.open()
		must(t, o.Delete(t.Context(), 35))
		if kept, err := o.ledger.HasFabric(35); err != nil || kept {
			t.Errorf("kept: %v, %v", kept, err)
		}
		if err := o.Delete(t.Context(), 35); !errs.HasCode(err, errs.FabricNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
		must(t, o.conn.Main.FlushAll(t.Context()).Err())
		o.round()
		if _, err := o.store.Fabric(t.Context(), 35); !errs.HasCode(err, errs.FabricNotFound) {
			t.Errorf("it came back: %v", err)
		}
	})
}
