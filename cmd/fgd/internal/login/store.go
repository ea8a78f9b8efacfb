package login

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"fgdsync.dev/cmd/fgd/internal/home"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
)

// Login is what somebody has who has signed in for one server.
type Login struct {
	Server    string // its address, as it was named
	Issuer    string
	ClientID  string
	Access    secret.String // what is shown to the server
	Refresh   secret.String // what the issuer takes for another one; none when it gave none
	ExpiresAt time.Time     // of Access; zero when it is not known
}

// kept is a login in its file, which its owner alone can read.
type kept struct {
	Server    string    `json:"server"`
	Issuer    string    `json:"issuer"`
	ClientID  string    `json:"client_id"`
	Access    string    `json:"access_token"`
	Refresh   string    `json:"refresh_token,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// Store keeps logins, a file for each server.
type Store struct{ folder string }

// NewStore returns the store of whoever has an environment.
func NewStore(lookup func(string) (string, bool)) Store {
	folder := home.Folder(lookup)
	if folder == "" {
		return Store{}
	}
	return Store{filepath.Join(folder, "logins")}
}

func (s Store) file(server string) string {
	return filepath.Join(s.folder, url.PathEscape(server)+".json")
}

// load returns the login for a server; nil when there is none.
func (s Store) load(server string) (*Login, error) {
	if s.folder == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(s.file(server))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var k kept
	if err == nil {
		err = json.Unmarshal(raw, &k)
	}
	if err != nil || k.Server != server || k.Access == "" {
		return nil, errs.New(errs.LoginFailed, "The login in %s can't be read.", s.file(server)).WithCause(err).
			WithRemedy("Call fgd login again, or remove the file.")
	}
	return &Login{
		Server: k.Server, Issuer: k.Issuer, ClientID: k.ClientID, Access: secret.New(k.Access),
		Refresh: secret.New(k.Refresh), ExpiresAt: k.ExpiresAt,
	}, nil
}

// Save keeps a login in the place of the one for the same server.
func (s Store) Save(l *Login) (err error) {
	if s.folder == "" {
		return errs.New(errs.FolderUnusable, "There is no folder to keep a login in.").
			WithRemedy("Set HOME or XDG_CONFIG_HOME.")
	}
	raw, err := json.MarshalIndent(kept{ //nolint:gosec // a login is kept in this file alone
		l.Server, l.Issuer, l.ClientID, l.Access.Reveal(), l.Refresh.Reveal(), l.ExpiresAt,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("write a login: %w", err)
	}
	if err := home.Write(s.file(l.Server), append(raw, '\n')); err != nil {
		return s.unusable(err)
	}
	return nil
}

func (s Store) unusable(cause error) error {
	return errs.New(errs.FolderUnusable, "The login can't be kept in %s.", s.folder).WithCause(cause)
}

// Remove forgets the login for a server, and reports whether there was one.
func (s Store) Remove(server string) (bool, error) {
	if s.folder == "" {
		return false, nil
	}
	err := os.Remove(s.file(server))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, s.unusable(err)
	}
	return true, nil
}
