package cli

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// Variables that hold credentials. They are no keys of the configuration, so that they are never written to a file.
const (
	envToken    = "HEDGEHOG_FGD_GIT_TOKEN"
	envUsername = "HEDGEHOG_FGD_GIT_USERNAME"
	envPassword = "HEDGEHOG_FGD_GIT_PASSWORD"
)

type credentials struct {
	token    secret.String
	username string
	password secret.String
	sshKey   secret.String
}

func (c credentials) none() bool { return c == credentials{} }

func (c credentials) plain() *gitv1.PlainCredentials {
	return &gitv1.PlainCredentials{
		Token: c.token.Reveal(), Username: c.username, Password: c.password.Reveal(), SshPrivateKey: c.sshKey.Reveal(),
	}
}

// readCredentials takes them from a file, else from the environment.
func readCredentials(environ []string, path string) (credentials, error) {
	if path != "" {
		return credentialsFile(path)
	}
	c := credentials{
		token: secret.New(app.Environment(environ, envToken)), username: app.Environment(environ, envUsername),
		password: secret.New(app.Environment(environ, envPassword)),
	}
	if (c.username == "") != c.password.IsZero() {
		return c, usage{errs.New(errs.Invalid, errs.InvalidRequest, "%s and %s go together; only one is set.", envUsername, envPassword)}
	}
	return c, nil
}

func credentialsFile(path string) (credentials, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return credentials{}, pathError(path, err)
	}
	var content struct {
		Token, Username, Password string
		SSHPrivateKey             string `yaml:"ssh_private_key"`
	}
	// The parser's message may quote the file, and the file holds secrets.
	err = yaml.Unmarshal(raw, &content)
	c := credentials{secret.New(content.Token), content.Username, secret.New(content.Password), secret.New(content.SSHPrivateKey)}
	if err != nil || c.none() {
		return credentials{}, usage{errs.New(errs.Invalid, errs.InvalidRequest, "%s holds no credentials.", path).
			WithRemedy("Write the file as YAML: either \"token: …\", or \"username: …\" and \"password: …\", or \"ssh_private_key: |\" with the key below.")}
	}
	return c, nil
}

// scpLike is user@host:path. Without a user it may be a path too.
var scpLike = regexp.MustCompile(`^([^/\\@]+@)?[^/\\:@]+:`)

// repositoryURL makes a URL of what --repo names: a URL stays as it is, a path becomes file://. The second result is
// the path, when it is one.
func repositoryURL(repo string) (location, path string, err error) {
	if strings.Contains(repo, "://") {
		return repo, "", nil
	}
	absolute, err := filepath.Abs(repo)
	if err != nil {
		return "", "", fmt.Errorf("resolve %s: %w", repo, err)
	}
	_, err = os.Stat(absolute)
	if err != nil && scpLike.MatchString(repo) {
		return repo, "", nil
	}
	if err != nil {
		return "", "", usage{errs.New(errs.NotFound, errs.GitHubNotFound, "There is no repository at %s.", repo).
			WithRemedy("Give --repo a URL, or the path of a repository on this machine.")}
	}
	return (&url.URL{Scheme: "file", Path: absolute}).String(), absolute, nil
}
