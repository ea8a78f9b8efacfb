package bench

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"
	"github.com/klauspost/compress/zlib"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// githubSync is a process of github-sync alone, and a Git host.
type githubSync struct {
	b            *testing.B
	host         *gitserver.Server
	process      *system.Process
	repositories gitv1.RepositoryServiceClient
	trees        gitv1.TreeServiceClient
	credentials  *gitv1.Credentials
}

func startGithubSync(b *testing.B) *githubSync {
	b.Helper()
	addresses := system.FreeAddresses(b, "127.0.0.1", 2)
	g := &githubSync{b: b, host: server(b)}
	g.process = programs(b).Start(b, []string{
		"HEDGEHOG_FGD_GRPC_LISTEN=" + addresses[0], "HEDGEHOG_FGD_HTTP_LISTEN=" + addresses[1], "HEDGEHOG_FGD_DATA_DIR=" +
			b.TempDir(),
		"HEDGEHOG_FGD_ALLOW_HTTP=true", "HEDGEHOG_FGD_ALLOWED_PRIVATE_NETWORKS=127.0.0.0/8",
	}, "github-sync")
	conn, err := grpc.NewClient(addresses[0], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	g.repositories, g.trees = gitv1.NewRepositoryServiceClient(conn), gitv1.NewTreeServiceClient(conn)
	sealed, err := g.repositories.SealCredentials(b.Context(), &gitv1.SealCredentialsRequest{
		Credentials:   &gitv1.PlainCredentials{Username: user, Password: password},
		RepositoryUrl: g.host.URL("any.git"), // a seal is for a host
	})
	if err != nil {
		b.Fatal(err)
	}
	g.credentials = sealed.GetCredentials()
	return g
}

func (g *githubSync) open(repository string) *gitv1.Snapshot {
	g.b.Helper()
	opened, err := g.repositories.OpenSnapshot(g.b.Context(), &gitv1.OpenSnapshotRequest{Location: &gitv1.Location{
		RepositoryUrl: g.host.URL(repository), Branch: branch, Directory: directory, Credentials: g.credentials,
	}})
	if err != nil {
		g.b.Fatal(err)
	}
	return opened.GetSnapshot()
}

func (g *githubSync) close(s *gitv1.Snapshot) {
	g.b.Helper()
	if _, err := g.repositories.CloseSnapshot(g.b.Context(),
		&gitv1.CloseSnapshotRequest{SnapshotId: s.GetSnapshotId()}); err != nil {
		g.b.Fatal(err)
	}
}

// publish opens a snapshot, writes documents into it, and publishes it.
func (g *githubSync) publish(repository string, docs []string) time.Duration {
	g.b.Helper()
	began := time.Now()
	s := g.open(repository)
	stream, err := g.trees.WriteTree(g.b.Context())
	if err != nil {
		g.b.Fatal(err)
	}
	request := &gitv1.WriteTreeRequest{SnapshotId: s.GetSnapshotId(), BaseTree: s.GetTree()}
	const batch = 500
	for i, doc := range docs {
		request.Changes = append(request.Changes, &gitv1.Change{
			Path:   managed(i),
			Change: &gitv1.Change_Content{Content: []byte(doc)},
		})
		if len(request.GetChanges()) == batch || i == len(docs)-1 {
			if err := stream.Send(request); err != nil && !errors.Is(err, io.EOF) {
				g.b.Fatal(err)
			}
			request = &gitv1.WriteTreeRequest{}
		}
	}
	written, err := stream.CloseAndRecv()
	if err != nil {
		g.b.Fatal(err)
	}
	published, err := g.repositories.Publish(g.b.Context(), &gitv1.PublishRequest{
		SnapshotId: s.GetSnapshotId(), Tree: written.GetTree(), Message: "Split\n",
		Author: &gitv1.Signature{Name: "b", Email: "b@example.com"},
		Time:   timestamppb.Now(),
	})
	if err != nil || !published.GetCommitted() {
		g.b.Fatalf("%v, %v", published, err)
	}
	took := time.Since(began)
	g.close(s)
	return took
}

func managed(i int) string { return fmt.Sprintf("managed/%d.yaml", i) }

// BenchmarkGitNoChange finds out that nothing has changed in a repository of 10,000 files. Its peer is what go-git
// needs for its ls-remote.
func BenchmarkGitNoChange(b *testing.B) {
	const documents = 10_000
	g := startGithubSync(b)
	const repository = "r.git"
	g.host.Create(b, repository, branch, fabric.Files(directory+"/managed", fabric.Documents(documents), 1))
	g.close(g.open(repository))
	remote := gogit.NewRemote(memory.NewStorage(), &config.RemoteConfig{
		Name: "origin",
		URLs: []string{g.host.URL(repository)},
	})
	auth := &githttp.BasicAuth{Username: user, Password: password}
	var checks, peers []time.Duration
	for b.Loop() {
		for range 10 {
			began := time.Now()
			s := g.open(repository)
			checks = append(checks, time.Since(began))
			g.close(s)
			began = time.Now()
			if _, err := remote.ListContext(b.Context(), &gogit.ListOptions{Auth: auth}); err != nil {
				b.Fatal(err)
			}
			peers = append(peers, time.Since(began))
		}
	}
	mine, theirs := report(b, "check", checks), report(b, "go-git-ls-remote", peers)
	b.ReportMetric(float64(mine)/float64(theirs), "check/ls-remote")
}

// BenchmarkGitPublish publishes 10,000 files. Its floor is a pack built by hand in the shortest way, and pushed with
// the two requests that are needed; its peer is git's command line.
func BenchmarkGitPublish(b *testing.B) {
	const documents = 10_000
	g := startGithubSync(b)
	docs := fabric.Documents(documents)
	var mine, floors, peers []time.Duration
	for i := 0; b.Loop(); i++ {
		names := []string{fmt.Sprintf("r%d.git", i), fmt.Sprintf("f%d.git", i), fmt.Sprintf("p%d.git", i)}
		for _, name := range names {
			g.host.Create(b, name, branch, map[string]string{"README.md": "x\n"})
		}
		mine = append(mine, g.publish(names[0], docs))
		floors = append(floors, byHand(b, g.host, names[1], docs))
		peers = append(peers, byGit(b, g.host, names[2], docs))
	}
	publish, floor, peer := report(b, "publish", mine), report(b, "floor", floors), report(b, "git-cli", peers)
	b.ReportMetric(float64(publish)/float64(floor), "publish/floor")
	b.ReportMetric(float64(peer)/float64(publish), "git-cli/publish")
	b.ReportMetric(float64(g.process.Memory())/(1<<20), "resident-MiB")
}

// BenchmarkGitHistory is the first small sync of a repository with 3,000 commits. Its floor is the same in one with one
// commit.
func BenchmarkGitHistory(b *testing.B) {
	const commits = 3000
	g := startGithubSync(b)
	var long, floors []time.Duration
	for i := 0; b.Loop(); i++ {
		old, young := fmt.Sprintf("old%d.git", i), fmt.Sprintf("young%d.git", i)
		files := fabric.PreInit(directory)
		g.host.Create(b, young, branch, files)
		g.host.Create(b, old, branch, files)
		g.host.History(b, old, branch, directory+"/managed/vpcs/vpc.yaml", commits)
		floors = append(floors, g.publish(young, fabric.Documents(1)))
		long = append(long, g.publish(old, fabric.Documents(1)))
	}
	mine, floor := report(b, "3000-commits", long), report(b, "floor", floors)
	b.ReportMetric(milliseconds(mine-floor), "more-ms")
}

// byHand pushes documents as one commit with nothing but what the protocol wants: objects, one pack, two requests.
func byHand(b *testing.B, host *gitserver.Server, repository string, docs []string) time.Duration {
	b.Helper()
	head := host.Head(b, repository, branch)
	readme := strings.Fields(host.Git(b, repository, "rev-parse", branch+":README.md"))[0]
	began := time.Now()
	request(b, http.MethodGet, host.URL(repository)+"/info/refs?service=git-receive-pack", nil)
	p := newPack(b, len(docs)+4+strings.Count(directory, "/"))
	var tree strings.Builder
	ids := make(map[string]string, len(docs))
	names := make([]string, len(docs))
	for i, doc := range docs {
		names[i] = path.Base(managed(i))
		ids[names[i]] = p.add(3, "blob", doc)
	}
	slices.Sort(names)
	for _, name := range names {
		tree.WriteString("100644 " + name + "\x00" + ids[name])
	}
	id := p.add(2, "tree", tree.String())
	parts := strings.Split(directory+"/managed", "/")
	for i := len(parts) - 1; i > 0; i-- {
		id = p.add(2, "tree", "40000 "+parts[i]+"\x00"+id)
	}
	root := p.add(2, "tree", gitserver.TreeEntry(b, "100644", "README.md", readme)+"40000 "+parts[0]+"\x00"+id)
	const who = "b <b@example.com> 1767323045 +0000"
	commit := fmt.Sprintf("%x", p.add(1, "commit", fmt.Sprintf("tree %x\nparent %s\nauthor %s\ncommitter %s\n\nSplit\n",
		root, head, who, who)))
	command := fmt.Sprintf("%s %s refs/heads/%s\x00 report-status", head, commit, branch)
	body := fmt.Appendf(nil, "%04x%s0000", len(command)+4, command)
	answer := request(b, http.MethodPost, host.URL(repository)+"/git-receive-pack", append(body, p.end()...))
	took := time.Since(began)
	if !strings.Contains(answer, "unpack ok") || host.Head(b, repository, branch) != commit {
		b.Fatalf("the push by hand was answered with %q", answer)
	}
	return took
}

func request(b *testing.B, method, url string, body []byte) string {
	b.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.SetBasicAuth(user, password)
	r.Header.Set("Content-Type", "application/x-git-receive-pack-request")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.Fatalf("%s: %v", response.Status, err)
	}
	return string(text)
}

