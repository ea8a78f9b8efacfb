package githubsync

import (
	"errors"
	"math"
	"time"

	"go.opentelemetry.io/otel/trace"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/reach"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/publish"
	"fgdsync.dev/services/github-sync/internal/remote"
)

// Config is what can be set of github-sync.
type Config struct {
	// DataDir is the folder in which bare repositories are kept; a cache. Processes may share it.
	DataDir string `koanf:"data_dir"`
	// StoreMaxBytes bounds what one process keeps of all repositories together.
	StoreMaxBytes int64 `koanf:"store_max_bytes"`
	// StoreMaxAge is how long a repository is kept that nobody uses.
	StoreMaxAge time.Duration `koanf:"store_max_age"`
	// CredentialsKeyFile holds the keys of credentials, of which the first seals and all open; it is made when it does not
	// exist. Empty: a key in memory, with a warning. A key in the variable HEDGEHOG_FGD_CREDENTIALS_KEY counts more.
	CredentialsKeyFile string `koanf:"credentials_key_file"`
	// CredentialsDir is the folder of credentials that are referred to as "file:NAME". The hosts that they may be used for
	// stand in NAME.hosts beside them.
	CredentialsDir string `koanf:"credentials_dir"`
	// SigningKeyFile is the private key that signs commits, of SSH or OpenPGP. Empty: they are not signed.
	SigningKeyFile string `koanf:"signing_key_file"`
	// CommitAuthor is who commits say has written them: "requester", "committer", or NAME <ADDRESS>.
	CommitAuthor string `koanf:"commit_author"`
	// CommitCommitter is who they say has made them, NAME <ADDRESS>: hosts look for a signature's key at this address.
	CommitCommitter string `koanf:"commit_committer"`
	// CommitEmails are the addresses of requesters who are known by name only, as REQUESTER=ADDRESS.
	CommitEmails []string `koanf:"commit_emails"`
	// AllowHTTP permits http, over which credentials and contents go in clear.
	AllowHTTP bool `koanf:"allow_http"`
	// AllowedPrivateNetworks are those whose Git hosts may be spoken to, as 10.0.0.0/8; of others only public addresses
	// are. This machine is among them when 127.0.0.0/8 or ::1/128 is listed.
	AllowedPrivateNetworks []string `koanf:"allowed_private_networks"`
	// SSHKnownHostsFile holds the keys of the hosts that may be spoken to over SSH. Empty: none may.
	SSHKnownHostsFile string `koanf:"ssh_known_hosts_file"`
	// RemotesCAFile holds certificates of authorities that are trusted besides those of the system.
	RemotesCAFile string `koanf:"remotes_ca_file"`
	// RemotesProxyURL is the proxy that HTTPS remotes are reached through; it may hold a password.
	RemotesProxyURL secret.String `koanf:"remotes_proxy_url"`
	// AllowedLocalPaths are folders whose repositories may be synced as file://.
	AllowedLocalPaths []string `koanf:"allowed_local_paths"`
	// GitHubHosts are the hosts that are GitHub, each with the URL of its API: HOST=API_URL.
	GitHubHosts []string `koanf:"github_hosts"`
	// MaxFileBytes bounds a file that is read.
	MaxFileBytes int64 `koanf:"max_file_bytes"`
	// MaxPackBytes bounds what a remote may send in one answer.
	MaxPackBytes int64 `koanf:"max_pack_bytes"`
	// MaxPackObjects bounds how many objects that may be.
	MaxPackObjects int `koanf:"max_pack_objects"`
	// SnapshotIdle is how long a snapshot is held that nobody uses.
	SnapshotIdle time.Duration `koanf:"snapshot_idle"`
	// BreakerFailures is after how many failures in a row a Git host is left alone.
	BreakerFailures int `koanf:"breaker_failures"`
	// BreakerPause is for how long.
	BreakerPause time.Duration `koanf:"breaker_pause"`
	// HostConcurrency is the number of requests to one Git host at the same time; the others wait.
	HostConcurrency int `koanf:"host_concurrency"`
	// RepositoryConcurrency is the number of them to one repository.
	RepositoryConcurrency int `koanf:"repository_concurrency"`
	// PushLimits are hosts and how many pushes they want to get for one repository within a minute, as HOST=PUSHES.
	PushLimits []string `koanf:"push_limits"`
}

// DefaultConfig is the contract's defaults.
func DefaultConfig() Config {
	return Config{ //nolint:gosec // paths, and no credentials
		DataDir: "fgd-data/git", CredentialsKeyFile: "fgd-data/credentials.key",
		StoreMaxBytes: 10 << 30, StoreMaxAge: 7 * 24 * time.Hour, MaxFileBytes: 10 << 20,
		MaxPackBytes: 256 << 20, MaxPackObjects: 1_000_000, SnapshotIdle: 10 * time.Minute,
		BreakerFailures: 5, BreakerPause: time.Minute, HostConcurrency: 32, RepositoryConcurrency: 8,
		CommitAuthor: publish.Requester, CommitCommitter: "FGD Sync <fgd-sync@fgd-sync.invalid>",
		GitHubHosts: []string{"github.com=https://api.github.com"},
		PushLimits:  []string{"github.com=6"}, // docs.github.com, "Repository limits"
	}
}

