package bridge

import (
	"net/netip"
	"regexp"
	"time"

	"fgdsync.dev/libs/config"
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
}

// DefaultConfig is the configuration that serves most.
func DefaultConfig() Config {
	return Config{
		MaxRequestBytes: 1 << 20, RequestTimeout: time.Minute, MaxRequestsPerClient: 256, PublicHosts: []string{},
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
	}
	for _, host := range c.PublicHosts {
		if !isHost(host) {
			return config.Invalid("public_hosts", host, "names and IP addresses, each without a scheme, a port or a path")
		}
	}
	return nil
}

// isHost reports whether a text is a name or an address as a Host header has it, without a port.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	matched, err := regexp.MatchString(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$`, text)
	return err == nil && matched
}
