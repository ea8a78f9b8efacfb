package local

import (
	"net/url"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// Variables that hold credentials. They are no keys of the configuration, so that they are never written to a file.
const (
	EnvToken    = "HEDGEHOG_FGD_GIT_TOKEN"
	EnvUsername = "HEDGEHOG_FGD_GIT_USERNAME"
	EnvPassword = "HEDGEHOG_FGD_GIT_PASSWORD"
)

// howToSignIn is the remedy of a command that was given no credentials.
const howToSignIn = "Set " + EnvToken + ", or " + EnvUsername + " and " + EnvPassword + ", or give --credentials-file."

// explain names the ways to give credentials where there are none and a host wants some.
func (c credentials) explain(err error) error {
	if !c.none() || !errs.HasCode(err, errs.GitHubAuthenticationFailed) {
		return err
	}
	return errs.From(err).WithRemedy(howToSignIn)
}

// credentials are those of a command, in one way at most.
type credentials struct {
	token    secret.String
	username string
	password secret.String
	sshKey   secret.String
	app      *appCredentials
}

// appCredentials are an installation of a GitHub App.
type appCredentials struct {
	id, installation int64
	key              secret.String
}

func (c credentials) none() bool { return c == credentials{} }

func (c credentials) plain() *gitv1.PlainCredentials {
	p := &gitv1.PlainCredentials{
		Token: c.token.Reveal(), Username: c.username, Password: c.password.Reveal(), SshPrivateKey: c.sshKey.Reveal(),
	}
	if c.app != nil {
		p.GithubApp = &gitv1.GitHubApp{AppId: c.app.id, InstallationId: c.app.installation, PrivateKey: c.app.key.Reveal()}
	}
	return p
}

// readCredentials takes them from a file, else from the environment.
func readCredentials(environ []string, path string) (credentials, error) {
	if path != "" {
		return credentialsFile(path)
	}
	c := credentials{
		token: secret.New(app.Environment(environ, EnvToken)), username: app.Environment(environ, EnvUsername),
		password: secret.New(app.Environment(environ, EnvPassword)),
	}
	if !c.token.IsZero() && c.username != "" {
		return c, exit.Misuse(errs.New(errs.InvalidRequest, "%s and %s are both set; one way to sign in is needed.", EnvToken,
			EnvUsername).WithRemedy("Unset one of them, or give --credentials-file."))
	}
	if (c.username == "") != c.password.IsZero() {
		return c, exit.Misuse(errs.New(errs.InvalidRequest, "%s and %s go together; only one is set.", EnvUsername,
			EnvPassword))
	}
	return c, nil
}

// credentialsContent is what a file of credentials can hold.
type credentialsContent struct {
	Token     string      `yaml:"token"`
	Username  string      `yaml:"username"`
	Password  string      `yaml:"password"`
	SSHKey    string      `yaml:"ssh_private_key"`
	GitHubApp *appContent `yaml:"github_app"`
}

type appContent struct {
	ID           int64  `yaml:"app_id"`
	Installation int64  `yaml:"installation_id"`
	Key          string `yaml:"private_key"`
}

func credentialsFile(path string) (credentials, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return credentials{}, unreadable(path, err)
	}
	var content credentialsContent
	// The parser's message may quote the file, and the file holds secrets.
	if yaml.Unmarshal(raw, &content) != nil || content == (credentialsContent{}) {
		return credentials{}, exit.Misuse(errs.New(errs.InvalidRequest, "%s holds no credentials.", path).
			WithRemedy("Write the file as YAML: \"token: …\", or \"username: …\" and \"password: …\", or " +
				"\"ssh_private_key: …\", or \"github_app:\" with \"app_id: …\", \"installation_id: …\" and \"private_key: …\"."))
	}
	c := credentials{
		token: secret.New(content.Token), username: content.Username, password: secret.New(content.Password),
		sshKey: secret.New(content.SSHKey),
	}
	if app := content.GitHubApp; app != nil {
		c.app = &appCredentials{app.ID, app.Installation, secret.New(app.Key)}
	}
	return c, nil
}

var scpLike = regexp.MustCompile(`^[^/\\]+@[^/\\:]+:`)

// repositoryURL makes a URL of what --repo names: a URL stays as it is, a path becomes file://. The second result is
// the path, when it is one.
func repositoryURL(repo string) (location, path string, err error) {
	if strings.Contains(repo, "://") || scpLike.MatchString(repo) {
		return repo, "", nil
	}
	absolute, err := resolve(repo)
	if err != nil {
		return "", "", err
	}
	if _, err := os.Stat(absolute); err != nil {
		return "", "", exit.Misuse(errs.New(errs.GitHubNotFound, "There is no repository at %s.", repo).
			WithRemedy("Give --repo a URL, or the path of a repository on this machine."))
	}
	return (&url.URL{Scheme: "file", Path: absolute}).String(), absolute, nil
}
