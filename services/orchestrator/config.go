package orchestrator

import (
	"time"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/rediskey"
)

// What a Redis that is not fit does.
const (
	checksRefuse = "refuse"
	checksWarn   = "warn"
	checksOff    = "off"
)

// Config is what can be set of the orchestrator.
type Config struct {
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

// DefaultConfig is the contract's defaults.
func DefaultConfig() Config {
	return Config{
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
	switch {
	case c.SyncConcurrency < minConcurrency:
		return config.Invalid("sync_concurrency", c.SyncConcurrency, "16 or more: every shard's reader holds a place")
	case c.MaxActiveSyncs < rediskey.Shards:
		return config.Invalid("max_active_syncs", c.MaxActiveSyncs, "8 or more, one a shard")
	case c.SyncTimeout < time.Second:
		return config.Invalid("sync_timeout", c.SyncTimeout, "1s or more")
	case c.StageTimeout < time.Second:
		return config.Invalid("stage_timeout", c.StageTimeout, "1s or more")
	case c.SyncAttempts < 1:
		return config.Invalid("sync_attempts", c.SyncAttempts, "1 or more")
	case c.RetryInitial <= 0 || c.RetryMax < c.RetryInitial:
		return config.Invalid("retry_initial", c.RetryInitial, "more than 0 and at most retry_max")
	case c.MassDeletePercent < 0 || c.MassDeletePercent > 100:
		return config.Invalid("mass_delete_percent", c.MassDeletePercent, "0 to 100")
	case c.MassDeleteMinimum < 0:
		return config.Invalid("mass_delete_minimum", c.MassDeleteMinimum, "0 or more")
	case c.LockLease < 3*time.Second:
		return config.Invalid("lock_lease", c.LockLease, "3s or more")
	case c.HistoryRetention < time.Minute:
		return config.Invalid("history_retention", c.HistoryRetention, "1m or more")
	case c.RedisChecks != checksRefuse && c.RedisChecks != checksWarn && c.RedisChecks != checksOff:
		return config.Invalid("redis_checks", c.RedisChecks, "refuse, warn or off")
	case c.LedgerFile == "":
		return config.Invalid("ledger_file", `""`, "a file")
	case c.MaxFileBytes < 1:
		return config.Invalid("max_file_bytes", c.MaxFileBytes, "1 or more")
	}
	return nil
}
