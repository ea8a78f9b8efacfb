package orchestrator

import (
	"fmt"
	"slices"
	"time"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
)

// What a Redis that is not fit does.
const (
	checksRefuse = "refuse"
	checksWarn   = "warn"
	checksOff    = "off"
)

// Config is what can be set of the orchestrator.
type Config struct {
	// RedisURL is where Redis is: redis://, rediss:// or unix://; with master_name= a Sentinel, with addr= a Cluster.
	RedisURL string `koanf:"redis_url"`
	// SyncConcurrency is the number of syncs that run at the same time.
	SyncConcurrency int `koanf:"sync_concurrency"`
	// MaxActiveSyncs is the number of syncs that run or wait for a worker before more are refused, in the whole system.
	MaxActiveSyncs int `koanf:"max_active_syncs"`
	// SyncTimeout bounds one sync, all attempts together.
	SyncTimeout time.Duration `koanf:"sync_timeout"`
	// StageTimeout bounds one stage of one attempt.
	StageTimeout time.Duration `koanf:"stage_timeout"`
	// SyncAttempts is the number of attempts before a transient error becomes final.
	SyncAttempts int `koanf:"sync_attempts"`
	// RetryInitial is the wait before the second attempt; it grows by the factor 2.
	RetryInitial time.Duration `koanf:"retry_initial"`
	// RetryMax bounds the wait between two attempts.
	RetryMax time.Duration `koanf:"retry_max"`
	// MassDeletePercent is the part of a fabric's resources that a sync may take away without being forced.
	MassDeletePercent int `koanf:"mass_delete_percent"`
	// MassDeleteMinimum is the number of resources that a sync may always take away.
	MassDeleteMinimum int `koanf:"mass_delete_minimum"`
	// LockLease is the lease of the lock on a fabric.
	LockLease time.Duration `koanf:"lock_lease"`
	// HistoryRetention is how long ended syncs can be looked up.
	HistoryRetention time.Duration `koanf:"history_retention"`
	// RedisChecks is what a Redis does that is not fit: refuse (the start), warn, or off.
	RedisChecks string `koanf:"redis_checks"`
	// LedgerFile is the small file of what has to outlive Redis; each orchestrator has its own.
	LedgerFile string `koanf:"ledger_file"`
	// MaxFileBytes bounds the files whose content is listed.
	MaxFileBytes int64 `koanf:"max_file_bytes"`
}

// DefaultConfig returns the contract's defaults.
func DefaultConfig() Config {
	return Config{
		RedisURL:        redisconn.DefaultConfig().RedisURL,
		SyncConcurrency: 64, MaxActiveSyncs: 10_000, SyncTimeout: 300 * time.Second, StageTimeout: 120 * time.Second,
		SyncAttempts: 3, RetryInitial: time.Second, RetryMax: time.Minute,
		MassDeletePercent: 20, MassDeleteMinimum: 10,
		LockLease: 30 * time.Second, HistoryRetention: 30 * 24 * time.Hour, RedisChecks: checksRefuse,
		LedgerFile:   "fgd-data/ledger.db",
		MaxFileBytes: 10 << 20,
	}
}

// Validate names the first key whose value is not allowed.
func (c *Config) Validate() error {
	for _, rule := range []struct {
		key     string
		value   any
		holds   bool
		allowed string
	}{
		{
			"sync_concurrency", c.SyncConcurrency, c.SyncConcurrency >= minConcurrency,
			"16 or more: every shard's reader holds a place",
		},
		{"max_active_syncs", c.MaxActiveSyncs, c.MaxActiveSyncs >= events.Shards, "8 or more, one a shard"},
		{"sync_timeout", c.SyncTimeout, c.SyncTimeout >= time.Second, "1s or more"},
		{"stage_timeout", c.StageTimeout, c.StageTimeout >= time.Second, "1s or more"},
		{"sync_attempts", c.SyncAttempts, c.SyncAttempts >= 1, "1 or more"},
		{
			"retry_initial", c.RetryInitial, c.RetryInitial > 0 && c.RetryInitial <= c.RetryMax,
			"more than 0 and at most retry_max",
		},
		{"mass_delete_percent", c.MassDeletePercent, c.MassDeletePercent >= 0 && c.MassDeletePercent <= 100, "0 to 100"},
		{"mass_delete_minimum", c.MassDeleteMinimum, c.MassDeleteMinimum >= 0, "0 or more"},
		{"lock_lease", c.LockLease, c.LockLease >= 3*time.Second, "3s or more"},
		{"history_retention", c.HistoryRetention, c.HistoryRetention >= time.Minute, "1m or more"},
		{
			"redis_checks", c.RedisChecks, slices.Contains([]string{checksRefuse, checksWarn, checksOff}, c.RedisChecks),
			"refuse, warn or off",
		},
		{"ledger_file", fmt.Sprintf("%q", c.LedgerFile), c.LedgerFile != "", "a file"},
		{"max_file_bytes", c.MaxFileBytes, c.MaxFileBytes >= 1, "1 or more"},
	} {
		if !rule.holds {
			return config.Invalid(rule.key, rule.value, rule.allowed)
		}
	}
	return nil
}

// claimIdle returns how long a worker is silent before its syncs are taken over. Its locks have ended by then.
func (c *Config) claimIdle() time.Duration { return c.LockLease * 3 / 2 }
