package githubsync_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/grpctest"
)

// TestMain lets more tests run at once than there are processors, unless it is told otherwise: most of what they do is
// to wait for hosts that fail, and for the pause before the next attempt.
func TestMain(m *testing.M) {
	const atOnce = "test.parallel"
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == atOnce })
	if !given {
		if err := flag.Set(atOnce, strconv.Itoa(max(8, runtime.GOMAXPROCS(0)))); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

const (
	user, password = "robot", "a-password-nobody-guesses"
	repository     = "r.git"
	branch         = "main"
)

var when = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// bench is the service, over real gRPC, and a Git host.
type bench struct {
	t            testing.TB
	host         *gitserver.Server
	url          func(repository string) string
	login        *gitv1.PlainCredentials
	conn         *grpc.ClientConn
	repositories gitv1.RepositoryServiceClient
	trees        gitv1.TreeServiceClient
	history      gitv1.HistoryServiceClient
	log          *log
	data         string
	metrics      *prometheus.Registry
	service      *githubsync.Service
}

// log is what the service wrote.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func setup(t testing.TB, configure ...func(*githubsync.Config)) *bench {
	t.Helper()
	return replica(t, newHost(t), configure...)
}

// replica is a service of its own in front of a host.
func replica(t testing.TB, host *gitserver.Server, configure ...func(*githubsync.Config)) *bench {
	t.Helper()
	return replicaIn(t, host, nil, configure...)
}

// replicaIn is one with variables in its environment.
func replicaIn(t testing.TB, host *gitserver.Server, environment map[string]string,
	configure ...func(*githubsync.Config),
) *bench {
	t.Helper()
	b := &bench{t: t, host: host, log: &log{}, url: host.URL}
	b.login = &gitv1.PlainCredentials{Username: user, Password: password}
	cfg := githubsync.DefaultConfig()
	cfg.DataDir, cfg.CredentialsKeyFile = t.TempDir(), ""
	cfg.AllowHTTP, cfg.AllowedPrivateNetworks = true, []string{"127.0.0.0/8"}
	for _, change := range configure {
		change(&cfg)
	}
	b.data = cfg.DataDir
	p := process(environment)
	p.Telemetry.Log = slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.metrics = p.Telemetry.Metrics
	service, err := githubsync.New(cfg, p)
	if err != nil {
		t.Fatal(err)
	}
	b.service = service
	b.serve(service, p.Telemetry)
	return b
}

// process is one with variables in its environment.
func process(environment map[string]string) *app.Process {
	return &app.Process{
		Telemetry: telemetry.Discard(), Now: time.Now,
		LookupEnv: func(name string) (string, bool) { value, set := environment[name]; return value, set },
	}
}

func newHost(t testing.TB) *gitserver.Server {
	t.Helper()
	return gitserver.Start(t, gitserver.Options{User: user, Password: password})
}

func (b *bench) serve(service *githubsync.Service, tel *telemetry.Telemetry) {
	b.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- service.Run(ctx) }()
	b.t.Cleanup(func() { // after the server has stopped
		stop()
		if err := <-ran; err != nil && !errors.Is(err, context.Canceled) {
			b.t.Error(err)
		}
	})
	conn := grpctest.ServeWith(b.t, tel, rpc.Services, service.Register)
	b.conn = conn
	b.repositories, b.trees = gitv1.NewRepositoryServiceClient(conn), gitv1.NewTreeServiceClient(conn)
	b.history = gitv1.NewHistoryServiceClient(conn)
}

func (b *bench) location(directory string) *gitv1.Location {
	b.t.Helper()
	return &gitv1.Location{
		RepositoryUrl: b.url(repository), Branch: branch, Directory: directory,
		Credentials: b.seal(b.login),
	}
}

// seal seals credentials for the host of the bench.
func (b *bench) seal(login *gitv1.PlainCredentials) *gitv1.Credentials {
	b.t.Helper()
	return b.sealFor(b.url(repository), login)
}

// sealFor seals credentials for the host of a repository.
func (b *bench) sealFor(url string, login *gitv1.PlainCredentials) *gitv1.Credentials {
	b.t.Helper()
	sealed, err := b.repositories.SealCredentials(b.t.Context(),
		&gitv1.SealCredentialsRequest{Credentials: login, RepositoryUrl: url})
	if err != nil {
		b.t.Fatal(err)
	}
	return sealed.GetCredentials()
}

