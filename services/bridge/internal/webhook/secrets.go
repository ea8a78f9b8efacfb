package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"sync"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/keyfile"
)

const (
	// mostSecrets are a new one and the one before it.
	mostSecrets = 2
	// leastSecret is the least length of a configured secret: shorter ones can be guessed from one delivery.
	leastSecret = 16
	// signingPrefix is that of the signing tokens of GitLab, by the Standard Webhooks specification.
	signingPrefix = "whsec_"
)

// CheckSecrets judges the configured secrets of a kind of host, and names their key when they can't be taken. It does
// not repeat them.
func CheckSecrets(key string, configured []secret.String) error {
	if len(configured) > mostSecrets {
		return config.Invalid(key, "a list of more than two", "one secret, or two while one replaces the other")
	}
	for _, one := range configured {
		text := one.Reveal()
		if len(text) < leastSecret {
			return config.Invalid(key, "too short", "16 characters or more, as from: openssl rand -hex 32")
		}
		if _, err := signingKey(text); err != nil {
			return config.Invalid(key, "no signing token, which it begins as", signingPrefix+" with bytes in base 64")
		}
	}
	return nil
}

// signingKey returns the bytes of a signing token; nil for a secret that is none.
func signingKey(text string) ([]byte, error) {
	encoded, is := strings.CutPrefix(text, signingPrefix)
	if !is {
		return nil, nil
	}
	return base64.StdEncoding.DecodeString(encoded)
}

// shared is a secret that the system and a Git host share.
type shared struct {
	text    secret.String // as it is entered; empty for one that only signs
	signing []byte        // the key behind a signing token of GitLab
}

func configured(texts []secret.String) []shared {
	var out []shared
	for _, text := range texts {
		if key, err := signingKey(text.Reveal()); err == nil && key != nil {
			out = append(out, shared{signing: key})
		} else {
			out = append(out, shared{text: text})
		}
	}
	return out
}

// Repositories has a secret for each repository: a digest of which one it is, with a key that only bridges have. One
// tells nothing of another, and none is stored.
type Repositories struct {
	file keyfile.File

	mu   sync.Mutex
	keys [][]byte // nil until they have been read
}

// NewRepositories returns what has the secrets by the keys in a file, or none without a file. The file is made when a
// secret is asked for the first time.
func NewRepositories(path string) *Repositories {
	return &Repositories{file: keyfile.File{
		Path: path, Setting: "webhook_key_file",
		Comment: "Keys of the secrets of webhooks. Who has this file can announce pushes to every repository.",
	}}
}

// Own is what a Git host is told about the webhook of one repository.
type Own struct {
	ID           string        // of the repository, in paths
	Secret       secret.String // as GitHub, Gitea and older GitLabs take it
	SigningToken secret.String // the same, as a GitLab takes it that signs
}

// Of returns the webhook of a repository, by the key that all its fabrics have.
func (r *Repositories) Of(repositoryKey string) (Own, error) {
	if r.file.Path == "" {
		return Own{}, off()
	}
	if err := r.file.Make(); err != nil {
		return Own{}, err
	}
	keys, err := r.read()
	if err != nil {
		return Own{}, err
	}
	id := idOf(repositoryKey)
	mac := digest(keys[0], id)
	return Own{
		ID: id, Secret: secret.New(secretText(mac)),
		SigningToken: secret.New(signingPrefix + base64.StdEncoding.EncodeToString(mac)),
	}, nil
}

// secrets returns those that count for a repository, by its id in paths: none when nobody has asked for one yet.
func (r *Repositories) secrets(id string) ([]shared, error) {
	if r.file.Path == "" {
		return nil, nil
	}
	keys, err := r.read()
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	out := make([]shared, len(keys))
	for i, key := range keys {
		mac := digest(key, id)
		out[i] = shared{text: secret.New(secretText(mac)), signing: mac}
	}
	return out, err
}

func (r *Repositories) read() ([][]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys != nil {
		return r.keys, nil
	}
	keys, err := r.file.Read()
	if err != nil {
		return nil, err
	}
	r.keys = keys
	return keys, nil
}

func secretText(mac []byte) string { return base64.RawURLEncoding.EncodeToString(mac) }

// digest binds a secret to a repository.
func digest(key []byte, id string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("fgd webhook " + id))
	return mac.Sum(nil)
}

// idOf returns what a repository is called in paths, which tells nothing about it.
func idOf(repositoryKey string) string {
	sum := sha256.Sum256([]byte("fgd repository " + repositoryKey))
	return hex.EncodeToString(sum[:16])
}

func off() *errs.Error {
	return errs.New(errs.WebhooksOff, "No webhooks are taken here.")
}
