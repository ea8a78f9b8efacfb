package credentials

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/credref"
	"fgdsync.dev/libs/secret"
)

// Source is where the credentials of a location come from: at most one of its ways.
type Source struct {
	Sealed    []byte // nil when they are not sealed
	Reference string // env:NAME or file:NAME
}

// Resolver finds the credentials that a location names.
type Resolver struct {
	sealer     *Sealer
	references *credref.Finder
}

// NewResolver returns a resolver. References "file:NAME" are read from the folder, "env:NAME" through the function.
func NewResolver(sealer *Sealer, dir string, lookupEnv func(string) (string, bool)) *Resolver {
	return &Resolver{sealer, &credref.Finder{
		Prefix: envPrefix, Dir: dir, LookupEnv: lookupEnv, Service: "github-sync", Host: "Git host", Field: Field,
	}}
}

// Resolve finds credentials for a target, and refuses those that are not for it. A nil source has none.
func (r *Resolver) Resolve(source *Source, target Target) (Login, error) {
	switch {
	case source == nil:
		return Login{}, nil
	case source.Sealed != nil:
		return r.sealer.Open(source.Sealed, target)
	}
	found, err := r.references.Find(source.Reference)
	if err != nil {
		return Login{}, err
	}
	if err := admit(found, target); err != nil {
		return Login{}, err
	}
	l, err := login(found)
	l.Server = target.Server
	return l, err
}

// Admits returns an error when credentials are not for a target. It says nothing of them otherwise.
func (r *Resolver) Admits(source *Source, target Target) error {
	switch {
	case source == nil:
		return nil
	case source.Sealed != nil:
		return r.sealer.Admits(source.Sealed, target)
	}
	found, err := r.references.Find(source.Reference)
	if err != nil {
		return err
	}
	return admit(found, target)
}

// envPrefix bounds which variables can be referred to.
const envPrefix = "HEDGEHOG_FGD_GIT_"

// admit returns an error unless the secret may be sent to the target's server.
func admit(found credref.Reference, target Target) error {
	if target.Server.None() {
		return forAnotherHost(target.Server)
	}
	return found.Admit(target.Server)
}

// login reads an SSH private key, a GitHub App in YAML, "username:password", or a token.
func login(found credref.Reference) (Login, error) {
	content, err := found.Read()
	if err != nil {
		return Login{}, err
	}
	p, flaw := parse(strings.TrimSpace(content))
	if flaw != "" {
		return Login{}, unreadable("%s", flaw)
	}
	l, flaw := p.login()
	if flaw != "" {
		return Login{}, unreadable("The credentials that are referred to can't be used: %s", flaw)
	}
	return l, nil
}

func parse(content string) (p Plain, flaw string) {
	if content == "" {
		return p, "The credentials that are referred to are empty."
	}
	if strings.HasPrefix(content, "-----BEGIN ") {
		return Plain{SSHKey: secret.New(content + "\n")}, ""
	}
	if app := parseApp(content); app != nil {
		return Plain{App: app}, ""
	}
	if strings.ContainsAny(content, "\r\n") { // what was meant as an app or a key is never sent as a password
		return p, "The credentials that are referred to have several lines, and are neither a private key nor a GitHub " +
			"App in YAML."
	}
	if username, password, pair := strings.Cut(content, ":"); pair {
		return Plain{Username: username, Password: secret.New(password)}, ""
	}
	return Plain{Token: secret.New(content)}, ""
}

// parseApp reads a GitHub App, nil when it is none.
func parseApp(content string) *App {
	var app struct {
		ID           int64  `yaml:"app_id"`
		Installation int64  `yaml:"installation_id"`
		Key          string `yaml:"private_key"`
	}
	// The parser's message may quote the text.
	if yaml.Unmarshal([]byte(content), &app) != nil || app.ID == 0 && app.Installation == 0 && app.Key == "" {
		return nil
	}
	return &App{app.ID, app.Installation, secret.New(app.Key)}
}
