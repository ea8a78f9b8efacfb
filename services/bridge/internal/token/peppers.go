package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"fgdsync.dev/services/bridge/internal/keyfile"
)

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
	file := keyfile.File{
		Path: path, Setting: "token_pepper_file",
		Comment: "Keys of the digests of tokens. Who has this file and the digests can test guesses.",
	}
	if err := file.Make(); err != nil {
		return nil, err
	}
	keys, err := file.Read()
	if err != nil {
		return nil, err
	}
	peppers := make(Peppers, len(keys))
	for i, key := range keys {
		peppers[i] = newPepper(key)
	}
	return peppers, nil
}

// NewPeppers returns a pepper that is lost with the process.
func NewPeppers() (Peppers, error) {
	key, err := keyfile.New()
	if err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return Peppers{newPepper(key)}, nil
}

// newPepper names a key by a digest of it, so that files in another order are the same.
func newPepper(key []byte) pepper {
	sum := sha256.Sum256(append([]byte("fgd pepper "), key...))
	return pepper{id: hex.EncodeToString(sum[:6]), key: key}
}
