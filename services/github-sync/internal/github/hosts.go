package github

import (
	"net/url"
	"regexp"
	"strings"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/remote"
)

// Hosts are the hosts that are GitHub, each with the URL of its API.
type Hosts map[string]string

// ParseHosts reads entries of the form HOST=API_URL.
func ParseHosts(entries []string, allowHTTP bool) (Hosts, error) {
	hosts := Hosts{}
	for _, entry := range entries {
		host, api, _ := strings.Cut(entry, "=")
		if host == "" || strings.ContainsAny(host, "/@") || !usable(api, allowHTTP) {
			return nil, config.Invalid("github_hosts", entry,
				"HOST=https://API_URL, for example github.com=https://api.github.com")
		}
		hosts[strings.ToLower(host)] = strings.TrimSuffix(api, "/") + "/"
	}
	return hosts, nil
}

func usable(api string, allowHTTP bool) bool {
	u, err := url.Parse(api)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || allowHTTP && u.Scheme == "http"
}

// name is one of an owner or a repository. It becomes a part of a path of the API as it stands: another one could lead
// to another path, with the login of the repository.
var name = regexp.MustCompile(`^[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*$`)

// repository is where GitHub has a repository.
type repository struct{ host, api, owner, name string }

// find returns a repository, and whether it is on GitHub. Its API is that of the server which the location names,
// whatever it is reached by.
func (h Hosts) find(location remote.Location) (repository, bool) {
	host := location.Server.String()
	path, found := strings.CutPrefix(location.Key, location.Server.Identity()+"/")
	owner, repo, _ := strings.Cut(path, "/")
	if location.Local() || !found || !name.MatchString(owner) || !name.MatchString(repo) {
		return repository{}, false
	}
	api, known := h[host]
	return repository{host, api, owner, repo}, known
}

func (h Hosts) repository(location remote.Location) (repository, error) {
	r, known := h.find(location)
	if !known {
		return r, errs.New(errs.GitHubRequired, "The repository at %s is not known to be on GitHub, which this needs.",
			location.Host)
	}
	return r, nil
}

// page returns the URL of the first page of the repository.
func (r repository) page(location remote.Location) string {
	scheme := "https"
	if location.Server.Scheme == "http" {
		scheme = "http"
	}
	return scheme + "://" + r.host + "/" + r.owner + "/" + r.name
}
