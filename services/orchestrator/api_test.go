package orchestrator_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator"
	"fgdsync.dev/testkit/redistest"
)

// fails checks that a call failed with a code, and with something to do about it.
func fails(t testing.TB, what string, err error, code errs.Code) {
	t.Helper()
	if !errs.HasCode(err, code) || errs.KindOf(err) != code.Kind || errs.From(err).RemedyText() == "" {
		t.Errorf("%s: got %v, want %s", what, err, code.ID)
	}
}

func TestARequestIsServedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		var ids [8]string
		inParallel(len(ids), func(i int) {
			response, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35, RequestId: "the same"})
			if err != nil {
				t.Error(err)
			}
			ids[i] = response.GetSyncId()
		})
		if got := slices.Compact(ids[:]); len(got) != 1 {
			t.Fatalf("one request became %v", got)
		}
		b.expect(b.await(ids[0]), completed)
		again, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35, RequestId: "the same"})
		if must(t, again, err).GetSyncId() != ids[0] {
			t.Errorf("after its end it became %v", again)
		}
	})
}

// TestAHundredTriggersMakeTwoRuns: the one that runs, and the one that follows it.
func TestAHundredTriggersMakeTwoRuns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		g := newGate(t)
		b.on("open", g.wait)
		running := b.start(35, nil)
		<-g.came
		var ids [100]string
		inParallel(len(ids), func(i int) {
			response, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{
				FabricId: 35,
				Trigger:  syncv1.Trigger_TRIGGER_WEBHOOK,
			})
			if err != nil || !response.GetQueued() {
				t.Errorf("got %v, %v", response, err)
			}
			ids[i] = response.GetSyncId()
		})
		if got := slices.Compact(ids[:]); len(got) != 1 || got[0] == running {
			t.Fatalf("they became %d syncs", len(got))
		}
		_, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{
			FabricId: 35,
			Options:  &syncv1.SyncOptions{RefuseIfRunning: true},
		})
		fails(t, "asked to be refused", err, errs.SyncAlreadyInProgress)
		if errs.From(err).Meta["sync_id"] != running {
			t.Errorf("it does not say what runs: %v", errs.From(err).Meta)
		}
		g.open()
		b.expect(b.await(running), completed)
		next := b.await(ids[0])
		b.expect(next, completed)
		if len(next.GetCoalescedTriggers()) != 99 {
			t.Errorf("%d triggers joined", len(next.GetCoalescedTriggers()))
		}
		list, err := b.ListSyncs(t.Context(), &syncv1.ListSyncsRequest{FabricId: 35})
		if must(t, list, err).GetTotal() != 3 {
			t.Errorf("%d syncs in the history", list.GetTotal())
		}
	})
}

func TestManyFabricsAtOnce(t *testing.T) {
	t.Parallel()
	redistest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		cfg := testConfig()
		cfg.LockLease = orchestrator.DefaultConfig().LockLease // nobody is to be taken for gone who is only slow
		b := newBench(t, url, cfg)
		const n = 40
		inParallel(n, func(i int) {
			directory := fmt.Sprint("f", i)
			b.drop(directory, "a")
			response, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(int32(i+1),
				directory)})
			if err != nil {
				t.Error(err)
				return
			}
			if got := b.await(response.GetSyncId()); got.GetState() != completed || got.GetResult().GetResourcesTotal() != 1 {
				t.Errorf("fabric %d: %v", i+1, got)
			}
		})
		if got := len(b.published()); got != n {
			t.Errorf("%d commits of %d fabrics", got, n)
		}
	})
}

