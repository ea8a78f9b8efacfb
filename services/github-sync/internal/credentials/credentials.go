// Package credentials keeps the credentials of Git remotes from being seen: they are sealed on arrival with a key that
// only github-sync holds, or referred to and read where github-sync runs. In clear they exist only while a remote is
// spoken to.
package credentials

import (
	"errors"

	"github.com/golang-jwt/jwt/v4"
	"golang.org/x/crypto/ssh"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
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

// None tells that there are no credentials.
func (b Basic) None() bool { return b.Username == "" && b.Password.IsZero() }

// Login is what a remote is signed in with: at most one of its ways.
type Login struct {
	Basic
	SSHKey secret.String // a private key
	App    *App
}

// None tells that there are no credentials.
func (l Login) None() bool { return l.Basic.None() && l.SSHKey.IsZero() && l.App == nil }

// App is an installation of a GitHub App, of which tokens are made.
type App struct {
	ID, Installation int64
	Key              secret.String
}

// login reads credentials that are given in exactly one whole way. The flaw is what is wrong with them; it quotes
// nothing.
func login(p *gitv1.PlainCredentials) (l Login, flaw string) {
	token, pair, app := p.GetToken() != "", p.GetUsername() != "" || p.GetPassword() != "", p.GetGithubApp()
	ways := 0
	for _, given := range []bool{token, pair, p.GetSshPrivateKey() != "", app != nil} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return l, "Give credentials in exactly one way: a token, a username and a password, an SSH private key, or a " +
			"GitHub App."
	case token:
		return Login{Basic: Token(secret.New(p.GetToken()))}, ""
	case app != nil:
		l = Login{App: &App{app.GetAppId(), app.GetInstallationId(), secret.New(app.GetPrivateKey())}}
		return l, appFlaw(l.App)
	case pair && (p.GetUsername() == "" || p.GetPassword() == ""):
		return l, "A username and a password go together."
	case pair:
		return Login{Basic: Basic{p.GetUsername(), secret.New(p.GetPassword())}}, ""
	}
	l = Login{SSHKey: secret.New(p.GetSshPrivateKey())}
	return l, sshFlaw(l.SSHKey)
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
