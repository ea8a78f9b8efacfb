package githubsync_test

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/sshserver"
)

// stranger is a server that wants to be shown credentials. It keeps what it is sent.
type stranger struct {
	listener net.Listener
	served   sync.WaitGroup

	mu   sync.Mutex
	sent []string // one text for each connection
}

func newStranger(t *testing.T) *stranger {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stranger{listener: listener}
	s.served.Go(s.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		s.served.Wait()
	})
	return s
}

func (s *stranger) serve() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.served.Go(func() { s.hear(conn) })
	}
}

func (s *stranger) hear(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	s.mu.Lock()
	at := len(s.sent)
	s.sent = append(s.sent, "")
	s.mu.Unlock()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	heard := make([]byte, 64<<10)
	n, _ := conn.Read(heard)
	s.mu.Lock()
	s.sent[at] = string(heard[:n])
	s.mu.Unlock()
	_, _ = conn.Write([]byte("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n" +
		"Connection: close\r\n\r\n"))
}

// address returns host:port, with the host in another spelling.
func (s *stranger) address(host string) string {
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	return net.JoinHostPort(host, port)
}

// requireUntouched holds it to never having been connected to.
func (s *stranger) requireUntouched(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sent) > 0 {
		t.Errorf("the stranger was connected to %d times, and sent %q", len(s.sent), s.sent)
	}
}

// street is the service between a Git host, which is spoken to over HTTP and SSH, and a stranger.
type street struct {
	*bench
	ssh      *sshserver.Server
	stranger *stranger
	homes    map[string]home // by what the credentials are
}

// home is credentials, and the repository that they are for.
type home struct {
	url         string
	credentials func(fabric int32) *gitv1.Credentials
}

func newStreet(t *testing.T) *street {
	t.Helper()
	host := newHost(t)
	host.Create(t, repository, branch, content)
	s := &street{ssh: sshserver.Start(t, host.Folder), stranger: newStranger(t)}
	folder := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("known_hosts", s.ssh.KnownHosts())
	write("pair", user+":"+password)
	write("pair.hosts", "other.example.com\n"+host.Address()+" # the Git host\n")
	write("key", s.ssh.Key())
	write("key.hosts", s.ssh.Address())
	environment := map[string]string{
		"HEDGEHOG_FGD_GIT_PAIR": user + ":" + password, "HEDGEHOG_FGD_GIT_PAIR_HOSTS": host.Address() + ", other.example.com",
		"HEDGEHOG_FGD_GIT_KEY": s.ssh.Key(), "HEDGEHOG_FGD_GIT_KEY_HOSTS": s.ssh.Address(),
	}
	s.bench = replicaIn(t, host, environment, func(c *githubsync.Config) {
		c.CredentialsDir, c.SSHKnownHostsFile = folder, filepath.Join(folder, "known_hosts")
		c.AllowedLocalPaths, c.BreakerFailures = []string{host.Folder}, 1000
	})
	overHTTP, overSSH := host.URL(repository), s.ssh.URL(repository)
	sealed := func(url string, plain *gitv1.PlainCredentials) home {
		return home{url, func(fabric int32) *gitv1.Credentials { return s.sealForFabric(url, fabric, plain) }}
	}
	referred := func(url, name string) home {
		return home{url, func(int32) *gitv1.Credentials { return reference(name) }}
	}
	s.homes = map[string]home{
		"a sealed password":   sealed(overHTTP, &gitv1.PlainCredentials{Username: user, Password: password}),
		"a sealed SSH key":    sealed(overSSH, &gitv1.PlainCredentials{SshPrivateKey: s.ssh.Key()}),
		"a variable":          referred(overHTTP, "env:HEDGEHOG_FGD_GIT_PAIR"),
		"a file":              referred(overHTTP, "file:pair"),
		"a key in a variable": referred(overSSH, "env:HEDGEHOG_FGD_GIT_KEY"),
		"a key in a file":     referred(overSSH, "file:key"),
	}
	return s
}

