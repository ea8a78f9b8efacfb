// Package remote speaks to remote repositories: smart HTTP and SSH at the level of Git's two exchanges, with as few
// requests as they allow, and repositories on this machine where that is permitted. Which addresses may be spoken to is
// decided here, on the URL and again on every connection.
package remote

import (
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/reach"
	"fgdsync.dev/libs/remotehost"
)

// Policy says which remotes are permitted.
type Policy struct {
	AllowHTTP  bool           // in clear
	Networks   reach.Networks // private ones that may be connected to, this machine among them when it is listed
	LocalPaths []string       // folders whose repositories may be used as file:// or path
	KnownHosts string         // file of the host keys that are believed; without it there is no SSH
}

// Location is a repository that the policy permits.
type Location struct {
	Key    string          // the same for all spellings, over HTTP and over SSH
	URL    string          // for HTTP: without credentials
	Server remotehost.Host // that is spoken to; none for a path
	Host   string          // the server as people call it; "local" for a path
	Path   string          // for a repository on this machine
	SSH    *Account        // for a repository behind SSH
}

// Local reports whether the repository is on this machine.
func (l Location) Local() bool { return l.Path != "" }

// What is longer, in bytes, no host takes; records, events and messages repeat it.
const (
	longestURL       = 4096
	longestBranch    = 1024
	longestDirectory = 4096
)

// Parse reads a URL, or the path of a repository on this machine, and judges it.
func (p Policy) Parse(raw string) (Location, error) {
	if len(raw) > longestURL {
		return Location{}, refused("The repository URL is too long; allowed are at most %d bytes.", longestURL)
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }) || strings.HasPrefix(raw, "-") {
		return Location{}, refused("The repository URL begins with a dash, or holds spaces or control characters.")
	}
	if filepath.IsAbs(raw) {
		return p.local(&url.URL{Path: raw})
	}
	if !strings.Contains(raw, "://") {
		return p.shortSSH(raw)
	}
	u, err := url.Parse(raw)
	if err != nil { // the parser's message quotes the URL, which may hold credentials
		return Location{}, refused("The repository URL can't be read.")
	}
	if _, hasPassword := u.User.Password(); hasPassword {
		return Location{}, refused("The repository URL holds credentials.").WithRemedy(
			"Take them out of the URL and give them as credentials of the fabric; fgd sync reads them from " +
				"HEDGEHOG_FGD_GIT_TOKEN, " +
				"or HEDGEHOG_FGD_GIT_USERNAME and HEDGEHOG_FGD_GIT_PASSWORD, or --credentials-file.")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return Location{}, refused("The repository URL has a query or a fragment.")
	}
	switch strings.ToLower(u.Scheme) {
	case "https":
		return httpLocation(u)
	case "http":
		if !p.AllowHTTP {
			return Location{}, refused("The repository URL uses http, which sends credentials in clear.").
				WithRemedy("Use the https URL, or set allow_http (--allow-http).")
		}
		return httpLocation(u)
	case "file":
		return p.local(u)
	case "ssh":
		return p.ssh(u.User.Username(), u.Hostname(), u.Port(), u.Path)
	default:
		return Location{}, refused("The repository URL's scheme %q is not supported.", u.Scheme)
	}
}

func refused(format string, args ...any) *errs.Error {
	return errs.New(errs.RemoteRefused, format, args...)
}

// httpLocation returns a location with one key for all spellings of one repository: case of the host, default port,
// spellings of an address, slashes and ".git".
func httpLocation(u *url.URL) (Location, error) {
	if u.Hostname() == "" {
		return Location{}, refused("The repository URL names no host.")
	}
	server, ok := remotehost.New(u.Scheme, u.Hostname(), u.Port())
	if !ok {
		return Location{}, refused("The repository URL has a host or a port that can't be one.")
	}
	clean := strings.TrimSuffix(path.Clean("/"+u.Path), "/")
	spoken := (&url.URL{Scheme: server.Scheme, Host: server.String(), Path: clean}).String()
	if u.User != nil {
		return Location{}, named(spoken)
	}
	return Location{Key: key(server, clean), URL: spoken, Server: server, Host: server.String()}, nil
}

// named refuses a URL as Azure DevOps and Bitbucket show it, with a name before the host. The name may be a token, and
// what a fabric has of its repository is shown: it is not quoted.
func named(without string) *errs.Error {
	return refused("The repository URL holds the name of an account before the host.").WithRemedy(
		"Use %s, without the name. If the host wants it, give it as the username of the credentials, with a password or "+
			"a token as the password.", clip(without))
}

// key has no scheme: a repository is the same over HTTPS and over SSH. Another port is another server.
func key(server remotehost.Host, cleanPath string) string {
	return server.Identity() + strings.TrimSuffix(cleanPath, ".git")
}

func (p Policy) local(u *url.URL) (Location, error) {
	if u.Host != "" && u.Host != "localhost" {
		return Location{}, refused("A file URL names a repository on this machine: file:///path.")
	}
	if len(p.LocalPaths) == 0 { // whoever asks does not even learn what there is
		return Location{}, localRefused()
	}
	clean := filepath.Clean(u.Path)
	resolved, err := filepath.EvalSymlinks(clean)
	if err != nil || !filepath.IsAbs(clean) {
		return Location{}, errs.New(errs.GitHubNotFound, "There is no repository at %s.", clean)
	}
	for _, allowed := range p.LocalPaths {
		if root, err := filepath.EvalSymlinks(allowed); err == nil && within(resolved, root) {
			return Location{Key: "file://" + resolved, Host: "local", Path: resolved}, nil
		}
	}
	return Location{}, localRefused()
}

func localRefused() *errs.Error {
	return refused("Repositories on this machine are not permitted here.").
		WithRemedy("List the folder in allowed_local_paths, or use an https or ssh URL.")
}

func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}

func clip(s string) string {
	const longest = 200
	return clipTo(s, longest)
}

func clipTo(s string, longest int) string {
	if len(s) > longest {
		return strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return s
}

// userInfo finds credentials in a URL within a text.
var userInfo = regexp.MustCompile(`://[^/\s@]*@`)
