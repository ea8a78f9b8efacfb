// Package sshserver serves the bare repositories of a folder over SSH for tests: Git's own programs behind a server
// that takes one key, and that can be told to misbehave.
package sshserver

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Server serves until the test ends.
type Server struct {
	folder   string
	listener net.Listener
	client   ssh.PublicKey
	key      string // of the client, in OpenSSH form

	mu       sync.Mutex
	host     ssh.Signer
	faults   []*Fault
	requests map[Request]int
	open     map[net.Conn]bool
	serving  sync.WaitGroup
}

// Start serves the repositories of a folder.
func Start(t testing.TB, folder string) *Server {
	t.Helper()
	s := &Server{folder: folder, requests: map[Request]int{}, open: map[net.Conn]bool{}}
	signer, private := NewKey(t)
	s.client, s.key = signer.PublicKey(), private
	s.ChangeHostKey(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = listener
	s.serving.Go(s.accept)
	t.Cleanup(s.close)
	return s
}

// NewKey returns a key, and its private half in OpenSSH form.
func NewKey(t testing.TB) (signer ssh.Signer, private string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	if signer, err = ssh.NewSignerFromKey(key); err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

func (s *Server) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
}

// Address is where it listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// URL is the address of a repository.
func (s *Server) URL(repository string) string { return "ssh://git@" + s.Address() + "/" + repository }

// Key is the private key that it takes, in OpenSSH form.
func (s *Server) Key() string { return s.key }

// KnownHosts is the line of its host key in a file of known hosts.
func (s *Server) KnownHosts() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return knownhosts.Line([]string{s.Address()}, s.host.PublicKey()) + "\n"
}

// Fingerprint is that of its host key.
func (s *Server) Fingerprint() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ssh.FingerprintSHA256(s.host.PublicKey())
}

// ChangeHostKey returns it another host key.
func (s *Server) ChangeHostKey(t testing.TB) {
	t.Helper()
	host, _ := NewKey(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.host = host
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open[conn] = true
		s.mu.Unlock()
		s.serving.Go(func() {
			s.serve(conn)
			s.mu.Lock()
			delete(s.open, conn)
			s.mu.Unlock()
		})
	}
}

func (s *Server) serve(raw net.Conn) {
	defer func() { _ = raw.Close() }()
	if f := s.next(Connect, ""); f.Hold != nil {
		f.silent(raw)
		return
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if !bytes.Equal(key.Marshal(), s.client.Marshal()) {
			return nil, errors.New("not this key")
		}
		return &ssh.Permissions{}, nil
	}}
	s.mu.Lock()
	config.AddHostKey(s.host)
	s.mu.Unlock()
	conn, channels, requests, err := ssh.NewServerConn(raw, config)
	if err != nil {
		return
	}
	var running sync.WaitGroup
	running.Go(func() { ssh.DiscardRequests(requests) })
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			break
		}
		running.Go(func() { s.session(raw, channel, requests) })
	}
	_ = conn.Close()
	running.Wait()
}

// session runs the first command that is asked for.
func (s *Server) session(raw net.Conn, channel ssh.Channel, requests <-chan *ssh.Request) {
	defer func() { _ = channel.Close() }()
	for request := range requests {
		if request.Type != "exec" {
			_ = request.Reply(false, nil)
			continue
		}
		var command struct{ Text string }
		_ = ssh.Unmarshal(request.Payload, &command)
		_ = request.Reply(true, nil)
		var rest sync.WaitGroup
		rest.Go(func() { ssh.DiscardRequests(requests) })
		status := s.run(raw, channel, command.Text)
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
		_ = channel.Close()
		rest.Wait()
		return
	}
}

// run runs a service on a repository, as a host with accounts for Git alone does.
func (s *Server) run(raw net.Conn, channel ssh.Channel, command string) (status uint32) {
	service, quoted, _ := strings.Cut(command, " ")
	path := strings.Trim(quoted, "'")
	answer, known := map[string]Request{"git-upload-pack": Fetch, "git-receive-pack": Receive}[service]
	if !known || strings.Contains(path, "'") {
		_, _ = io.WriteString(channel.Stderr(), "fatal: unknown command\n")
		return 1
	}
	out := &output{
		server: s, channel: channel, raw: raw, in: &input{Reader: channel}, fault: s.next(Refs, ""), answer: answer,
	}
	if out.fault.Says != "" {
		_, _ = io.WriteString(channel.Stderr(), out.fault.Says+"\n")
		return 1
	}
	git := exec.Command("git", strings.TrimPrefix(service, "git-"), filepath.Join(s.folder, filepath.Clean("/"+path)))
	git.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.folder, "GIT_CONFIG_NOSYSTEM=1"}
	git.Stdout, git.Stderr = out, channel.Stderr()
	in, err := git.StdinPipe()
	if err == nil {
		err = git.Start()
	}
	if err != nil {
		_, _ = fmt.Fprintln(channel.Stderr(), err)
		return 1
	}
	go func() { // until the client has said all, or has gone
		_, _ = io.Copy(in, out.in)
		_ = in.Close()
	}()
	if git.Wait() != nil {
		return 1
	}
	return 0
}