// handPack is a pack in the making (gitformat-pack(5)).
type handPack struct {
	b      *testing.B
	out    bytes.Buffer
	sum    hash.Hash
	writer *zlib.Writer
	last   int // where the last object begins
}

func newPack(b *testing.B, objects int) *handPack {
	b.Helper()
	p := &handPack{b: b, sum: sha1.New()}
	var err error
	if p.writer, err = zlib.NewWriterLevel(&p.out, zlib.BestSpeed); err != nil {
		b.Fatal(err)
	}
	p.out.WriteString("PACK")
	p.out.Write(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 2}, uint32(objects)))
	return p
}

// add adds an object and gives its id.
func (p *handPack) add(number byte, kind, content string) string {
	p.put(number, nil, content)
	id := sha1.Sum(fmt.Appendf(nil, "%s %d\x00%s", kind, len(content), content))
	return string(id[:])
}

// put adds an object, with what stands between its head and its content.
func (p *handPack) put(number byte, between []byte, content string) {
	p.last = p.out.Len()
	size := len(content)
	first := number<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		p.out.WriteByte(first | 0x80)
		first = byte(size & 0x7f)
	}
	p.out.WriteByte(first)
	p.out.Write(between)
	p.writer.Reset(&p.out)
	if _, err := io.WriteString(p.writer, content); err != nil {
		p.b.Fatal(err)
	}
	if err := p.writer.Close(); err != nil {
		p.b.Fatal(err)
	}
}

func (p *handPack) end() []byte {
	p.sum.Write(p.out.Bytes())
	return p.sum.Sum(p.out.Bytes())
}
