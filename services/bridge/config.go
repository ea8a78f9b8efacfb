package bridge

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/console"
	"fgdsync.dev/services/bridge/internal/issuer"
	"fgdsync.dev/services/bridge/internal/netboxdial"
	"fgdsync.dev/services/bridge/internal/webhook"
)

// Config is what can be set of the bridge.
type Config struct {
	// MaxRequestBytes bounds the body of an HTTP request, also when it has been inflated; a larger one gets 413.
	MaxRequestBytes int64 `koanf:"max_request_bytes" min:"1024"`
	// RequestTimeout bounds an HTTP request; streams of live progress have no such bound.
	RequestTimeout time.Duration `koanf:"request_timeout" min:"1s"`
	// MaxRequestsPerClient bounds the HTTP requests of one client address that are at work at the same time; one more
	// gets 429. Streams of live progress are not counted.
	MaxRequestsPerClient int `koanf:"max_requests_per_client" min:"1"`
	// PublicHosts are the names and addresses, without ports, by which the API may be called beside those of loopback.
	PublicHosts []string `koanf:"public_hosts" allowed:"names and IP addresses, each without a scheme, a port or a path"`
	// ConsoleTraceURL is where the console leads to the trace of a sync; empty for nowhere.
	ConsoleTraceURL string `koanf:"console_trace_url" allowed:"an http or https URL with {trace_id} in it"`
	// TokenPepperFile holds the keys of the digests of tokens, of which the first counts for new ones; it is made when it
	// does not exist. All replicas have the same.
	TokenPepperFile string `koanf:"token_pepper_file" reads:"made"`
	// BootstrapTokenFile is where the first token of an installation goes, which may do everything.
	BootstrapTokenFile string `koanf:"bootstrap_token_file" reads:"made"`
	// Unauthenticated asks nobody for a token: whoever reaches the bridge may do everything.
	Unauthenticated bool `koanf:"allow_unauthenticated"`
	// OIDC is the issuer whose JWTs are taken too.
	OIDC issuer.Config `koanf:",squash"`
	// AuditFile is where it is written down who changes what, and who is refused. It is this bridge's alone. Without one
	// nothing is written down.
	AuditFile string `koanf:"audit_file" reads:"made"`
	// AuditKeyFile holds the key that signs checkpoints of the audit; it is made when it does not exist.
	AuditKeyFile string `koanf:"audit_key_file" reads:"made"`
	// AuditRotateBytes is at which size of the audit's file another one is begun.
	AuditRotateBytes int64 `koanf:"audit_rotate_bytes" min:"1024"`
	// RedisURL is where Redis is, which keeps what is known of records in NetBox. Where no fabric is
	// linked to one and nobody is told by notifications, events that were kept for those are let go of there, no more.
	RedisURL string `koanf:"redis_url" secret:"yes" allowed:"a redis://, rediss:// or unix:// URL"`
	// LockLease is the lease of the lock on a NetBox: so long nobody delivers there after a bridge that did has died.
	LockLease time.Duration `koanf:"lock_lease" min:"3s"`
	// OutboxFile keeps what this bridge has delivered to NetBox, for the day on which Redis has lost it.
	OutboxFile string `koanf:"outbox_file" needs:"the name of a file" reads:"made"`
	// OpenMetrics serves /metrics to everybody.
	OpenMetrics bool `koanf:"open_metrics"`
	// CallerRequestsPerSecond bounds the calls of one caller, over JSON and gRPC together; twice as many may come at once.
	CallerRequestsPerSecond int `koanf:"caller_requests_per_second" min:"1" reload:"yes"`
	// CallerTriggersPerMinute bounds the calls of one caller that start syncs; as many may come at once.
	CallerTriggersPerMinute int `koanf:"caller_triggers_per_minute" min:"1" reload:"yes"`
	// CallerListeners bounds the streams of one caller that are open at the same time.
	CallerListeners int `koanf:"caller_listeners" min:"1" reload:"yes"`
	// GithubWebhookSecret, GitlabWebhookSecret and GiteaWebhookSecret are those that Git hosts sign deliveries with, for
	// all repositories: one, or two while one replaces the other.
	GithubWebhookSecret []secret.String `koanf:"github_webhook_secret" allowed:"one or two, of 16 characters or more" reload:"yes"`
	GitlabWebhookSecret []secret.String `koanf:"gitlab_webhook_secret" allowed:"one or two, of 16 characters or more" reload:"yes"`
	GiteaWebhookSecret  []secret.String `koanf:"gitea_webhook_secret" allowed:"one or two, of 16 characters or more" reload:"yes"`
	// NetboxWebhookSecret is what NetBox signs its webhooks with: one, or two while one replaces the other.
	NetboxWebhookSecret []secret.String `koanf:"netbox_webhook_secret" allowed:"one or two, of 16 characters or more" reload:"yes"`
	// WebhookKeyFile holds the keys of the secrets of single repositories, of which the first counts for new ones; it is
	// made when it is first needed. All replicas have the same. Without it there are none.
	WebhookKeyFile string `koanf:"webhook_key_file" reads:"made"`
	// NotificationsFile names the targets that are told what is the matter with fabrics.
	NotificationsFile string `koanf:"notifications_file" reads:"file"`
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

// Validate returns the errors of the keys whose values are not allowed.
func (c *Config) Validate() error {
	err := errors.Join(config.CheckTags(c), c.checkSecrets(), c.OIDC.Validate(), c.NetBox.Validate(),
		hosts.Check(c.PublicHosts), c.checkTraceURL())
	if c.AuditFile != "" && c.AuditKeyFile == "" {
		err = errors.Join(err, config.Invalid("audit_key_file", `""`, "the name of a file, beside audit_file"))
	}
	return err
}

// limits are what one caller may ask for.
func (c *Config) limits() access.Limits {
	return access.Limits{
		RequestsPerSecond: c.CallerRequestsPerSecond, TriggersPerMinute: c.CallerTriggersPerMinute,
		Listeners: c.CallerListeners,
	}
}

// webhookSecrets are those that count for all repositories of a kind of host.
func (c *Config) webhookSecrets() map[webhook.Host][]secret.String {
	return map[webhook.Host][]secret.String{
		webhook.GitHub: c.GithubWebhookSecret, webhook.GitLab: c.GitlabWebhookSecret, webhook.Gitea: c.GiteaWebhookSecret,
	}
}

// checkTraceURL holds that what leads to traces leads to one.
func (c *Config) checkTraceURL() error {
	if c.ConsoleTraceURL == "" {
		return nil
	}
	at, err := url.Parse(c.ConsoleTraceURL)
	if err == nil && (at.Scheme == "https" || at.Scheme == "http") && at.Host != "" &&
		strings.Contains(c.ConsoleTraceURL, console.TraceID) {
		return nil
	}
	return config.Invalid("console_trace_url", strconv.Quote(c.ConsoleTraceURL),
		"an http or https URL with {trace_id} in it")
}

func (c *Config) checkSecrets() error {
	secrets := c.webhookSecrets()
	err := webhook.CheckSecrets("netbox_webhook_secret", c.NetboxWebhookSecret)
	for _, host := range webhook.Hosts() {
		err = errors.Join(err, webhook.CheckSecrets(string(host)+"_webhook_secret", secrets[host]))
	}
	return err
}
