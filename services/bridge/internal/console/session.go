package console

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/redisconn"
)

const (
	// sessionLifetime is after how long somebody signs in anew, whatever they do.
	sessionLifetime = 12 * time.Hour
	// sessionIdle is after how long without a request.
	sessionIdle = 2 * time.Hour
	// authorizationKey is under which a session has what its calls show.
	authorizationKey = "authorization"
)

// newSessions returns the sessions of those who have signed in. A browser has the identifier of its session alone. They
// are not made with scs.New, which starts what looks after sessions in memory and can't be ended for sure.
func newSessions(
	conn *redisconn.Conn, secure bool, failed func(http.ResponseWriter, *http.Request, error),
) *scs.SessionManager {
	return &scs.SessionManager{
		Store: &sealedStore{redis: conn.Main}, Codec: scs.GobCodec{}, ErrorFunc: failed,
		Lifetime: sessionLifetime, IdleTimeout: sessionIdle,
		Cookie: scs.SessionCookie{
			Name: cookieName("fgd-session", secure), Path: "/", HttpOnly: true, Secure: secure,
			SameSite: http.SameSiteStrictMode, // and it ends with the browser
		},
	}
}

// cookieName returns the name of a cookie. With the prefix a browser takes it over https from this host alone, so that
// no neighbour can set it.
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

// sealedStore keeps sessions in Redis, where any bridge finds them. What is kept is encrypted with a key that comes
// from the session's identifier, and is found under a digest of it: who reads Redis can neither use a session nor
// learn what it shows.
type sealedStore struct{ redis redis.UniversalClient }

// errNoContext is that of methods which scs calls only of stores without a context.
var errNoContext = errors.New("sessions are kept with a context")

// Find is FindCtx without a context, which nobody calls.
func (s *sealedStore) Find(string) ([]byte, bool, error) { return nil, false, errNoContext }

// Commit is CommitCtx without a context, which nobody calls.
func (s *sealedStore) Commit(string, []byte, time.Time) error { return errNoContext }

// Delete is DeleteCtx without a context, which nobody calls.
func (s *sealedStore) Delete(string) error { return errNoContext }

// FindCtx returns what a session has, and whether it is there.
func (s *sealedStore) FindCtx(ctx context.Context, id string) ([]byte, bool, error) {
	key, seal, err := sealOf(id)
	if err != nil {
		return nil, false, err
	}
	sealed, err := redisconn.Repeat(ctx, func() ([]byte, error) { return s.redis.Get(ctx, key).Bytes() })
	switch {
	case errors.Is(err, redis.Nil):
		return nil, false, nil
	case err != nil:
		return nil, false, redisconn.Error(err)
	}
	plain, err := seal.Open(nil, nil, sealed, []byte(key))
	return plain, err == nil, nil // what can't be opened is no session of anybody
}

// CommitCtx keeps what a session has, until it expires.
func (s *sealedStore) CommitCtx(ctx context.Context, id string, plain []byte, expiry time.Time) error {
	key, seal, err := sealOf(id)
	if err != nil {
		return err
	}
	sealed := seal.Seal(nil, nil, plain, []byte(key)) //nolint:gosec // it makes a nonce of its own each time
	_, err = redisconn.Repeat(ctx, func() (string, error) {
		return s.redis.Set(ctx, key, sealed, max(time.Until(expiry), time.Millisecond)).Result()
	})
	if err != nil {
		return redisconn.Error(err)
	}
	return nil
}

// DeleteCtx forgets a session.
func (s *sealedStore) DeleteCtx(ctx context.Context, id string) error {
	key, _, err := sealOf(id)
	if err != nil {
		return err
	}
	if _, err = redisconn.Repeat(ctx, func() (int64, error) { return s.redis.Del(ctx, key).Result() }); err != nil {
		return redisconn.Error(err)
	}
	return nil
}

// sealOf returns under which key a session is kept, and what encrypts it.
func sealOf(id string) (key string, seal cipher.AEAD, err error) {
	digest := sha256.Sum256([]byte("fgd console session\x00" + id))
	secret, err := hkdf.Key(sha256.New, []byte(id), nil, "fgd console session", 32)
	if err != nil {
		return "", nil, fmt.Errorf("derive the key of a session: %w", err)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return "", nil, fmt.Errorf("derive the key of a session: %w", err)
	}
	if seal, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return "", nil, fmt.Errorf("derive the key of a session: %w", err)
	}
	return "fgd:bridge:session:" + base64.RawURLEncoding.EncodeToString(digest[:]), seal, nil
}