func (b *bench) sealForFabric(url string, fabric int32, plain *gitv1.PlainCredentials) *gitv1.Credentials {
	b.t.Helper()
	sealed, err := b.repositories.SealCredentials(b.t.Context(), &gitv1.SealCredentialsRequest{
		Credentials: plain, RepositoryUrl: url, FabricId: fabric,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return sealed.GetCredentials()
}

// elsewhere is where credentials for a URL must not go to. A seal holds the scheme too; the list beside a reference has
// hosts alone.
func (s *street) elsewhere(home string, sealed bool) []string {
	path := "/" + repository
	urls := []string{"git@127.0.0.1:" + repository, "127.0.0.1:" + repository}
	for _, host := range []string{
		"127.0.0.1", "localhost", "LOCALHOST.", "::ffff:127.0.0.1", "127.1", "0x7f000001", "2130706433",
		"\uff11\uff12\uff17.0.0.1", "127。0。0。1",
	} {
		for _, scheme := range []string{"http://", "https://", "ssh://git@", "HTTP://", "ssh://"} {
			urls = append(urls, scheme+s.stranger.address(host)+path)
		}
	}
	_, afterScheme, _ := strings.Cut(home, "://")
	afterScheme = strings.TrimPrefix(afterScheme, "git@")
	for _, scheme := range []string{"http://", "https://", "ssh://git@"} { // the server itself, spoken to otherwise
		if url := scheme + afterScheme; url != home && sealed {
			urls = append(urls, url)
		}
	}
	address, _, _ := strings.Cut(afterScheme, "/")
	return append(urls,
		"file://"+s.host.Path(repository),
		"http://"+address+"@"+s.stranger.address("127.0.0.1")+path, "ssh://"+address+"@"+s.stranger.address("127.0.0.1")+path,
		"http://"+s.stranger.address("127.0.0.1")+`\@`+address+path,
		"http://"+s.stranger.address("127.0.0.1")+"#@"+address+path,
		"http://"+s.stranger.address("127.0.0.1")+"?@"+address+path,
	)
}

// asker sends one RPC about a URL, and returns how it was refused.
type asker func(s *street, location *gitv1.Location) error

// askers are the RPCs that take a URL and stored credentials. One that is not here fails the test: say how it refuses
// credentials that are for another host.
func askers() map[string]asker {
	return map[string]asker{
		gitv1.RepositoryService_ResealCredentials_FullMethodName: func(s *street, l *gitv1.Location) error {
			_, err := s.repositories.ResealCredentials(s.t.Context(), &gitv1.ResealCredentialsRequest{
				Credentials: l.GetCredentials(), RepositoryUrl: l.GetRepositoryUrl(), FabricId: l.GetFabricId(),
			})
			return err
		},
		gitv1.RepositoryService_CheckLocation_FullMethodName: func(s *street, l *gitv1.Location) error {
			_, err := s.repositories.CheckLocation(s.t.Context(), &gitv1.CheckLocationRequest{Location: l})
			return err
		},
		gitv1.RepositoryService_CheckConnection_FullMethodName: func(s *street, l *gitv1.Location) error {
			found, err := s.repositories.CheckConnection(s.t.Context(), &gitv1.CheckConnectionRequest{Location: l})
			if problems := found.GetConnection().GetProblems(); err == nil && len(problems) > 0 {
				p := problems[0]
				return errs.New(errs.Code{ID: p.GetCode(), Name: p.GetName(), Remedy: p.GetRemedy()}, "%s", p.GetMessage())
			}
			return err
		},
		gitv1.RepositoryService_CheckCredentials_FullMethodName: func(s *street, l *gitv1.Location) error {
			checked, err := s.repositories.CheckCredentials(s.t.Context(), &gitv1.CheckCredentialsRequest{
				Locations: []*gitv1.Location{l},
			})
			if err == nil && !checked.GetReadable()[0] { // it says no more
				return errs.New(errs.CredentialsForAnotherHost, "not readable").WithMeta(errs.FieldKey, "locations")
			}
			return err
		},
		gitv1.RepositoryService_OpenSnapshot_FullMethodName: func(s *street, l *gitv1.Location) error {
			return s.tryOpen(l)
		},
		gitv1.RepositoryService_GetPullRequest_FullMethodName: func(s *street, l *gitv1.Location) error {
			_, err := s.repositories.GetPullRequest(s.t.Context(), &gitv1.GetPullRequestRequest{Location: l, Number: 1})
			return err
		},
	}
}

// TestEveryRPCWithAURLIsWatched: a new RPC that takes a URL is no way around the seals, for it has to be among those
// that the tests below try. SealCredentials takes one too, and makes the seal.
func TestEveryRPCWithAURLIsWatched(t *testing.T) {
	t.Parallel()
	watched := askers()
	watched[gitv1.RepositoryService_SealCredentials_FullMethodName] = nil
	protoregistry.GlobalFiles.RangeFilesByPackage("fgd.git.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				name := fmt.Sprintf("/%s/%s", service.FullName(), method.Name())
				_, tried := watched[name]
				if takes := takesURL(method.Input(), map[protoreflect.FullName]bool{}); takes != tried {
					t.Errorf("%s takes a URL: %v; it is tried: %v", name, takes, tried)
				}
				delete(watched, name)
			}
		}
		return true
	})
	if len(watched) > 0 {
		t.Errorf("no RPCs: %v", slices.Collect(maps.Keys(watched)))
	}
}

