package bridge

import (
	"time"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/hosts"
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
	// RequireTokens asks everybody for a token. Without it whoever reaches the bridge may do everything.
	RequireTokens bool `koanf:"require_tokens"`
	// AuditFile is where it is written down who changes what, and who is refused. It is this bridge's alone. Without one
	// nothing is written down.
	AuditFile string `koanf:"audit_file"`
	// AuditKeyFile holds the key that signs checkpoints of the audit; it is made when it does not exist.
	AuditKeyFile string `koanf:"audit_key_file"`
	// AuditRotateBytes is at which size of the audit's file another one is begun.
	AuditRotateBytes int64 `koanf:"audit_rotate_bytes"`
	// OpenMetrics serves /metrics to everybody.
	OpenMetrics bool `koanf:"open_metrics"`
}

// DefaultConfig is the configuration that serves most.
func DefaultConfig() Config {
	return Config{ //nolint:gosec // names of files are no credentials
		MaxRequestBytes: 1 << 20, RequestTimeout: time.Minute, MaxRequestsPerClient: 256, PublicHosts: []string{},
		TokenPepperFile: "fgd-data/token.peppers", BootstrapTokenFile: "fgd-data/bootstrap.token", OpenMetrics: true,
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
	case c.AuditFile != "" && c.AuditKeyFile == "":
		return config.Invalid("audit_key_file", `""`, "the name of a file, beside audit_file")
	case c.AuditRotateBytes < 1024:
		return config.Invalid("audit_rotate_bytes", c.AuditRotateBytes, "1024 or more")
	}
	return hosts.Check(c.PublicHosts)
}
