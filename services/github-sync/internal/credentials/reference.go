package credentials

import (
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

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

// Resolve finds credentials; nil names none.
func (r *Resolver) Resolve(c *gitv1.Credentials) (Login, error) {
	switch source := c.GetSource().(type) {
	case *gitv1.Credentials_Sealed:
		return r.sealer.Open(source.Sealed)
	case *gitv1.Credentials_Reference:
		return r.reference(source.Reference)
	}
	return Login{}, nil
}

// envPrefix bounds which variables can be referred to, so that nobody has the rest of the environment sent to a Git
// host of his choice, not even the settings of this system: the URL of Redis may hold a password.
const envPrefix = "HEDGEHOG_FGD_GIT_"

func (r *Resolver) reference(reference string) (Login, error) {
	kind, name, _ := strings.Cut(reference, ":")
	switch {
	case kind == "env" && strings.HasPrefix(name, envPrefix):
		value, set := r.lookupEnv(name)
		if !set {
			return Login{}, unreadable("The variable %s is not set where github-sync runs.", name)
		}
		return parse(value)
	case kind == "env":
		return Login{}, unreadable("Only variables that begin with %s can be referred to.", envPrefix)
	case kind == "file":
		return r.file(name)
	}
	return Login{}, unreadable("A reference is env:NAME or file:NAME.")
}

const longestFile = 64 << 10

func (r *Resolver) file(name string) (Login, error) {
	if r.dir == "" {
		return Login{}, unreadable("References to files need credentials_dir to be set.")
	}
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`) {
		return Login{}, unreadable("The reference file:NAME takes the name of a file in credentials_dir.")
	}
	path := filepath.Join(r.dir, name)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > longestFile {
		return Login{}, unreadable("There is no readable file %q in credentials_dir.", name).WithCause(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Login{}, unreadable("There is no readable file %q in credentials_dir.", name).WithCause(err)
	}
	return parse(string(raw))
}

// parse reads an SSH private key, a GitHub App in YAML, "username:password", or a token.
func parse(content string) (Login, error) {
	p, flaw := plain(strings.TrimSpace(content))
	if flaw != "" {
		return Login{}, unreadable("%s", flaw)
	}
	l, flaw := login(p)
	if flaw != "" {
		return Login{}, unreadable("The credentials that are referred to can't be used: %s", flaw)
	}
	return l, nil
}

func plain(content string) (p *gitv1.PlainCredentials, flaw string) {
	if content == "" {
		return nil, "The credentials that are referred to are empty."
	}
	if strings.HasPrefix(content, "-----BEGIN ") {
		return &gitv1.PlainCredentials{SshPrivateKey: content + "\n"}, ""
	}
	if app := parseApp(content); app != nil {
		return &gitv1.PlainCredentials{GithubApp: app}, ""
	}
	if strings.ContainsAny(content, "\r\n") { // what was meant as an app or a key is never sent as a password
		return nil, "The credentials that are referred to have several lines, and are neither a private key nor a GitHub " +
			"App in YAML."
	}
	if username, password, pair := strings.Cut(content, ":"); pair {
		return &gitv1.PlainCredentials{Username: username, Password: password}, ""
	}
	return &gitv1.PlainCredentials{Token: content}, ""
}

// parseApp reads a GitHub App, nil when it is none.
func parseApp(content string) *gitv1.GitHubApp {
	var app struct {
		ID           int64  `yaml:"app_id"`
		Installation int64  `yaml:"installation_id"`
		Key          string `yaml:"private_key"`
	}
	// The parser's message may quote the text.
	if yaml.Unmarshal([]byte(content), &app) != nil || app.ID == 0 && app.Installation == 0 && app.Key == "" {
		return nil
	}
	return &gitv1.GitHubApp{AppId: app.ID, InstallationId: app.Installation, PrivateKey: app.Key}
}