func TestHistory(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		var ids []string
		for range 3 {
			ids = append([]string{b.sync(35, nil).GetSyncId()}, ids...)
		}
		b.fail("open", 99, errs.New(errs.GitHubNotFound, "gone"))
		broken := b.sync(35, nil)
		from, to := b.get(ids[2]).GetAcceptedAt(), broken.GetAcceptedAt()
		for name, c := range map[string]struct {
			req   *syncv1.ListSyncsRequest
			n     int
			total int32
		}{
			"all":       {&syncv1.ListSyncsRequest{}, 5, 5},
			"limit":     {&syncv1.ListSyncsRequest{Limit: 2}, 2, 5},
			"offset":    {&syncv1.ListSyncsRequest{Limit: 2, Offset: 4}, 1, 5},
			"past":      {&syncv1.ListSyncsRequest{Offset: 99}, 0, 5},
			"failed":    {&syncv1.ListSyncsRequest{State: failed}, 1, 1},
			"first":     {&syncv1.ListSyncsRequest{Trigger: syncv1.Trigger_TRIGGER_FABRIC_CREATED}, 1, 1},
			"from":      {&syncv1.ListSyncsRequest{StartDate: broken.GetAcceptedAt()}, 1, 1},
			"before to": {&syncv1.ListSyncsRequest{StartDate: from, EndDate: to}, 3, 3},
		} {
			c.req.FabricId = 35
			response, err := b.ListSyncs(t.Context(), c.req)
			if must(t, response, err).GetTotal() != c.total || len(response.GetSyncs()) != c.n {
				t.Errorf("%s: %d of %d", name, len(response.GetSyncs()), response.GetTotal())
			}
		}
		response, err := b.ListSyncs(t.Context(), &syncv1.ListSyncsRequest{FabricId: 35, Limit: 1})
		if must(t, response, err).GetSyncs()[0].GetSyncId() != broken.GetSyncId() {
			t.Error("the newest is not the first")
		}
		for name, req := range map[string]*syncv1.ListSyncsRequest{
			"limit":    {FabricId: 35, Limit: 501},
			"negative": {FabricId: 35, Limit: -1}, "offset": {FabricId: 35, Offset: -1},
		} {
			_, err := b.ListSyncs(t.Context(), req)
			fails(t, name, err, errs.InvalidRequest)
		}
		_, err = b.ListSyncs(t.Context(), &syncv1.ListSyncsRequest{FabricId: 99})
		fails(t, "no fabric", err, errs.FabricNotFound)
	})
}

func TestWhatDoesNotExist(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		_, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 1})
		fails(t, "start", err, errs.FabricNotFound)
		_, err = b.GetSync(t.Context(), &syncv1.GetSyncRequest{SyncId: "nonsense"})
		fails(t, "get", err, errs.SyncNotFound)
		_, err = b.CancelSync(t.Context(), &syncv1.CancelSyncRequest{SyncId: "nonsense"})
		fails(t, "cancel", err, errs.SyncNotFound)
		stream, err := b.WatchSync(t.Context(), &syncv1.WatchSyncRequest{SyncId: "nonsense"})
		if err == nil {
			_, err = stream.Recv()
		}
		fails(t, "watch", err, errs.SyncNotFound)
		_, err = b.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 1})
		fails(t, "get fabric", err, errs.FabricNotFound)
		_, err = b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: definition(1, "f")})
		fails(t, "update fabric", err, errs.FabricNotFound)
		_, err = b.DeleteFabric(t.Context(), &fabricv1.DeleteFabricRequest{FabricId: 1})
		fails(t, "delete fabric", err, errs.FabricNotFound)
		_, err = b.CheckDirectory(t.Context(), &fabricv1.CheckDirectoryRequest{FabricId: 1})
		fails(t, "check directory", err, errs.FabricNotFound)
		_, err = b.ListFiles(t.Context(), &fabricv1.ListFilesRequest{FabricId: 1})
		fails(t, "list files", err, errs.FabricNotFound)
	})
}

