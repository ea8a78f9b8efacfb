package issuer

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"fgdsync.dev/libs/openid"
)

const (
	// refetchPause is how long the issuer is left alone at least, whatever is shown meanwhile: whoever writes names of
	// keys into JWTs can't have it asked more often.
	refetchPause = 10 * time.Second
	// maxKeys bounds what is kept of an issuer.
	maxKeys = 100
	// minRSABits is of the least RSA key that is taken.
	minRSABits = 2048
)

// keys are the public keys of the issuer. What is known stays good while the issuer is away.
type keys struct {
	config *Config
	client *http.Client
	now    func() time.Time
	noted  func(err error) // hears how each fetch went

	fetching sync.Mutex // one fetch at a time
	asked    time.Time  // when the last one ended; guarded by fetching

	mu       sync.RWMutex
	known    []jose.JSONWebKey
	metadata *openid.Metadata // what the issuer said last; nil before
	away     error            // how the last fetch failed; nil when it did not
}

// describe returns what the issuer says of itself, which is asked when it has said nothing yet; nil when it can't be.
func (k *keys) describe() *openid.Metadata {
	if found := k.described(); found != nil {
		return found
	}
	k.refetch()
	return k.described()
}

func (k *keys) described() *openid.Metadata {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.metadata
}

// state returns whether keys are known, and how the last fetch failed.
func (k *keys) state() (known bool, away error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.known) > 0, k.away
}

// find returns the keys of a name. When there are none the issuer is asked, unless it has just been.
func (k *keys) find(id string) []crypto.PublicKey {
	if found := k.named(id); len(found) > 0 {
		return found
	}
	k.refetch()
	return k.named(id)
}

// named returns the keys of a name among those that are known. A JWT that names none is of the only key there is.
func (k *keys) named(id string) []crypto.PublicKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var found []crypto.PublicKey
	for _, key := range k.known {
		if key.KeyID == id || id == "" && len(k.known) == 1 {
			found = append(found, key.Key)
		}
	}
	return found
}

// refetch asks the issuer for its keys, unless that was done within the pause. Who comes meanwhile waits for the
// answer.
func (k *keys) refetch() {
	k.fetching.Lock()
	defer k.fetching.Unlock()
	if k.asked.IsZero() || k.now().Sub(k.asked) >= refetchPause {
		k.fetch()
	}
}

// refresh asks the issuer for its keys now.
func (k *keys) refresh() {
	k.fetching.Lock()
	defer k.fetching.Unlock()
	k.fetch()
}

// fetch is called with fetching held. It belongs to no call: those that wait for it share it, however long it takes.
func (k *keys) fetch() {
	defer func() { k.asked = k.now() }()
	ctx, cancel := context.WithTimeout(context.Background(), 2*k.client.Timeout)
	defer cancel()
	metadata, found, err := k.ask(ctx)
	k.mu.Lock()
	if k.away = err; err == nil {
		k.known, k.metadata = found, metadata
	}
	k.mu.Unlock()
	k.noted(err)
}

// ask asks the issuer what it has, and for its keys.
func (k *keys) ask(ctx context.Context) (*openid.Metadata, []jose.JSONWebKey, error) {
	metadata, err := openid.Discover(ctx, k.client, k.config.Issuer)
	if err != nil {
		return nil, nil, err
	}
	if err := k.checkPlace(metadata.Keys); err != nil {
		return nil, nil, err
	}
	raw, err := openid.Get(ctx, k.client, metadata.Keys)
	if err != nil {
		return nil, nil, err
	}
	found, err := parseKeys(raw)
	return metadata, found, err
}

// checkPlace refuses keys that are at a host which may not have them.
func (k *keys) checkPlace(address string) error {
	at, err := openid.Endpoint(address)
	if err != nil {
		return err
	}
	own, err := url.Parse(k.config.Issuer)
	if err != nil {
		return err
	}
	if own.Scheme != at.Scheme || !k.config.mayHaveKeys(own.Host, at.Host) {
		return fmt.Errorf("its keys are at %s, which oidc_key_hosts does not list", at.Host)
	}
	return nil
}

// parseKeys returns the keys of a set that can verify a signature here. Others are passed over.
func parseKeys(raw []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, fmt.Errorf("its keys can't be read: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("it has more than %d keys", maxKeys)
	}
	var found []jose.JSONWebKey
	for _, one := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(one) == nil && verifies(key) {
			found = append(found, key)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("none of its %d keys can verify a signature", len(set.Keys))
	}
	return found, nil
}

// verifies reports whether a key is a public one that verifies signatures, and strong enough.
func verifies(key jose.JSONWebKey) bool {
	if key.Use != "" && key.Use != "sig" || !key.Valid() || !key.IsPublic() || strings.HasPrefix(key.Algorithm, "HS") {
		return false
	}
	if public, isRSA := key.Key.(*rsa.PublicKey); isRSA {
		return public.N.BitLen() >= minRSABits
	}
	return true
}
