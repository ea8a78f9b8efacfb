package githubsync

import (
	"errors"
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
	DataDir string `koanf:"data_dir" needs:"a folder" reads:"made"`
	// StoreMaxBytes bounds what one process keeps of all repositories together.
	StoreMaxBytes int64 `koanf:"store_max_bytes" allowed:"max_pack_bytes or more"`
	// StoreMaxAge is how long a repository is kept that nobody uses.
	StoreMaxAge time.Duration `koanf:"store_max_age" min:"1m"`
	// CredentialsKeyFile holds the keys of credentials, of which the first seals and all open; it is made when it does not
	// exist. Empty: a key in memory, with a warning. A key in the variable HEDGEHOG_FGD_CREDENTIALS_KEY counts more.
	CredentialsKeyFile string `koanf:"credentials_key_file" reads:"made"`
	// CredentialsDir is the folder of credentials that are referred to as "file:NAME". The hosts that they may be used for
	// stand in NAME.hosts beside them.
	CredentialsDir string `koanf:"credentials_dir" reads:"folder"`
	// SigningKeyFile is the private key that signs commits, of SSH or OpenPGP. Empty: they are not signed.
	SigningKeyFile string `koanf:"signing_key_file" reads:"file"`
	// CommitAuthor is who commits say has written them: "requester", "committer", or NAME <ADDRESS>.
	CommitAuthor string `koanf:"commit_author" allowed:"requester, committer, or NAME <ADDRESS>"`
	// CommitCommitter is who they say has made them, NAME <ADDRESS>: hosts look for a signature's key at this address.
	CommitCommitter string `koanf:"commit_committer" allowed:"NAME <ADDRESS>"`
	// CommitEmails are the addresses of requesters who are known by name only, as REQUESTER=ADDRESS.
	CommitEmails []string `koanf:"commit_emails" allowed:"REQUESTER=ADDRESS, several with commas between"`
	// AllowHTTP permits http, over which credentials and contents go in clear.
	AllowHTTP bool `koanf:"allow_http"`
	// AllowedPrivateNetworks are those whose Git hosts may be spoken to, as 10.0.0.0/8; of others only public addresses
	// are. This machine is among them when 127.0.0.0/8 or ::1/128 is listed.
	AllowedPrivateNetworks []string `koanf:"allowed_private_networks" allowed:"networks, as 10.0.0.0/8"`
	// SSHKnownHostsFile holds the keys of the hosts that may be spoken to over SSH. Empty: none may.
	SSHKnownHostsFile string `koanf:"ssh_known_hosts_file" reads:"file"`
	// RemotesCAFile holds certificates of authorities that are trusted besides those of the system.
	RemotesCAFile string `koanf:"remotes_ca_file" reads:"file"`
	// RemotesProxyURL is the proxy that HTTPS remotes are reached through; it may hold a password.
	RemotesProxyURL secret.String `koanf:"remotes_proxy_url" allowed:"a http:// or https:// URL"`
	// AllowedLocalPaths are folders whose repositories may be synced as file://.
	AllowedLocalPaths []string `koanf:"allowed_local_paths" reads:"folder"`
	// GitHubHosts are the hosts that are GitHub, each with the URL of its API: HOST=API_URL.
	GitHubHosts []string `koanf:"github_hosts" allowed:"HOST=API_URL, several with commas between"`
	// MaxFileBytes bounds a file that is read.
	MaxFileBytes int64 `koanf:"max_file_bytes" min:"1" max:"67108864"`
	// MaxPackBytes bounds what a remote may send in one answer.
	MaxPackBytes int64 `koanf:"max_pack_bytes" allowed:"max_file_bytes or more"`
	// MaxPackObjects bounds how many objects that may be.
	MaxPackObjects int `koanf:"max_pack_objects" min:"1" max:"2147483647"`
	// SnapshotIdle is how long a snapshot is held that nobody uses.
	SnapshotIdle time.Duration `koanf:"snapshot_idle" min:"1s"`
	// BreakerFailures is after how many failures in a row a Git host is left alone.
	BreakerFailures int `koanf:"breaker_failures" min:"1"`
	// BreakerPause is for how long.
	BreakerPause time.Duration `koanf:"breaker_pause" min:"1s"`
	// HostConcurrency is the number of requests to one Git host at the same time; the others wait.
	HostConcurrency int `koanf:"host_concurrency" min:"1"`
	// RepositoryConcurrency is the number of them to one repository.
	RepositoryConcurrency int `koanf:"repository_concurrency" min:"1" allowed:"1 to host_concurrency"`
	// PushLimits are hosts and how many pushes they want to get for one repository within a minute, as HOST=PUSHES.
	PushLimits []string `koanf:"push_limits" allowed:"HOST=PUSHES, with 1 push a minute or more"`
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

// Validate returns the errors of the keys whose values are not allowed.
func (c *Config) Validate() error {
	_, hosts := github.ParseHosts(c.GitHubHosts, true) // whether http is permitted may be said by a flag, later
	_, limits := c.pushLimits()
	_, networks := reach.ParseNetworks(c.AllowedPrivateNetworks)
	_, identity := c.identity()
	return errors.Join(config.CheckTags(c), c.contradictions(), hosts, limits, networks, identity)
}

// contradictions returns the errors of keys that do not go with others.
func (c *Config) contradictions() (err error) {
	if c.MaxPackBytes < c.MaxFileBytes {
		err = errors.Join(err, config.Invalid("max_pack_bytes", c.MaxPackBytes, "max_file_bytes or more"))
	}
	if c.StoreMaxBytes < c.MaxPackBytes {
		err = errors.Join(err, config.Invalid("store_max_bytes", c.StoreMaxBytes, "max_pack_bytes or more"))
	}
	if c.RepositoryConcurrency > c.HostConcurrency {
		err = errors.Join(err, config.Invalid("repository_concurrency", c.RepositoryConcurrency, "1 to host_concurrency"))
	}
	return err
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
