// Package credentials keeps the credentials of Git remotes from being seen, and from being sent to anybody else than
// they were given for: they are sealed on arrival, together with the server and the fabric that they are for, with a
// key that only github-sync holds; or they are referred to and read where github-sync runs, where the servers that they
// may be sent to stand beside them. In clear they exist only while a remote is spoken to.
package credentials

import (
	"encoding/base64"
	"errors"
	"net/url"

	"github.com/golang-jwt/jwt/v4"
	"golang.org/x/crypto/ssh"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/remotehost"
	"fgdsync.dev/libs/secret"
)

// tokenUser is the user name that goes with a token; hosts look at the token alone.
const tokenUser = "x-access-token"

// Basic is what HTTP basic auth sends.
type Basic struct {
	Username string
	Password secret.String
}

// Token is what HTTP basic auth sends of an access token.
func Token(token secret.String) Basic { return Basic{tokenUser, token} }

// None reports whether there are no credentials.
func (b Basic) None() bool { return b.Username == "" && b.Password.IsZero() }

// RemoveFrom returns a text of a host without the credentials, as they are and as they travel: a host, or a proxy
// before it, may repeat the header that it was shown, or a URL that it has made of it.
func (b Basic) RemoveFrom(text string) string {
	if b.Password.IsZero() {
		return text
	}
	password := b.Password.Reveal()
	for _, form := range []string{
		base64.RawStdEncoding.EncodeToString([]byte(b.Username + ":" + password)),
		base64.RawURLEncoding.EncodeToString([]byte(b.Username + ":" + password)),
		base64.RawStdEncoding.EncodeToString([]byte(password)), url.QueryEscape(password), url.PathEscape(password), password,
	} {
		text = secret.New(form).RemoveFrom(text)
	}
	return text
}

// Login is what a remote is signed in with: at most one of its ways. It is for one server, and is shown to no other.
type Login struct {
	Basic
	SSHKey secret.String // a private key
	App    *App
	Server remotehost.Host // that it is for
}

// None reports whether there are no credentials.
func (l Login) None() bool { return l.Basic.None() && l.SSHKey.IsZero() && l.App == nil }

// MayEnter returns an error unless the login may be shown to a server. No credentials may be shown to all.
func (l Login) MayEnter(server remotehost.Host) error {
	if l.None() || l.Server == server && !server.None() {
		return nil
	}
	return forAnotherHost(server)
}

// App is an installation of a GitHub App, of which tokens are made.
type App struct {
	ID, Installation int64
	Key              secret.String
}

// Plain is credentials in clear, as somebody gave them.
type Plain struct {
	Token    secret.String
	Username string
	Password secret.String
	SSHKey   secret.String
	App      *App
}

// login reads credentials that are given in exactly one whole way. The flaw is what is wrong with them; it quotes
// nothing.
func (p Plain) login() (l Login, flaw string) {
	pair, ways := p.Username != "" || !p.Password.IsZero(), 0
	for _, given := range []bool{!p.Token.IsZero(), pair, !p.SSHKey.IsZero(), p.App != nil} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return l, "Give credentials in exactly one way: a token, a username and a password, an SSH private key, or a " +
			"GitHub App."
	case !p.Token.IsZero():
		return Login{Basic: Token(p.Token)}, ""
	case p.App != nil:
		return Login{App: p.App}, appFlaw(p.App)
	case pair && (p.Username == "" || p.Password.IsZero()):
		return l, "A username and a password go together."
	case pair:
		return Login{Basic: Basic{p.Username, p.Password}}, ""
	}
	return Login{SSHKey: p.SSHKey}, sshFlaw(p.SSHKey)
}

func sshFlaw(key secret.String) string {
	_, err := ssh.ParsePrivateKey([]byte(key.Reveal()))
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return "The SSH private key has a passphrase, which nobody could type here: give one without."
	case err != nil:
		return "The SSH private key can't be read: give a whole file in PEM or OpenSSH form."
	}
	return ""
}

func appFlaw(app *App) string {
	if app.ID <= 0 || app.Installation <= 0 {
		return "A GitHub App is given with app_id and installation_id, both 1 or more, and private_key."
	}
	if _, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(app.Key.Reveal())); err != nil {
		return "The private key of the GitHub App can't be read: give the whole PEM file with the RSA key that GitHub made."
	}
	return ""
}

func unreadable(format string, args ...any) *errs.Error {
	return errs.New(errs.CredentialsUnreadable, format, args...)
}
