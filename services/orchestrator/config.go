package orchestrator

import (
	"errors"
	"time"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/services/orchestrator/internal/workflow"
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
	RedisURL string `koanf:"redis_url" secret:"yes" allowed:"a redis://, rediss:// or unix:// URL"`
	// SyncConcurrency is the number of syncs that run at the same time, at least twice as many as there are shards.
	SyncConcurrency int `koanf:"sync_concurrency" min:"16" allowed:"16 or more: every shard's reader holds a place"`
	// MaxActiveSyncs is the number of syncs that run or wait for a worker before more are refused, in the whole system.
	MaxActiveSyncs int `koanf:"max_active_syncs" min:"8" allowed:"8 or more, one a shard" reload:"yes"`
	// SyncTimeout bounds one sync, all attempts together.
	SyncTimeout time.Duration `koanf:"sync_timeout" min:"1s"`
	// StageTimeout bounds one stage of one attempt.
	StageTimeout time.Duration `koanf:"stage_timeout" min:"1s" reload:"yes"`
	// SyncAttempts is the number of attempts before a transient error becomes final.
	SyncAttempts int `koanf:"sync_attempts" min:"1" reload:"yes"`
	// RetryInitial is the wait before the second attempt; it grows by the factor 2.
	RetryInitial time.Duration `koanf:"retry_initial" min:"1ns" allowed:"more than 0 and at most retry_max" reload:"yes"`
	// RetryMax bounds the wait between two attempts.
	RetryMax time.Duration `koanf:"retry_max" reload:"yes"`
	// MassDeletePercent is the part of a fabric's resources that a sync may take away without being forced.
	MassDeletePercent int `koanf:"mass_delete_percent" min:"0" max:"100" reload:"yes"`
	// MassDeleteMinimum is the number of resources that a sync may always take away.
	MassDeleteMinimum int `koanf:"mass_delete_minimum" min:"0" reload:"yes"`
	// LockLease is the lease of the lock on a fabric.
	LockLease time.Duration `koanf:"lock_lease" min:"3s"`
	// HistoryRetention is how long ended syncs can be looked up. None is open for as long as that.
	HistoryRetention time.Duration `koanf:"history_retention" min:"1m"`
	// RedisChecks is what a Redis does that is not fit: refuse (the start), warn, or off.
	RedisChecks string `koanf:"redis_checks" oneof:"refuse,warn,off"`
	// LedgerFile is the small file of what has to outlive Redis; each orchestrator has its own.
	LedgerFile string `koanf:"ledger_file" needs:"a file" reads:"made"`
	// MaxFileBytes bounds the files whose content is listed.
	MaxFileBytes int64 `koanf:"max_file_bytes" min:"1" max:"67108864"`
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

// Validate returns the errors of the keys whose values are not allowed.
func (c *Config) Validate() error {
	err := config.CheckTags(c)
	if c.RetryInitial > c.RetryMax {
		err = errors.Join(err, config.Invalid("retry_initial", c.RetryInitial, "more than 0 and at most retry_max"))
	}
	if c.HistoryRetention < c.SyncTimeout {
		err = errors.Join(err, config.Invalid("history_retention", c.HistoryRetention, "no less than sync_timeout"))
	}
	return err
}

// bounds are those of a sync.
func (c *Config) bounds() workflow.Config {
	return workflow.Config{
		Timeout: c.SyncTimeout, StageTimeout: c.StageTimeout, Attempts: c.SyncAttempts,
		RetryInitial: c.RetryInitial, RetryMax: c.RetryMax,
		MassDeletePercent: c.MassDeletePercent, MassDeleteMinimum: c.MassDeleteMinimum,
	}
}

// claimIdle returns how long a worker is silent before its syncs are taken over. Its locks have ended by then.
func (c *Config) claimIdle() time.Duration { return c.LockLease * 3 / 2 }
