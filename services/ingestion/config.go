package ingestion

import (
	"runtime"

	"fgdsync.dev/libs/errs"
)

// Config of the ingestion.
type Config struct {
	// Folder of custom resource definitions (*.yaml, *.yml) that replace the built-in ones; empty means the built-in ones.
	CRDDir string `koanf:"crd_dir"`
	// Files larger than this many bytes are not read, and go to unmanaged/.
	MaxFileBytes int64 `koanf:"max_file_bytes"`
	// Documents judged at once in one ingestion; 0 means one for each processor.
	Workers int `koanf:"workers"`
	// Nesting of mappings and lists that a document may have.
	MaxDepth int `koanf:"max_depth"`
	// Nodes that a document may have, those that aliases repeat included.
	MaxNodes int `koanf:"max_nodes"`
	// Aliases that a document may have.
	MaxAliases int `koanf:"max_aliases"`
}

// DefaultConfig is the configuration that serves most.
func DefaultConfig() Config {
	return Config{MaxFileBytes: 10 << 20, MaxDepth: 64, MaxNodes: 100_000, MaxAliases: 100}
}

// check names the first key with a bad value.
func (c Config) check() error {
	for _, limit := range []struct {
		key      string
		value    int64
		min, max int64
	}{
		{"max_file_bytes", c.MaxFileBytes, 1, 64 << 20},
		{"workers", int64(c.Workers), 0, 1024},
		{"max_depth", int64(c.MaxDepth), 8, 1000},
		{"max_nodes", int64(c.MaxNodes), 100, 10_000_000},
		{"max_aliases", int64(c.MaxAliases), 0, 10_000},
	} {
		if limit.value < limit.min || limit.value > limit.max {
			return errs.New(errs.Invalid, errs.ConfigurationInvalid, "ingestion.%s is %d; allowed is %d to %d.",
				limit.key, limit.value, limit.min, limit.max)
		}
	}
	return nil
}

func (c Config) workers() int {
	if c.Workers > 0 {
		return c.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// badDefinitions is the error of definitions that can't be used.
func badDefinitions(dir string, cause error) error {
	return errs.New(errs.Invalid, errs.ConfigurationInvalid, "ingestion.crd_dir %q: %v.", dir, cause)
}
