package credentials

import (
	"bytes"
	"fmt"
	"io"

	"filippo.io/age"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// Sealer seals credentials and opens them again.
type Sealer struct{ keys Keys }

// NewSealer returns a sealer with keys.
func NewSealer(keys Keys) *Sealer { return &Sealer{keys} }

// Seal encrypts credentials that are given in exactly one way.
func (s *Sealer) Seal(p *gitv1.PlainCredentials) ([]byte, error) {
	if _, flaw := login(p); flaw != "" {
		return nil, errs.New(errs.InvalidRequest, "%s", flaw)
	}
	raw, err := proto.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode credentials: %w", err)
	}
	return s.encrypt(raw)
}

// Reseal encrypts sealed credentials again, with the key that seals now.
func (s *Sealer) Reseal(sealed []byte) ([]byte, error) {
	raw, err := s.decrypt(sealed)
	if err != nil {
		return nil, err
	}
	return s.encrypt(raw)
}

// Open decrypts credentials.
func (s *Sealer) Open(sealed []byte) (Login, error) {
	raw, err := s.decrypt(sealed)
	if err != nil {
		return Login{}, err
	}
	p := &gitv1.PlainCredentials{}
	if proto.Unmarshal(raw, p) != nil { // the decoder's message may quote
		return Login{}, unreadable("The stored credentials are damaged.")
	}
	l, flaw := login(p)
	if flaw != "" {
		return Login{}, unreadable("The stored credentials can't be used: %s", flaw)
	}
	return l, nil
}

func (s *Sealer) encrypt(raw []byte) ([]byte, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, s.keys)
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

func (s *Sealer) decrypt(sealed []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), s.keys)
	if errs.HasCode(err, errs.CredentialsUnreadable) { // the key itself
		return nil, err
	}
	if err != nil {
		return nil, unreadable("The stored credentials were sealed with another key.").WithCause(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, unreadable("The stored credentials are damaged.").WithCause(err)
	}
	return raw, nil
}