func TestAFabricIsWellDefined(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		for name, spoil := range map[string]func(*fabricv1.Fabric){
			"negative number":    func(f *fabricv1.Fabric) { f.FabricId = -1 },
			"no name":            func(f *fabricv1.Fabric) { f.Name = " " },
			"name of two lines":  func(f *fabricv1.Fabric) { f.Name = "a\nFgd-Fabric: b" },
			"no location":        func(f *fabricv1.Fabric) { f.Location = nil },
			"no branch":          func(f *fabricv1.Fabric) { f.Location.Branch = "" },
			"negative interval":  func(f *fabricv1.Fabric) { f.SyncIntervalSeconds = -1 },
			"name far too long":  func(f *fabricv1.Fabric) { f.Name = string(make([]byte, 101)) },
			"no repository at a": func(f *fabricv1.Fabric) { f.Location.RepositoryUrl = "" },
		} {
			f := definition(35, "f1")
			spoil(f)
			_, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: f})
			fails(t, name, err, errs.InvalidRequest)
		}
		b.fail("check", 1, errs.New(errs.RemoteRefused, "Only https."))
		_, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(35, "f1")})
		fails(t, "a location that is refused", err, errs.RemoteRefused)
		list, err := b.ListFabrics(t.Context(), &fabricv1.ListFabricsRequest{})
		if len(must(t, list, err).GetFabrics()) != 0 {
			t.Errorf("registered: %v", list)
		}
	})
}

func TestFabricsKeepApart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		create := func(f *fabricv1.Fabric) error {
			_, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: f})
			return err
		}
		if err := create(definition(35, "gitops/f1")); err != nil {
			t.Fatal(err)
		}
		accented := definition(34, "gitops/fe\u0301")
		accented.Name = "with an accent"
		if err := create(accented); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			directory string
			code      errs.Code
		}{
			"the same": {"gitops/f1", errs.DirectoryOverlap}, "inside": {"gitops/f1/sub", errs.DirectoryOverlap},
			"around":         {"gitops", errs.DirectoryOverlap},
			"another case":   {"GitOps/F1", errs.DirectoryOverlap},
			"inside of that": {"gitops/F1/x", errs.DirectoryOverlap},
			"accents":        {"gitops/f\u00e9/x", errs.DirectoryOverlap},
			"the root":       {"/", errs.DirectoryOverlap},
			"all by mistake": {"", errs.DirectoryInvalid},
		} {
			f := definition(0, c.directory)
			f.Name, f.Options = name, &fabricv1.Options{AllowRepositoryRoot: c.directory == "/"}
			f.Location.Branch = "refs/heads/main"
			f.Location.RepositoryUrl = "https://host/repo" // the same repository, spelled differently
			fails(t, name, create(f), c.code)
		}
		other := definition(36, "gitops/f1")
		other.Name = "another repository"
		other.Location.RepositoryUrl = "https://host/other.git"
		if err := create(other); err != nil {
			t.Error(err)
		}
		if err := create(definition(37, "gitops/f10")); err != nil {
			t.Errorf("a directory that only begins the same: %v", err)
		}
		named := definition(0, "gitops/f2")
		named.Name = "fabric of gitops/f1"
		fails(t, "the name of another", create(named), errs.FabricExists)
		numbered := definition(35, "gitops/f2")
		fails(t, "the number of another", create(numbered), errs.FabricExists)
		chosen, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(0, "gitops/f3")})
		if id := must(t, chosen, err).GetFabric().GetFabricId(); id < 1 || id >= 35 {
			t.Errorf("the chosen number is %d", id)
		}
		moved := definition(36, "gitops/f1")
		fails(t, "an update into another's directory", func() error {
			moved.Name = "another"
			_, err := b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: moved})
			return err
		}(), errs.DirectoryOverlap)
	})
}

// TestTwoCannotTakeOnePlace: both look before either is registered, unless the register has a lock.
func TestTwoCannotTakeOnePlace(t *testing.T) {
	t.Parallel()
	redistest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		b := newBench(t, url, testConfig())
		var created atomic.Int32
		inParallel(8, func(i int) {
			f := definition(int32(i+1), "f1")
			f.Name = fmt.Sprint("fabric ", i)
			if _, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: f}); err == nil {
				created.Add(1)
			}
		})
		if created.Load() != 1 {
			t.Errorf("%d fabrics have one directory", created.Load())
		}
	})
}

func TestAFabricIsChangedAndForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		before, err := b.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 35})
		changed := proto.CloneOf(must(t, before, err).GetFabric())
		changed.SyncIntervalSeconds, changed.CreatedAt, changed.UpdatedAt = 60, timestamppb.Now(), nil
		updated, err := b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: changed})
		got := must(t, updated, err).GetFabric()
		if got.GetSyncIntervalSeconds() != 60 || !proto.Equal(got.GetCreatedAt(), before.GetFabric().GetCreatedAt()) ||
			got.GetUpdatedAt() == nil {
			t.Errorf("got %v", got)
		}
		g := newGate(t)
		b.on("open", g.wait)
		id := b.start(35, nil)
		<-g.came
		_, err = b.DeleteFabric(t.Context(), &fabricv1.DeleteFabricRequest{FabricId: 35})
		fails(t, "delete under a sync", err, errs.SyncAlreadyInProgress)
		g.open()
		b.expect(b.await(id), completed)
		if _, err := b.DeleteFabric(t.Context(), &fabricv1.DeleteFabricRequest{FabricId: 35}); err != nil {
			t.Fatal(err)
		}
		_, err = b.GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 35})
		fails(t, "after its end", err, errs.FabricNotFound)
	})
}

func TestLookingIntoADirectory(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		checked, err := b.CheckDirectory(t.Context(), &fabricv1.CheckDirectoryRequest{FabricId: 35})
		if !must(t, checked, err).GetReport().GetValid() || checked.GetCommit() != b.head().id {
			t.Errorf("got %v", checked)
		}
		for name, c := range map[string]struct {
			req  *fabricv1.ListFilesRequest
			want []string
		}{
			"all": {&fabricv1.ListFilesRequest{}, []string{
				"managed/vpcs/a.yaml", "managed/vpcs/copy.yaml", "raw/big.yaml",
				"raw/link.yaml", "rawer/notes.txt",
			}},
			"directory": {&fabricv1.ListFilesRequest{Directory: "/raw/"}, []string{"raw/big.yaml", "raw/link.yaml"}},
			"type":      {&fabricv1.ListFilesRequest{FileType: ".txt"}, []string{"rawer/notes.txt"}},
			"neither":   {&fabricv1.ListFilesRequest{Directory: "managed", FileType: "json"}, nil},
		} {
			c.req.FabricId = 35
			c.req.IncludeContent = true
			response, err := b.ListFiles(t.Context(), c.req)
			var got []string
			for _, file := range must(t, response, err).GetFiles() {
				got = append(got, file.GetEntry().GetPath())
				readable := file.GetEntry().GetMode() == gitv1.FileMode_FILE_MODE_REGULAR && file.GetEntry().GetSize() < 1000
				if (string(file.GetContent()) == file.GetEntry().GetBlobId()) != readable {
					t.Errorf("%s: content %q", file.GetEntry().GetPath(), file.GetContent())
				}
			}
			equal(t, name, got, c.want)
		}
		b.fail("list", 1, errs.New(errs.GitHubConnectionFailed, "away"))
		_, err = b.ListFiles(t.Context(), &fabricv1.ListFilesRequest{FabricId: 35})
		fails(t, "the host is away", err, errs.GitHubConnectionFailed)
		if n := b.openSnapshots(); n != 0 {
			t.Errorf("%d snapshots were left open", n)
		}
	})
}

// TestPathsLeadIntoQuarantine: what is to be judged again or released is named as a file of unmanaged/, or the sync is
// not accepted.
func TestPathsLeadIntoQuarantine(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		refused := func(what string, options *syncv1.SyncOptions) {
			t.Helper()
			_, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35, Options: options})
			fails(t, what, err, errs.InvalidRequest)
		}
		for _, p := range []string{
			"", "unmanaged/", "raw/a.yaml", "unmanaged/../raw/a.yaml", "/unmanaged/a.yaml",
			"unmanaged//a", "unmanaged/a\n",
		} {
			refused("retry "+p, &syncv1.SyncOptions{RetryPaths: []string{p}})
			refused("release "+p, &syncv1.SyncOptions{ReleasePaths: []string{p}})
		}
		refused("many", &syncv1.SyncOptions{RetryPaths: make([]string, 1001)})
		b.expect(b.sync(35, &syncv1.SyncOptions{
			RetryPaths:   []string{"unmanaged/a b.yaml"},
			ReleasePaths: []string{"unmanaged/sub/ä"},
		}), completed)
	})
}
