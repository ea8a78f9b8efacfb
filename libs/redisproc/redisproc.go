// Package redisproc runs a private redis-server: an append-only file in a folder of its own, a unix socket or a
// loopback port, a random password. It ends with the process that started it, which can start it again.
package redisproc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
)

const (
	startTimeout = 15 * time.Second
	stopTimeout  = 10 * time.Second
	pollPeriod   = 10 * time.Millisecond
	longestPath  = 100 // of a unix socket; the kernel's limit is 107
)

// ErrNotInstalled says that there is no redis-server on PATH.
var ErrNotInstalled = errors.New("redis-server is not on PATH")

// Server is a running redis-server.
type Server struct {
	path     string // of the program
	dataDir  string
	command  *exec.Cmd
	exited   chan struct{}
	socket   string
	password string
	ownDir   string // removed at the end
}

// Start runs redis-server over a data folder, with a new password, and waits until it answers.
func Start(ctx context.Context, dataDir string) (*Server, error) {
	return Resume(ctx, dataDir, rand.Text())
}

// Resume is Start with a password that others know: to them it is the server that ran over the folder before.
func Resume(ctx context.Context, dataDir, password string) (*Server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, ErrNotInstalled
	}
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, errs.New(errs.FolderUnusable, "The folder %s can't be made.", dataDir).WithCause(err)
	}
	s := &Server{path: path, dataDir: dataDir, password: password}
	if err := s.chooseSocket(); err != nil {
		return nil, err
	}
	if err := s.Restart(ctx); err != nil {
		return nil, errors.Join(err, s.cleanUp())
	}
	return s, nil
}

// Restart starts it, or starts it again once it has ended: with the data, at the URL that it had. It returns when the
// server answers. It is not for concurrent use.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.launch(); err != nil {
		return err
	}
	if err := s.wait(ctx); err != nil {
		s.end()
		return err
	}
	return nil
}

// Exited returns a channel that is closed when the server that runs now has ended, whoever ended it.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// How says how it ended, once it has: by an exit code or a signal.
func (s *Server) How() string { return s.command.ProcessState.String() }

// chooseSocket puts the socket beside the data, or in a temporary folder when that path is too long for the kernel.
func (s *Server) chooseSocket() error {
	absolute, err := filepath.Abs(s.dataDir)
	if err != nil {
		return fmt.Errorf("resolve %s: %w", s.dataDir, err)
	}
	if s.socket = filepath.Join(absolute, redisconn.PrivateSocket); len(s.socket) <= longestPath {
		return nil
	}
	if s.ownDir, err = os.MkdirTemp("", "fgd-redis-"); err != nil {
		return fmt.Errorf("make a folder for the socket: %w", err)
	}
	s.socket = filepath.Join(s.ownDir, redisconn.PrivateSocket)
	return nil
}

// launch passes the settings through standard input, because the argument list is open to everyone on the machine.
func (s *Server) launch() error {
	s.command = exec.Command(s.path, "-")
	s.command.Dir = s.dataDir
	s.command.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true, // Ctrl-C is for the parent, which stops this server last
		Pdeathsig: syscall.SIGTERM,
	}
	stdin, err := s.command.StdinPipe()
	if err != nil {
		return fmt.Errorf("prepare redis-server: %w", err)
	}
	if err := s.command.Start(); err != nil {
		return fmt.Errorf("start redis-server: %w", err)
	}
	command, exited := s.command, make(chan struct{})
	s.exited = exited
	go func() { _ = command.Wait(); close(exited) }()
	_, err = fmt.Fprintf(stdin,
		"port 0\nunixsocket %s\nunixsocketperm 700\nrequirepass %s\ndir .\nappendonly yes\nappendfsync everysec\n"+
			"save \"\"\nmaxmemory-policy noeviction\nlogfile redis.log\ndaemonize no\n", s.socket, s.password)
	return errors.Join(err, stdin.Close())
}

func (s *Server) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	options, err := redis.ParseURL(s.URL())
	if err != nil {
		return fmt.Errorf("read the socket's URL: %w", err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for client.Ping(ctx).Err() != nil {
		select {
		case <-ctx.Done():
			return errs.New(errs.RedisConnectionFailed, "The private redis-server did not come up.").
				WithRemedy(redisconn.PrivateRemedy)
		case <-s.exited:
			return errs.New(errs.RedisConnectionFailed, "The private redis-server ended at once.").
				WithRemedy(redisconn.PrivateRemedy)
		case <-ticker.C:
		}
	}
	return nil
}

// URL returns where it listens, with its password: not for printing.
func (s *Server) URL() string {
	return (&url.URL{Scheme: "unix", User: url.UserPassword("", s.password), Path: s.socket}).String()
}

// Kill ends it as a crash would.
func (s *Server) Kill() {
	_ = s.command.Process.Kill()
	<-s.exited
}

// Stop ends it in order, and hard if it does not.
func (s *Server) Stop() error {
	s.end()
	return s.cleanUp()
}

func (s *Server) end() {
	_ = s.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		s.Kill()
	}
}

func (s *Server) cleanUp() error {
	if s.ownDir == "" {
		return nil
	}
	return os.RemoveAll(s.ownDir)
}