// takesURL reports whether a message, or one in it, has the URL of a repository.
func takesURL(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[m.FullName()] {
		return false
	}
	seen[m.FullName()] = true
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		if strings.Contains(string(field.Name()), "url") || strings.Contains(string(field.Name()), "host") ||
			field.Message() != nil && takesURL(field.Message(), seen) {
			return true
		}
	}
	return false
}

// TestCredentialsGoToTheirHostAlone (A1): whoever asks, by whatever RPC, for credentials to be used at another port,
// scheme or host than they were given for is refused, and nobody is connected to.
func TestCredentialsGoToTheirHostAlone(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	for what, at := range s.homes {
		location := &gitv1.Location{RepositoryUrl: at.url, Branch: branch, Directory: "f", Credentials: at.credentials(0)}
		if err := s.tryOpen(location); err != nil { // what is refused below would do at home
			t.Errorf("%s at home: %v", what, err)
		}
		asked, connected := s.host.Requests(gitserver.Refs), s.ssh.Requests(sshserver.Connect)
		for _, url := range s.elsewhere(at.url, len(location.GetCredentials().GetSealed()) > 0) {
			moved := proto.CloneOf(location)
			moved.RepositoryUrl = url
			for name, ask := range askers() {
				s.requireRefused(t, fmt.Sprintf("%s, %s of %s", name, what, url), ask(s, moved), url)
			}
		}
		if s.host.Requests(gitserver.Refs) != asked || s.ssh.Requests(sshserver.Connect) != connected {
			t.Errorf("%s: the host was asked", what)
		}
	}
	s.stranger.requireUntouched(t)
	if text := s.log.String(); strings.Contains(text, password) || strings.Contains(text, "PRIVATE KEY") {
		t.Errorf("the log has a secret:\n%s", text)
	}
}

// requireRefused holds an error to its code: the URL itself is refused, or the credentials are not for it.
func (s *street) requireRefused(t *testing.T, what string, err error, url string) {
	t.Helper()
	e := errs.From(err)
	// A repository on this machine takes no credentials, and what was stored for a host is given up.
	if err == nil && strings.HasPrefix(url, "file:") && strings.Contains(what, "ResealCredentials") {
		return
	}
	if e.Code.ID != errs.CredentialsForAnotherHost.ID && e.Code.ID != errs.RemoteRefused.ID {
		t.Errorf("%s: %v", what, err)
		return
	}
	for _, secret := range []string{password, "PRIVATE KEY"} {
		if strings.Contains(e.Message+e.RemedyText(), secret) {
			t.Errorf("%s: the error has a secret: %v", what, err)
		}
	}
	if e.Meta[errs.FieldKey] == "" && !strings.Contains(what, "CheckConnection") {
		t.Errorf("%s: the error names no field: %v", what, err)
	}
}

// TestSealedCredentialsStayWithTheirFabric (A1): the credentials of a fabric, put into the location of another one or
// of none, open nothing.
func TestSealedCredentialsStayWithTheirFabric(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	for _, what := range []string{"a sealed password", "a sealed SSH key"} {
		at := s.homes[what]
		for _, fabrics := range [][2]int32{{7, 8}, {7, 0}, {0, 7}} {
			location := &gitv1.Location{
				RepositoryUrl: at.url, Branch: branch, Directory: "f", Credentials: at.credentials(fabrics[0]),
				FabricId: fabrics[1],
			}
			for name, ask := range askers() {
				if fabrics[0] == 0 && name == gitv1.RepositoryService_ResealCredentials_FullMethodName {
					continue // which binds them
				}
				if err := ask(s, location); !errs.HasCode(err, errs.CredentialsForAnotherHost) {
					t.Errorf("%s, %s of fabric %d for %d: %v", name, what, fabrics[0], fabrics[1], err)
				}
			}
		}
	}
	if asked := s.host.Requests(gitserver.Refs); asked != 0 {
		t.Errorf("the host was asked %d times", asked)
	}
}

// TestCredentialsAreBoundOnce: what was sealed before the fabric had a number is bound to it, at the same host, and
// then is of use to no other.
func TestCredentialsAreBoundOnce(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	at := s.homes["a sealed password"]
	early := at.credentials(0)
	reseal := func(c *gitv1.Credentials, url string, fabric int32) (*gitv1.Credentials, error) {
		response, err := s.repositories.ResealCredentials(t.Context(), &gitv1.ResealCredentialsRequest{
			Credentials: c, RepositoryUrl: url, FabricId: fabric,
		})
		return response.GetCredentials(), err
	}
	bound, err := reseal(early, at.url, 7)
	if err != nil {
		t.Fatal(err)
	}
	location := &gitv1.Location{RepositoryUrl: at.url, Branch: branch, Directory: "f", Credentials: bound, FabricId: 7}
	if err := s.tryOpen(location); err != nil {
		t.Error(err)
	}
	location.FabricId = 0
	s.requireCode(s.tryOpen(location), errs.CredentialsForAnotherHost)
	for _, other := range []int32{8, 0} {
		_, err := reseal(bound, at.url, other)
		s.requireCode(err, errs.CredentialsForAnotherHost)
	}
	if _, err := reseal(bound, strings.Replace(at.url, repository, "other.git", 1), 7); err != nil {
		t.Errorf("another repository of the host: %v", err)
	}
	_, err = reseal(bound, "https://git.example.com/o/r.git", 7)
	s.requireCode(err, errs.CredentialsForAnotherHost)
}