// open opens a snapshot, which is closed with the test.
func (b *bench) open(directory string) *gitv1.Snapshot {
	b.t.Helper()
	s, err := b.tryHold(b.location(directory))
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// tryHold opens a snapshot, which is closed with the test, if it can.
func (b *bench) tryHold(location *gitv1.Location) (*gitv1.Snapshot, error) {
	b.t.Helper()
	response, err := b.repositories.OpenSnapshot(b.t.Context(), &gitv1.OpenSnapshotRequest{Location: location})
	b.t.Cleanup(func() {
		_, _ = b.repositories.CloseSnapshot(context.Background(),
			&gitv1.CloseSnapshotRequest{SnapshotId: response.GetSnapshot().GetSnapshotId()})
	})
	return response.GetSnapshot(), err
}

// write puts files into a tree; one without content is removed.
func (b *bench) write(s *gitv1.Snapshot, files map[string]string) (string, error) {
	b.t.Helper()
	stream, err := b.trees.WriteTree(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	request := &gitv1.WriteTreeRequest{SnapshotId: s.GetSnapshotId(), BaseTree: s.GetTree()}
	for path, content := range files {
		change := &gitv1.Change{Path: path, Change: &gitv1.Change_Content{Content: []byte(content)}}
		if content == "" {
			change.Change = &gitv1.Change_Remove{Remove: true}
		}
		request.Changes = append(request.Changes, change)
	}
	if err := stream.Send(request); err != nil && !errors.Is(err, io.EOF) {
		b.t.Fatal(err)
	}
	response, err := stream.CloseAndRecv()
	return response.GetTree(), err
}

func (b *bench) mustWrite(s *gitv1.Snapshot, files map[string]string) string {
	b.t.Helper()
	tree, err := b.write(s, files)
	if err != nil {
		b.t.Fatal(err)
	}
	return tree
}

func (b *bench) publish(s *gitv1.Snapshot, tree string) (*gitv1.PublishResponse, error) {
	return b.repositories.Publish(b.t.Context(), publishing(s, tree))
}

func (b *bench) publishIn(ctx context.Context, s *gitv1.Snapshot, tree string) error {
	_, err := b.repositories.Publish(ctx, publishing(s, tree))
	return err
}

func publishing(s *gitv1.Snapshot, tree string) *gitv1.PublishRequest {
	return &gitv1.PublishRequest{
		SnapshotId: s.GetSnapshotId(), Tree: tree, Message: "Change a file\n\nFgd-Sync-Id: 1\n",
		Author: &gitv1.Signature{Name: "Ada", Email: "ada@example.com"}, Time: timestamppb.New(when),
	}
}

// files reads a tree through the service.
func (b *bench) files(s *gitv1.Snapshot, tree string) map[string]string {
	b.t.Helper()
	stream, err := b.trees.ListTree(b.t.Context(), &gitv1.ListTreeRequest{SnapshotId: s.GetSnapshotId(), Tree: tree})
	if err != nil {
		b.t.Fatal(err)
	}
	files := map[string]string{}
	for {
		page, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			b.t.Fatal(err)
		}
		for _, entry := range page.GetEntries() {
			if entry.GetMode() != gitv1.FileMode_FILE_MODE_SUBMODULE {
				files[entry.GetPath()] = b.blob(s, entry)
			}
		}
	}
}

func (b *bench) blob(s *gitv1.Snapshot, entry *gitv1.TreeEntry) string {
	b.t.Helper()
	stream, err := b.trees.ReadBlobs(b.t.Context(), &gitv1.ReadBlobsRequest{
		SnapshotId: s.GetSnapshotId(),
		BlobIds:    []string{entry.GetBlobId()},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	page, err := stream.Recv()
	if err != nil || len(page.GetBlobs()) != 1 || int64(len(page.GetBlobs()[0].GetContent())) != entry.GetSize() {
		b.t.Fatalf("%v: %v, %v", entry, page, err)
	}
	for err == nil {
		_, err = stream.Recv()
	}
	return string(page.GetBlobs()[0].GetContent())
}

// requireCode holds an error to its code, and to having nothing secret in it.
func (b *bench) requireCode(err error, code errs.Code) {
	b.t.Helper()
	if !errs.HasCode(err, code) || strings.Contains(err.Error(), password) || errs.From(err).RemedyText() == "" {
		b.t.Errorf("%v, not %s", err, code.Name)
	}
}

func (b *bench) requireCommits(n int) {
	b.t.Helper()
	if got := b.host.Commits(b.t, repository, branch); got != n {
		b.t.Errorf("%d commits, not %d", got, n)
	}
	b.host.RequireSound(b.t, repository)
	if strings.Contains(b.log.String(), password) || len(b.leftovers()) > 0 {
		b.t.Errorf("log or leftovers %v:\n%s", b.leftovers(), b.log)
	}
}

// leftovers are temporary files in the data folder.
func (b *bench) leftovers() []string {
	b.t.Helper()
	found, err := filepath.Glob(filepath.Join(b.data, "repositories", "*", "*", "*", "objects", "pack", "tmp_*"))
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}
