package credentials

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strconv"
)

// Fingerprint distinguishes a login at a server from others, and says nothing else about it. It is another one in each
// process.
type Fingerprint struct{ sum [sha256.Size]byte }

// Format hides it under every verb.
func (Fingerprint) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// Prints makes fingerprints that can be compared with each other.
type Prints struct{ key []byte }

// NewPrints returns the key.
func NewPrints() Prints {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return Prints{key}
}

// Of returns the fingerprint of a login.
func (p Prints) Of(l Login) Fingerprint {
	mac := hmac.New(sha256.New, p.key)
	fields := []string{
		l.Username, l.Password.Reveal(), l.SSHKey.Reveal(), l.Server.Scheme, l.Server.Name, l.Server.Port,
	}
	if l.App != nil {
		fields = append(fields, strconv.FormatInt(l.App.ID, 10), strconv.FormatInt(l.App.Installation, 10),
			l.App.Key.Reveal())
	}
	for _, field := range fields { // with its length, so that none runs into the next
		mac.Write([]byte(strconv.Itoa(len(field)) + ":" + field))
	}
	return Fingerprint{[sha256.Size]byte(mac.Sum(nil))}
}