// TestARepositoryOnThisMachineTakesNoCredentials: they are not stored for one, and what was stored is given up.
func TestARepositoryOnThisMachineTakesNoCredentials(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	url := "file://" + s.host.Path(repository)
	if sealed := s.sealForFabric(url, 7, &gitv1.PlainCredentials{Token: password}); sealed != nil {
		t.Errorf("sealed: %v", sealed)
	}
	resealed, err := s.repositories.ResealCredentials(t.Context(), &gitv1.ResealCredentialsRequest{
		Credentials: s.homes["a sealed password"].credentials(7), RepositoryUrl: url, FabricId: 7,
	})
	if err != nil || resealed.GetCredentials() != nil {
		t.Errorf("sealed anew: %v, %v", resealed, err)
	}
	if err := s.tryOpen(&gitv1.Location{RepositoryUrl: url, Branch: branch, FabricId: 7}); err != nil {
		t.Error(err)
	}
}

// TestNoRPCFollowsARedirect: a host that sends requests elsewhere once a snapshot is open leads no credentials there.
func TestNoRPCFollowsARedirect(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	at := s.homes["a sealed password"]
	first := s.host.Head(t, repository, branch)
	s.host.Commit(t, repository, branch, map[string]string{"f/b.yaml": "b: 1\n"})
	location := &gitv1.Location{RepositoryUrl: at.url, Branch: branch, Directory: "f", Credentials: at.credentials(0)}
	snapshot, err := s.tryHold(location)
	if err != nil {
		t.Fatal(err)
	}
	tree := s.mustWrite(snapshot, map[string]string{"c.yaml": "c: 1\n"})
	s.host.Break(gitserver.Fault{Redirect: "http://" + s.stranger.address("127.0.0.1")})
	id := snapshot.GetSnapshotId()
	for name, ask := range map[string]func() error{
		"Publish": func() error { return s.publishIn(t.Context(), snapshot, tree) },
		"ListChanges": func() error {
			stream, err := s.trees.ListChanges(t.Context(),
				&gitv1.ListChangesRequest{SnapshotId: id, SinceCommit: first})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		},
		"DiffCommits": func() error {
			stream, err := s.history.DiffCommits(t.Context(), &gitv1.DiffCommitsRequest{SnapshotId: id, FromCommit: first})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		},
		"ListCommits": func() error {
			stream, err := s.history.ListCommits(t.Context(), &gitv1.ListCommitsRequest{SnapshotId: id})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		},
		"RestoreTree": func() error {
			_, err := s.history.RestoreTree(t.Context(), &gitv1.RestoreTreeRequest{
				SnapshotId: id, Commit: first, Paths: []string{"a.yaml"},
			})
			return err
		},
		"OpenSnapshot": func() error { return s.tryOpen(location) },
	} {
		if err := ask(); !errs.HasCode(err, errs.GitHubNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.stranger.requireUntouched(t)
}

// TestTheAPIIsThatOfTheSealedHost: a GitHub App and a token are shown to the API of the host that they were sealed for,
// also where another host is known with an API of its own.
func TestTheAPIIsThatOfTheSealedHost(t *testing.T) {
	t.Parallel()
	stranger := newStranger(t)
	h := newHub(t, content, "127.0.0.1:1=http://"+stranger.address("127.0.0.1"),
		stranger.address("127.0.0.1")+"=http://"+stranger.address("127.0.0.1"))
	s := &street{bench: h.bench, stranger: stranger}
	token := h.seal(&gitv1.PlainCredentials{Token: password})
	for what, sealed := range map[string]*gitv1.Credentials{"an app": h.credentials, "a token": token} {
		for _, address := range []string{"127.0.0.1:1", stranger.address("127.0.0.1"), stranger.address("localhost")} {
			location := &gitv1.Location{
				RepositoryUrl: "http://" + address + "/octo/fabrics", Branch: branch,
				Credentials: sealed,
			}
			for name, ask := range askers() {
				if err := ask(s, location); !errs.HasCode(err, errs.CredentialsForAnotherHost) {
					t.Errorf("%s, %s at %s: %v", name, what, address, err)
				}
			}
		}
	}
	if h.api.Minted() != 0 {
		t.Errorf("%d tokens were made", h.api.Minted())
	}
	stranger.requireUntouched(t)
	h.mustOpen()
}
