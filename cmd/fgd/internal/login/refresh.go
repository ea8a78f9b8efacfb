package login

import (
	"context"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/oauth2"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
)

const (
	// early is how long before its end an access token is taken for expired, so that it lasts for a call.
	early = 15 * time.Second
	// lockPoll is how often it is looked whether another command has refreshed the login.
	lockPoll = 50 * time.Millisecond
)

// Token returns what is shown to a server, refreshed when its time is over: an error (FGD_1058) when that can't be
// done, and nothing where nobody has signed in for that server.
func (s Store) Token(ctx context.Context, server string) (secret.String, error) {
	l, err := s.load(server)
	if err != nil || l == nil {
		return secret.String{}, err
	}
	if l.lasts() {
		return l.Access, nil
	}
	return s.refreshed(ctx, server)
}

// lasts reports whether the access token is good for a call.
func (l *Login) lasts() bool {
	return l.ExpiresAt.IsZero() || time.Now().Add(early).Before(l.ExpiresAt)
}

// refreshed gets another access token. One command does so at a time: many issuers take a refresh token once.
func (s Store) refreshed(ctx context.Context, server string) (token secret.String, err error) {
	lock := flock.New(s.file(server) + ".lock")
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return secret.String{}, s.unusable(err)
	}
	defer func() { _ = lock.Unlock() }()
	l, err := s.load(server) // as another command may have left it
	switch {
	case err != nil || l == nil:
		return secret.String{}, err
	case l.lasts():
		return l.Access, nil
	case l.Refresh.IsZero():
		return secret.String{}, expired(server)
	}
	config, ctx, err := l.at(ctx)
	if err != nil {
		return secret.String{}, err
	}
	found, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: l.Refresh.Reveal()}).Token()
	if err != nil {
		return secret.String{}, failed(ctx, l.Issuer, err, l.Refresh).WithRemedy("Call fgd login --server %s.", server)
	}
	l.take(found)
	return l.Access, s.Save(l)
}

func expired(server string) error {
	return errs.New(errs.LoginFailed, "The login for %s has expired.", server).
		WithRemedy("Call fgd login --server %s.", server)
}

// take takes over what the issuer has given.
func (l *Login) take(t *oauth2.Token) {
	l.Access, l.Refresh, l.ExpiresAt = secret.New(t.AccessToken), secret.New(t.RefreshToken), t.Expiry
}
