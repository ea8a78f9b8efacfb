package token

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fgdsync.dev/libs/errs"
)

const pepperBytes = 32

// Peppers key the digests of tokens. The first one is used for new digests, and all for those that are there: a stored
// digest alone, without the file of peppers, proves nothing and helps nobody to find a token.
type Peppers []pepper

type pepper struct {
	id  string // of which key it is, and nothing about it
	key []byte
}

// Format hides the keys under every verb.
func (Peppers) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// Digest returns what is stored of a token, and the id of the pepper that it was made with.
func (p Peppers) Digest(t Token) (pepperID string, digest []byte) { return p[0].id, p[0].digest(t) }

// Matches reports whether a digest, made with the pepper of an id, is that of a token. It takes as long for one that
// differs in the first bit as for one that differs in the last.
func (p Peppers) Matches(t Token, pepperID string, digest []byte) bool {
	for _, one := range p {
		if one.id == pepperID {
			return hmac.Equal(one.digest(t), digest)
		}
	}
	return false
}

// IsCurrent reports whether digests of a pepper are those that would be made now.
func (p Peppers) IsCurrent(pepperID string) bool { return p[0].id == pepperID }

func (p pepper) digest(t Token) []byte {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(t.ID + "_" + t.secret))
	return mac.Sum(nil)
}

// PepperFile reads the peppers of a file, one a line in base 64, and makes the file when there is none. Whoever wants
// another pepper puts it into the first line, and takes the old one away when no token is left that was made with it.
func PepperFile(path string) (Peppers, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := makePepperFile(path); err != nil {
			return nil, unusable(path, "can't be made").WithCause(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, unusable(path, "can't be read").WithCause(err)
	}
	var peppers Peppers
	for line := range bytes.Lines(raw) {
		text := string(bytes.TrimSpace(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != pepperBytes {
			return nil, unusable(path, "holds a line that is not 32 bytes in base 64")
		}
		peppers = append(peppers, newPepper(key))
	}
	if len(peppers) == 0 {
		return nil, unusable(path, "holds no pepper")
	}
	return peppers, nil
}

// NewPeppers returns a pepper that is lost with the process.
func NewPeppers() (Peppers, error) {
	key := make([]byte, pepperBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return Peppers{newPepper(key)}, nil
}

// newPepper names a key by a digest of it, so that files in another order are the same.
func newPepper(key []byte) pepper {
	sum := sha256.Sum256(append([]byte("fgd pepper "), key...))
	return pepper{id: hex.EncodeToString(sum[:6]), key: key}
}

// makePepperFile writes a whole file under another name first; the link fails when another process was faster, whose
// file then counts.
func makePepperFile(path string) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key := make([]byte, pepperBytes)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".peppers-*") // 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	_, err = temp.WriteString("# Keys of the digests of tokens. Who has this file and the digests can test guesses.\n" +
		base64.StdEncoding.EncodeToString(key) + "\n")
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func unusable(path, how string) *errs.Error {
	return errs.New(errs.ConfigurationInvalid, "token_pepper_file: %s %s.", cmp.Or(path, `""`), how).
		WithRemedy("Name a file of this process's own with 32 random bytes in base 64, as from: openssl rand -base64 32.")
}
