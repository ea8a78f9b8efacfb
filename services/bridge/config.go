package bridge

import (
	"time"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/issuer"
	"fgdsync.dev/services/bridge/internal/netboxdial"
	"fgdsync.dev/services/bridge/internal/webhook"
)

// Config is what can be set of the bridge.
type Config struct {
	// MaxRequestBytes bounds the body of an HTTP request, also when it has been inflated; a larger one gets 413.
	MaxRequestBytes int64 `koanf:"max_request_bytes"`
	// RequestTimeout bounds an HTTP request; streams of live progress have no such bound.
	RequestTimeout time.Duration `koanf:"request_timeout"`
	// MaxRequestsPerClient bounds the HTTP requests of one client address that are at work at the same time; one more
	// gets 429. Streams of live progress are not counted.
	MaxRequestsPerClient int `koanf:"max_requests_per_client"`
	// PublicHosts are the names and addresses, without ports, by which the API may be called beside those of loopback.
	PublicHosts []string `koanf:"public_hosts"`
	// TokenPepperFile holds the keys of the digests of tokens, of which the first counts for new ones; it is made when it
	// does not exist. All replicas have the same.
	TokenPepperFile string `koanf:"token_pepper_file"`
	// BootstrapTokenFile is where the first token of an installation goes, which may do everything.
	BootstrapTokenFile string `koanf:"bootstrap_token_file"`
	// Unauthenticated asks nobody for a token: whoever reaches the bridge may do everything.
	Unauthenticated bool `koanf:"allow_unauthenticated"`
	// OIDC is the issuer whose JWTs are taken too.
	OIDC issuer.Config `koanf:",squash"`
	// AuditFile is where it is written down who changes what, and who is refused. It is this bridge's alone. Without one
	// nothing is written down.
	AuditFile string `koanf:"audit_file"`
	// AuditKeyFile holds the key that signs checkpoints of the audit; it is made when it does not exist.
	AuditKeyFile string `koanf:"audit_key_file"`
	// AuditRotateBytes is at which size of the audit's file another one is begun.
	AuditRotateBytes int64 `koanf:"audit_rotate_bytes"`
	// RedisURL is where Redis is, which keeps what is known of records in NetBox. It is not asked where no fabric is
	// linked to one.
	RedisURL string `koanf:"redis_url"`
	// LockLease is the lease of the lock on a NetBox: so long nobody delivers there after a bridge that did has died.
	LockLease time.Duration `koanf:"lock_lease"`
	// OutboxFile keeps what this bridge has delivered to NetBox, for the day on which Redis has lost it.
	OutboxFile string `koanf:"outbox_file"`
	// OpenMetrics serves /metrics to everybody.
	OpenMetrics bool `koanf:"open_metrics"`
	// CallerRequestsPerSecond bounds the calls of one caller, over JSON and gRPC together; twice as many may come at once.
	CallerRequestsPerSecond int `koanf:"caller_requests_per_second"`
	// CallerTriggersPerMinute bounds the calls of one caller that start syncs; as many may come at once.
	CallerTriggersPerMinute int `koanf:"caller_triggers_per_minute"`
	// CallerListeners bounds the streams of one caller that are open at the same time.
	CallerListeners int `koanf:"caller_listeners"`
	// GithubWebhookSecret, GitlabWebhookSecret and GiteaWebhookSecret are those that Git hosts sign deliveries with, for
	// all repositories: one, or two while one replaces the other.
	GithubWebhookSecret []secret.String `koanf:"github_webhook_secret"`
	GitlabWebhookSecret []secret.String `koanf:"gitlab_webhook_secret"`
	GiteaWebhookSecret  []secret.String `koanf:"gitea_webhook_secret"`
	// NetboxWebhookSecret is what NetBox signs its webhooks with: one, or two while one replaces the other.
	NetboxWebhookSecret []secret.String `koanf:"netbox_webhook_secret"`
	// WebhookKeyFile holds the keys of the secrets of single repositories, of which the first counts for new ones; it is
	// made when it is first needed. All replicas have the same. Without it there are none.
	WebhookKeyFile string `koanf:"webhook_key_file"`
	// NetBox is what NetBoxes are connected with.
	NetBox netboxdial.Config `koanf:",squash"`
}

// DefaultConfig is the configuration that serves most.
func DefaultConfig() Config {
	return Config{ //nolint:gosec // names of files are no credentials
		MaxRequestBytes: 1 << 20, RequestTimeout: time.Minute, MaxRequestsPerClient: 256, PublicHosts: []string{},
		TokenPepperFile: "fgd-data/token.peppers", BootstrapTokenFile: "fgd-data/bootstrap.token", OpenMetrics: true,
		CallerRequestsPerSecond: 100, CallerTriggersPerMinute: 600, CallerListeners: 1000,
		WebhookKeyFile: "fgd-data/webhook.keys", OIDC: issuer.DefaultConfig(),
		RedisURL: redisconn.DefaultConfig().RedisURL, OutboxFile: "fgd-data/outbox.db",
		LockLease: 30 * time.Second,
		AuditFile: "fgd-data/audit/audit.jsonl", AuditKeyFile: "fgd-data/audit/audit.key", AuditRotateBytes: 64 << 20,
	}
}

// Validate names the first key whose value is not allowed.
func (c *Config) Validate() error {
	switch {
	case c.MaxRequestBytes < 1024:
		return config.Invalid("max_request_bytes", c.MaxRequestBytes, "1024 or more")
	case c.RequestTimeout < time.Second:
		return config.Invalid("request_timeout", c.RequestTimeout, "1s or more")
	case c.MaxRequestsPerClient < 1:
		return config.Invalid("max_requests_per_client", c.MaxRequestsPerClient, "1 or more")
	case c.CallerRequestsPerSecond < 1:
		return config.Invalid("caller_requests_per_second", c.CallerRequestsPerSecond, "1 or more")
	case c.CallerTriggersPerMinute < 1:
		return config.Invalid("caller_triggers_per_minute", c.CallerTriggersPerMinute, "1 or more")
	case c.CallerListeners < 1:
		return config.Invalid("caller_listeners", c.CallerListeners, "1 or more")
	case c.AuditFile != "" && c.AuditKeyFile == "":
		return config.Invalid("audit_key_file", `""`, "the name of a file, beside audit_file")
	case c.LockLease < 3*time.Second:
		return config.Invalid("lock_lease", c.LockLease, "3s or more")
	case c.OutboxFile == "":
		return config.Invalid("outbox_file", `""`, "the name of a file")
	case c.AuditRotateBytes < 1024:
		return config.Invalid("audit_rotate_bytes", c.AuditRotateBytes, "1024 or more")
	}
	if err := c.checkSecrets(); err != nil {
		return err
	}
	if err := c.OIDC.Validate(); err != nil {
		return err
	}
	if err := c.NetBox.Validate(); err != nil {
		return err
	}
	return hosts.Check(c.PublicHosts)
}

// webhookSecrets are those that count for all repositories of a kind of host.
func (c *Config) webhookSecrets() map[webhook.Host][]secret.String {
	return map[webhook.Host][]secret.String{
		webhook.GitHub: c.GithubWebhookSecret, webhook.GitLab: c.GitlabWebhookSecret, webhook.Gitea: c.GiteaWebhookSecret,
	}
}

func (c *Config) checkSecrets() error {
	secrets := c.webhookSecrets()
	for _, host := range webhook.Hosts() {
		if err := webhook.CheckSecrets(string(host)+"_webhook_secret", secrets[host]); err != nil {
			return err
		}
	}
	return webhook.CheckSecrets("netbox_webhook_secret", c.NetboxWebhookSecret)
}
