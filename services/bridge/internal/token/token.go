// Package token has the form of the suite's own tokens, and tells whether a text is the token that a record is about.
//
// The form is fgd_<id>_<secret><checksum>: 12, 32 and 6 digits of base 62. The prefix lets scanners find tokens that
// were written where none should be, and the checksum, a CRC-32 of all before it, lets them and us tell a mistyped one
// without looking it up. The secret has 190 random bits, which no fast or slow hash can be searched for.
package token

import (
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"fgdsync.dev/libs/secret"
)

const (
	prefix         = "fgd_"
	digits         = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	idLength       = 12
	secretLength   = 32
	checksumLength = 6
	textLength     = len(prefix) + idLength + len("_") + secretLength + checksumLength
)

// Errors of Parse.
var (
	// ErrNoToken is that of a text that has another form.
	ErrNoToken = errors.New("no token of this suite")
	// ErrMistyped is that of a text that has the form, and a checksum that does not fit.
	ErrMistyped = errors.New("a token that was mistyped or cut")
)

// Token is what a holder shows.
type Token struct {
	ID     string
	secret string
}

// Generate returns a new token.
func Generate() (Token, error) {
	id, err := randomDigits(rand.Reader, idLength)
	if err != nil {
		return Token{}, err
	}
	return Renew(id)
}

// Renew returns a token of an id with a new secret.
func Renew(id string) (Token, error) {
	secret, err := randomDigits(rand.Reader, secretLength)
	return Token{ID: id, secret: secret}, err
}

// Text returns what the holder shows.
func (t Token) Text() secret.String {
	text := prefix + t.ID + "_" + t.secret
	return secret.New(text + checksum(text))
}

// Format hides the secret under every verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, prefix+t.ID+"_[redacted]") }

// Parse reads what a holder shows: ErrNoToken when it has another form, ErrMistyped when its checksum does not fit.
func Parse(text string) (Token, error) {
	rest, found := strings.CutPrefix(text, prefix)
	if !found || len(text) != textLength || rest[idLength] != '_' {
		return Token{}, ErrNoToken
	}
	id, end := rest[:idLength], len(text)-checksumLength
	if strings.Trim(id+rest[idLength+1:], digits) != "" {
		return Token{}, ErrNoToken
	}
	if checksum(text[:end]) != text[end:] { // no secret: everybody can compute it
		return Token{}, ErrMistyped
	}
	return Token{ID: id, secret: rest[idLength+1 : idLength+1+secretLength]}, nil
}

// checksum returns the CRC-32 (IEEE) of a text in base 62, with zeros in front.
func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	out := make([]byte, checksumLength)
	for i := checksumLength - 1; i >= 0; i-- {
		out[i] = digits[sum%uint32(len(digits))]
		sum /= uint32(len(digits))
	}
	return string(out)
}

// randomDigits returns digits of which each is as probable as the others.
func randomDigits(random io.Reader, n int) (string, error) {
	const fair = 256 - 256%len(digits) // bytes from here on would make some digits more probable
	out, buffer := make([]byte, 0, n), make([]byte, 2*n)
	for len(out) < n {
		if _, err := io.ReadFull(random, buffer); err != nil {
			return "", fmt.Errorf("read random bytes: %w", err)
		}
		for _, b := range buffer {
			if int(b) < fair && len(out) < n {
				out = append(out, digits[int(b)%len(digits)])
			}
		}
	}
	return string(out), nil
}
