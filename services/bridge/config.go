package bridge

import (
	"time"

	"fgdsync.dev/libs/config"
)

// Config is what can be set of the bridge.
type Config struct {
	// MaxRequestBytes bounds the body of an HTTP request; a larger one gets 413.
	MaxRequestBytes int64 `koanf:"max_request_bytes"`
	// RequestTimeout bounds an HTTP request; streams of live progress have no such bound.
	RequestTimeout time.Duration `koanf:"request_timeout"`
}

// DefaultConfig is the configuration that serves most.
func DefaultConfig() Config {
	return Config{MaxRequestBytes: 1 << 20, RequestTimeout: time.Minute}
}

// Validate names the first key whose value is not allowed.
func (c *Config) Validate() error {
	switch {
	case c.MaxRequestBytes < 1024:
		return config.Invalid("max_request_bytes", c.MaxRequestBytes, "1024 or more")
	case c.RequestTimeout < time.Second:
		return config.Invalid("request_timeout", c.RequestTimeout, "1s or more")
	}
	return nil
}
