package credentials

import (
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/github-sync/internal/githost"
)

// Source is where the credentials of a location come from: at most one of its ways.
type Source struct {
	Sealed    []byte // nil when they are not sealed
	Reference string // env:NAME or file:NAME
}

// Resolver finds the credentials that a location names.
type Resolver struct {
	sealer    *Sealer
	dir       string
	lookupEnv func(string) (string, bool)
}

// NewResolver returns a resolver. References "file:NAME" are read from the folder, "env:NAME" through the function.
func NewResolver(sealer *Sealer, dir string, lookupEnv func(string) (string, bool)) *Resolver {
	return &Resolver{sealer, dir, lookupEnv}
}

// Resolve finds credentials for a target, and refuses those that are not for it. A nil source has none.
func (r *Resolver) Resolve(source *Source, target Target) (Login, error) {
	switch {
	case source == nil:
		return Login{}, nil
	case source.Sealed != nil:
		return r.sealer.Open(source.Sealed, target)
	}
	found, err := r.reference(source.Reference)
	if err != nil {
		return Login{}, err
	}
	if err := found.admit(target); err != nil {
		return Login{}, err
	}
	l, err := found.login()
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
	found, err := r.reference(source.Reference)
	if err != nil {
		return err
	}
	return found.admit(target)
}

// envPrefix bounds which variables can be referred to, so that nobody has the rest of the environment sent to a Git
// host, not even the settings of this system: the URL of Redis may hold a password.
const envPrefix = "HEDGEHOG_FGD_GIT_"

// What the names of a secret end with that name the list of the servers that it may be sent to.
const (
	envHosts  = "_HOSTS"
	fileHosts = ".hosts"
)

// reference is a secret outside of this system, and the list of the servers that it may be sent to.
type reference struct {
	name  string // as it was given
	list  string // what holds the list, as people call it
	hosts func() (text string, set bool)
	read  func() (string, error)
}

func (r *Resolver) reference(text string) (reference, error) {
	kind, name, _ := strings.Cut(text, ":")
	switch {
	case kind == "env" && strings.HasPrefix(name, envPrefix):
		return reference{
			name: text, list: "the variable " + name + envHosts,
			hosts: func() (string, bool) { return r.lookupEnv(name + envHosts) },
			read: func() (string, error) {
				value, set := r.lookupEnv(name)
				if !set {
					return "", unreadable("The variable %s is not set where github-sync runs.", name)
				}
				return value, nil
			},
		}, nil
	case kind == "env":
		return reference{}, unreadable("Only variables that begin with %s can be referred to.", envPrefix)
	case kind == "file":
		return r.file(text, name)
	}
	return reference{}, unreadable("A reference is env:NAME or file:NAME.")
}

const longestFile = 64 << 10

func (r *Resolver) file(text, name string) (reference, error) {
	if r.dir == "" {
		return reference{}, unreadable("References to files need credentials_dir to be set.")
	}
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`) {
		return reference{}, unreadable("The reference file:NAME takes the name of a file in credentials_dir.")
	}
	return reference{
		name: text, list: "the file " + name + fileHosts + " in credentials_dir",
		hosts: func() (string, bool) {
			content, err := readFile(r.dir, name+fileHosts)
			return content, err == nil
		},
		read: func() (string, error) { return readFile(r.dir, name) },
	}, nil
}

func readFile(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > longestFile {
		return "", unreadable("There is no readable file %q in credentials_dir.", name).WithCause(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", unreadable("There is no readable file %q in credentials_dir.", name).WithCause(err)
	}
	return string(raw), nil
}

// admit returns an error unless the secret may be sent to the target's server. Without a list it may be sent nowhere.
// Nothing of the secret is read for it, and nothing of the list is quoted.
func (f reference) admit(target Target) error {
	if target.Server.None() {
		return forAnotherHost(target.Server)
	}
	text, set := f.hosts()
	list, ok := githost.ParseList(text)
	switch {
	case !set || ok && len(list) == 0:
		return refusal("The reference %s has no list of the Git hosts that it may be used for.", f.name).
			WithRemedy("Set %s where github-sync runs, to %s and any other host that the credentials are for.", f.list,
				target.Server)
	case !ok:
		return refusal("The list of the Git hosts that the reference %s may be used for can't be read.", f.name).
			WithRemedy("Write hosts as HOST or HOST:PORT, separated by commas or blanks, into %s.", f.list)
	case !list.Allows(target.Server):
		return refusal("The reference %s may not be used for the Git host %s.", f.name, target.Server).
			WithRemedy("If the credentials are for this host too, add %s to %s where github-sync runs.", target.Server, f.list)
	}
	return nil
}

// login reads an SSH private key, a GitHub App in YAML, "username:password", or a token.
func (f reference) login() (Login, error) {
	content, err := f.read()
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
