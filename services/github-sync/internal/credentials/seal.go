package credentials

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"filippo.io/age"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/remotehost"
	"fgdsync.dev/libs/secret"
)

// Sealer seals credentials for one server and one fabric, and opens them again for these alone.
type Sealer struct{ keys Keys }

// NewSealer returns a sealer with keys.
func NewSealer(keys Keys) *Sealer { return &Sealer{keys} }

// Seal encrypts credentials that are given in exactly one way, together with what they are for.
func (s *Sealer) Seal(p Plain, target Target) ([]byte, error) {
	if target.Server.None() {
		return nil, forAnotherHost(target.Server)
	}
	if _, flaw := p.login(); flaw != "" {
		return nil, errs.Field(Field, "%s", flaw)
	}
	return s.encrypt(toSealed(p, target))
}

// Reseal encrypts sealed credentials again, with the key that seals now. Those that were sealed for the server before
// the fabric had a number are bound to it; what they are for does not change otherwise.
func (s *Sealer) Reseal(raw []byte, target Target) ([]byte, error) {
	content, err := s.decrypt(raw)
	if err != nil {
		return nil, err
	}
	if content.Fabric == 0 {
		content.Fabric = target.Fabric
	}
	if err := content.admit(target); err != nil {
		return nil, err
	}
	return s.encrypt(content)
}

// Open decrypts credentials for the use that they were sealed for, and refuses any other.
func (s *Sealer) Open(raw []byte, target Target) (Login, error) {
	content, err := s.decrypt(raw)
	if err != nil {
		return Login{}, err
	}
	if err := content.admit(target); err != nil {
		return Login{}, err
	}
	l, flaw := content.plain().login()
	if flaw != "" {
		return Login{}, unreadable("The stored credentials can't be used: %s", flaw)
	}
	l.Server = target.Server
	return l, nil
}

// Admits returns an error when credentials were sealed for something else. It says nothing of them otherwise, nor of
// those that can't be read.
func (s *Sealer) Admits(raw []byte, target Target) error {
	content, err := s.decrypt(raw)
	if err != nil {
		return nil //nolint:nilerr // whoever opens them is told
	}
	return content.admit(target)
}

// sealedVersion is that of the form of what is sealed. Other forms are not read.
const sealedVersion = 1

// sealed is what is encrypted. Its fields are as they are stored.
type sealed struct {
	Version int    `json:"version"`
	Scheme  string `json:"scheme"`
	Host    string `json:"host"`
	Port    string `json:"port"`
	Fabric  int32  `json:"fabric"`

	Token    string     `json:"token,omitempty"`
	Username string     `json:"username,omitempty"`
	Password string     `json:"password,omitempty"`
	SSHKey   string     `json:"ssh_key,omitempty"`
	App      *sealedApp `json:"app,omitempty"`
}

type sealedApp struct {
	ID           int64  `json:"id"`
	Installation int64  `json:"installation"`
	Key          string `json:"key"`
}

// Format hides it under every verb.
func (sealed) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

func toSealed(p Plain, target Target) *sealed {
	content := &sealed{
		Version: sealedVersion,
		Scheme:  target.Server.Scheme, Host: target.Server.Name, Port: target.Server.Port, Fabric: target.Fabric,
		Token: p.Token.Reveal(), Username: p.Username, Password: p.Password.Reveal(), SSHKey: p.SSHKey.Reveal(),
	}
	if p.App != nil {
		content.App = &sealedApp{p.App.ID, p.App.Installation, p.App.Key.Reveal()}
	}
	return content
}

func (c *sealed) plain() Plain {
	p := Plain{
		Token: secret.New(c.Token), Username: c.Username, Password: secret.New(c.Password), SSHKey: secret.New(c.SSHKey),
	}
	if c.App != nil {
		p.App = &App{c.App.ID, c.App.Installation, secret.New(c.App.Key)}
	}
	return p
}

// admit returns an error unless the credentials are for the target.
func (c *sealed) admit(target Target) error {
	switch {
	case target.Server.None(), target.Server != remotehost.Host{Scheme: c.Scheme, Name: c.Host, Port: c.Port}:
		return forAnotherHost(target.Server)
	case target.Fabric != c.Fabric:
		return refusal("The credentials were given for another fabric.")
	}
	return nil
}

func (s *Sealer) encrypt(content *sealed) ([]byte, error) {
	raw, err := json.Marshal(content) //nolint:gosec // it is encrypted before it goes anywhere
	if err != nil {
		return nil, fmt.Errorf("encode credentials: %w", err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, s.keys)
	if err != nil {
		return nil, fmt.Errorf("seal credentials: %w", err)
	}
	if _, err := w.Write(raw); err != nil {
		return nil, fmt.Errorf("seal credentials: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal credentials: %w", err)
	}
	return out.Bytes(), nil
}

func (s *Sealer) decrypt(raw []byte) (*sealed, error) {
	r, err := age.Decrypt(bytes.NewReader(raw), s.keys)
	if errs.HasCode(err, errs.CredentialsUnreadable) { // the key itself
		return nil, err
	}
	if err != nil {
		return nil, unreadable("The stored credentials were sealed with another key.").WithCause(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, unreadable("The stored credentials are damaged.").WithCause(err)
	}
	content := &sealed{}
	// The decoder's message may quote.
	if json.Unmarshal(text, content) != nil || content.Version != sealedVersion {
		return nil, unreadable("The stored credentials do not say which Git host they are for.").
			WithRemedy("Give the credentials of the fabric again.")
	}
	return content, nil
}
