// Package credentials keeps the credentials of Git remotes from being seen: they are sealed on arrival with a key that
// only github-sync holds, or referred to and read where github-sync runs. In clear they exist only while a remote is
// spoken to.
package credentials

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// tokenUser is the user name that goes with a token; hosts look at the token alone.
const tokenUser = "x-access-token"

// Basic is what HTTP basic auth sends.
type Basic struct {
	Username string
	Password secret.String
}

// None tells that there are no credentials.
func (b Basic) None() bool { return b.Username == "" && b.Password.IsZero() }

// Login is what a remote is signed in with: at most one of its ways.
type Login struct {
	Basic
	SSHKey secret.String // a private key
	App    *App
}

// App is an installation of a GitHub App, of which tokens are made.
type App struct {
	ID, Installation int64
	Key              secret.String
}

// Sealer seals credentials and opens them again.
type Sealer struct{ identity *age.X25519Identity }

// New takes the key from a file, and makes the file when there is none. Without a file the key lives in memory.
func New(keyFile string) (*Sealer, error) {
	if keyFile == "" {
		identity, err := age.GenerateX25519Identity()
		return &Sealer{identity}, err
	}
	raw, err := os.ReadFile(keyFile)
	if errors.Is(err, os.ErrNotExist) {
		if err := makeKey(keyFile); err != nil {
			return nil, unreadable("The key file %s can't be made.", keyFile).Because(err)
		}
		raw, err = os.ReadFile(keyFile)
	}
	if err != nil {
		return nil, unreadable("The key file %s can't be read.", keyFile).Because(err)
	}
	identity, err := age.ParseX25519Identity(strings.TrimSpace(string(raw)))
	if err != nil { // the parser's message may quote the key
		return nil, unreadable("The key file %s holds no age X25519 identity.", keyFile)
	}
	return &Sealer{identity}, nil
}

// makeKey writes a whole key under another name first; the link fails when another process was faster, whose key then
// counts.
func makeKey(keyFile string) error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	dir := filepath.Dir(keyFile)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".key-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.WriteString(identity.String() + "\n")
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), keyFile); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func unreadable(format string, args ...any) *errs.Error {
	return errs.New(errs.Precondition, errs.CredentialsUnreadable, format, args...)
}

// Seal encrypts credentials: a token, or a user name and a password.
func (s *Sealer) Seal(p *gitv1.PlainCredentials) ([]byte, error) {
	token := p.GetToken() != ""
	pair := p.GetUsername() != "" && p.GetPassword() != ""
	half := p.GetUsername() != "" || p.GetPassword() != ""
	key := p.GetSshPrivateKey() != ""
	if (token == half) != key || (half && !pair) {
		return nil, errs.New(errs.Invalid, errs.InvalidRequest, "Give either a token, or a username and a password, or an SSH private key.")
	}
	raw, err := proto.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode credentials: %w", err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, s.identity.Recipient())
	if err != nil {
		return nil, fmt.Errorf("seal credentials: %w", err)
	}
	if _, err := w.Write(raw); err != nil {
		return nil, fmt.Errorf("seal credentials: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal credentials: %w", err)
	}
	return sealed.Bytes(), nil
}

// Open decrypts credentials.
func (s *Sealer) Open(sealed []byte) (Login, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), s.identity)
	if err != nil {
		return Login{}, unreadable("The stored credentials were sealed with another key.").Because(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return Login{}, unreadable("The stored credentials are damaged.").Because(err)
	}
	p := &gitv1.PlainCredentials{}
	if proto.Unmarshal(raw, p) != nil { // the decoder's message may quote
		return Login{}, unreadable("The stored credentials are damaged.")
	}
	if p.GetSshPrivateKey() != "" {
		return Login{SSHKey: secret.New(p.GetSshPrivateKey())}, nil
	}
	if p.GetToken() != "" {
		return Login{Basic: Basic{tokenUser, secret.New(p.GetToken())}}, nil
	}
	return Login{Basic: Basic{p.GetUsername(), secret.New(p.GetPassword())}}, nil
}

// Resolver finds the credentials that a location names.
type Resolver struct {
	sealer    *Sealer
	dir       string
	lookupEnv func(string) (string, bool)
}

// NewResolver makes a resolver. References "file:NAME" are read from the folder, "env:NAME" through the function.
func NewResolver(sealer *Sealer, dir string, lookupEnv func(string) (string, bool)) *Resolver {
	return &Resolver{sealer, dir, lookupEnv}
}

// Resolve finds credentials; nil names none.
func (r *Resolver) Resolve(c *gitv1.Credentials) (Login, error) {
	switch source := c.GetSource().(type) {
	case *gitv1.Credentials_Sealed:
		return r.sealer.Open(source.Sealed)
	case *gitv1.Credentials_Reference:
		return r.reference(source.Reference)
	}
	return Login{}, nil
}

// envPrefix bounds which variables can be referred to, so that nobody has the rest of the environment sent to a Git host
// of his choice, not even the settings of this system: the URL of Redis may hold a password.
const envPrefix = "HEDGEHOG_FGD_GIT_"

func (r *Resolver) reference(reference string) (Login, error) {
	kind, name, _ := strings.Cut(reference, ":")
	switch {
	case kind == "env" && strings.HasPrefix(name, envPrefix):
		value, set := r.lookupEnv(name)
		if !set {
			return Login{}, unreadable("The variable %s is not set where github-sync runs.", name)
		}
		return parse(value)
	case kind == "env":
		return Login{}, unreadable("Only variables that begin with %s can be referred to.", envPrefix)
	case kind == "file":
		return r.file(name)
	}
	return Login{}, unreadable("A reference is env:NAME or file:NAME.")
}

const longestFile = 64 << 10

func (r *Resolver) file(name string) (Login, error) {
	if r.dir == "" {
		return Login{}, unreadable("References to files need credentials_dir to be set.")
	}
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`) {
		return Login{}, unreadable("The reference file:NAME takes the name of a file in credentials_dir.")
	}
	path := filepath.Join(r.dir, name)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > longestFile {
		return Login{}, unreadable("There is no readable file %q in credentials_dir.", name).Because(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Login{}, unreadable("There is no readable file %q in credentials_dir.", name).Because(err)
	}
	return parse(string(raw))
}

// parse reads "username:password", or a token.
func parse(content string) (Login, error) {
	content = strings.TrimSpace(content)
	if content == "" {
		return Login{}, unreadable("The credentials that are referred to are empty.")
	}
	if username, password, pair := strings.Cut(content, ":"); pair {
		return Login{Basic: Basic{username, secret.New(password)}}, nil
	}
	return Login{Basic: Basic{tokenUser, secret.New(content)}}, nil
}
