package credentials

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"fgdsync.dev/libs/secret"
)

// Keys wrap the key that each sealing makes for itself, and unwrap it again. A key management service can be one: what
// is wrapped is a key and never the credentials.
type Keys interface {
	age.Recipient // Wrap
	age.Identity  // Unwrap
}

// identities are age identities: the first wraps, all unwrap.
type identities []*age.X25519Identity

// NewKeys returns a key that is lost with the process.
func NewKeys() (Keys, error) {
	identity, err := age.GenerateX25519Identity()
	return identities{identity}, err
}

// ParseKeys reads age X25519 identities, one a line; lines that begin with # say nothing.
func ParseKeys(text secret.String) (Keys, error) {
	keys, err := parseIdentities(text.Reveal())
	if err != nil {
		return nil, unreadable("The key that is given holds a line that is no age X25519 identity, or none that is one.")
	}
	return keys, nil
}

// errNoIdentity stands for what a parser says, which may quote the key.
var errNoIdentity = errors.New("no age X25519 identity")

func parseIdentities(text string) (identities, error) {
	var keys identities
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		identity, err := age.ParseX25519Identity(line)
		if err != nil {
			return nil, errNoIdentity
		}
		keys = append(keys, identity)
	}
	if len(keys) == 0 {
		return nil, errNoIdentity
	}
	return keys, nil
}

// Wrap wraps a key with the first identity.
func (i identities) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	return i[0].Recipient().Wrap(fileKey)
}

// Unwrap unwraps a key with the identity that wrapped it.
func (i identities) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, identity := range i {
		if key, err := identity.Unwrap(stanzas); !errors.Is(err, age.ErrIncorrectIdentity) {
			return key, err
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// keyFile is a file of age identities. It is read for each use, so that a rotation counts at once and everywhere.
type keyFile string

// FileKeys takes the keys from a file, and makes the file when there is none.
func FileKeys(path string) (Keys, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := makeKey(path); err != nil {
			return nil, unreadable("The key file %s can't be made.", path).WithCause(err)
		}
	}
	_, err := keyFile(path).read()
	return keyFile(path), err
}

func (f keyFile) read() (identities, error) {
	raw, err := os.ReadFile(string(f))
	if err != nil {
		return nil, unreadable("The key file %s can't be read.", string(f)).WithCause(err)
	}
	keys, err := parseIdentities(string(raw))
	if err != nil {
		return nil, unreadable("The key file %s holds a line that is no age X25519 identity, or none that is one.", string(f))
	}
	return keys, nil
}

// Wrap wraps a key with the first identity of the file.
func (f keyFile) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	keys, err := f.read()
	if err != nil {
		return nil, err
	}
	return keys.Wrap(fileKey)
}

// Unwrap unwraps a key with the identity of the file that wrapped it.
func (f keyFile) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	keys, err := f.read()
	if err != nil {
		return nil, err
	}
	return keys.Unwrap(stanzas)
}

// RotateKey puts a new identity in front of those of a key file. What they have sealed can be opened as before.
func RotateKey(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return unreadable("The key file %s can't be read.", path).WithCause(err).
			WithRemedy("Name the key file of github-sync, its credentials_key_file.")
	}
	if _, err := parseIdentities(string(raw)); err != nil {
		return unreadable("The key file %s holds a line that is no age X25519 identity, or none that is one.", path).
			WithRemedy("Name the key file of github-sync, its credentials_key_file.")
	}
	temp, err := newKey(filepath.Dir(path), raw)
	if err != nil {
		return unreadable("The key file %s can't be written.", path).WithCause(err)
	}
	if err := os.Rename(temp, path); err != nil {
		return unreadable("The key file %s can't be replaced.", path).WithCause(errors.Join(err, os.Remove(temp)))
	}
	return nil
}

// makeKey writes a whole key under another name first; the link fails when another process was faster, whose key then
// counts.
func makeKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := newKey(dir, nil)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp) }()
	if err := os.Link(temp, path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// newKey writes a new identity and what follows it into a file that nobody else knows.
func newKey(dir string, rest []byte) (path string, err error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	temp, err := os.CreateTemp(dir, ".key-*") // with mode 0600
	if err != nil {
		return "", err
	}
	_, err = temp.Write(bytes.Join([][]byte{[]byte(identity.String()), rest}, []byte("\n")))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return "", errors.Join(err, os.Remove(temp.Name()))
	}
	return temp.Name(), nil
}