// Validate names the first key whose value is not allowed.
func (c *Config) Validate() error {
	switch {
	case c.DataDir == "":
		return config.Invalid("data_dir", `""`, "a folder")
	case c.MaxFileBytes < 1:
		return config.Invalid("max_file_bytes", c.MaxFileBytes, "1 or more")
	case c.MaxPackBytes < c.MaxFileBytes:
		return config.Invalid("max_pack_bytes", c.MaxPackBytes, "max_file_bytes or more")
	case c.MaxPackObjects < 1 || c.MaxPackObjects > math.MaxInt32:
		return config.Invalid("max_pack_objects", c.MaxPackObjects, "1 to 2147483647")
	case c.StoreMaxBytes < c.MaxPackBytes:
		return config.Invalid("store_max_bytes", c.StoreMaxBytes, "max_pack_bytes or more")
	case c.StoreMaxAge < time.Minute:
		return config.Invalid("store_max_age", c.StoreMaxAge, "1m or more")
	case c.SnapshotIdle < time.Second:
		return config.Invalid("snapshot_idle", c.SnapshotIdle, "1s or more")
	case c.BreakerFailures < 1:
		return config.Invalid("breaker_failures", c.BreakerFailures, "1 or more")
	case c.BreakerPause < time.Second:
		return config.Invalid("breaker_pause", c.BreakerPause, "1s or more")
	case c.HostConcurrency < 1:
		return config.Invalid("host_concurrency", c.HostConcurrency, "1 or more")
	case c.RepositoryConcurrency < 1 || c.RepositoryConcurrency > c.HostConcurrency:
		return config.Invalid("repository_concurrency", c.RepositoryConcurrency, "1 to host_concurrency")
	}
	_, hosts := github.ParseHosts(c.GitHubHosts, true) // whether http is permitted may be said by a flag, later
	_, limits := c.pushLimits()
	_, networks := reach.ParseNetworks(c.AllowedPrivateNetworks)
	_, identity := c.identity()
	return errors.Join(hosts, limits, networks, identity)
}

// remotes returns what Git hosts are spoken to with.
func (c *Config) remotes(m *metrics, tracers trace.TracerProvider) (remote.Options, error) {
	networks, err := reach.ParseNetworks(c.AllowedPrivateNetworks)
	return remote.Options{
		Policy: remote.Policy{
			AllowHTTP: c.AllowHTTP, Networks: networks, LocalPaths: c.AllowedLocalPaths, KnownHosts: c.SSHKnownHostsFile,
		},
		CAFile: c.RemotesCAFile, Proxy: c.RemotesProxyURL, MaxPackBytes: c.MaxPackBytes, MaxObjects: c.MaxPackObjects,
		Tracers:  tracers,
		Requests: m.requests,
		Breaker:  remote.BreakerOptions{Failures: c.BreakerFailures, Pause: c.BreakerPause, State: m.circuits},
		Limiter: remote.LimiterOptions{
			PerHost: c.HostConcurrency, PerRepository: c.RepositoryConcurrency, Waiting: m.waiting,
		},
	}, err
}

// identity returns what commits say of who has made them.
func (c *Config) identity() (publish.Identity, error) {
	out := publish.Identity{Author: c.CommitAuthor, Committer: c.CommitCommitter, Emails: map[string]string{}}
	if !publish.IsAuthor(c.CommitAuthor) {
		return out, config.Invalid("commit_author", c.CommitAuthor, "requester, committer, or NAME <ADDRESS>")
	}
	if _, err := publish.ParsePerson(c.CommitCommitter); err != nil {
		return out, config.Invalid("commit_committer", c.CommitCommitter, "NAME <ADDRESS>")
	}
	for _, text := range c.CommitEmails {
		requester, address, ok := publish.ParseEmail(text)
		if !ok {
			return out, config.Invalid("commit_emails", text, "REQUESTER=ADDRESS")
		}
		out.Emails[requester] = address
	}
	return out, nil
}

func (c *Config) pushLimits() ([]publish.Limit, error) {
	limits := make([]publish.Limit, len(c.PushLimits))
	for i, text := range c.PushLimits {
		var ok bool
		if limits[i], ok = publish.ParseLimit(text); !ok {
			return nil, config.Invalid("push_limits", text, "HOST=PUSHES, with 1 push a minute or more")
		}
	}
	return limits, nil
}
