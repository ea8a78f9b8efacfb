package ingestion

import (
	"errors"
	"fmt"
	"io/fs"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
)

// Config is what can be set of the ingestion.
type Config struct {
	// CRDDir is a folder of CustomResourceDefinition files that replace the built-in ones.
	CRDDir string `koanf:"crd_dir"`
	// WorkerConcurrency is the number of documents judged at the same time in one ingestion.
	WorkerConcurrency int `koanf:"worker_concurrency"`
	// BatchSize is the number of files between two progress messages.
	BatchSize int `koanf:"batch_size"`
	// MaxFileBytes bounds the files that are read; larger ones are quarantined.
	MaxFileBytes int64 `koanf:"max_file_bytes"`
	// MaxDocumentsPerFile is the number of documents in a file beyond which there is a warning.
	MaxDocumentsPerFile int `koanf:"max_documents_per_file"`
	// MemoryFiles is the number of managed files that are remembered, so that unchanged ones are not read again.
	MemoryFiles int `koanf:"memory_files"`
	// MaxIngestionBytes bounds the files that all ingestions together hold at the same time.
	MaxIngestionBytes int64 `koanf:"max_ingestion_bytes"`
	// MaxDepth bounds the nesting of mappings and lists in a document.
	MaxDepth int `koanf:"max_depth"`
	// MaxNodes bounds the nodes of a document, those that aliases repeat included.
	MaxNodes int `koanf:"max_nodes"`
	// MaxAliases bounds the aliases in a document.
	MaxAliases int `koanf:"max_aliases"`
}

// DefaultConfig returns the defaults that the configuration states.
func DefaultConfig() Config {
	return Config{
		WorkerConcurrency: 4, BatchSize: 50, MaxFileBytes: 10 << 20, MaxDocumentsPerFile: 100, MemoryFiles: 100_000,
		MaxIngestionBytes: 256 << 20,
		MaxDepth:          64, MaxNodes: 100_000, MaxAliases: 100,
	}
}

// Validate returns FGD_5007 for the first key whose value is not allowed.
func (c *Config) Validate() error {
	for _, limit := range []struct {
		key      string
		value    int64
		min, max int64
	}{
		{"worker_concurrency", int64(c.WorkerConcurrency), 1, 1024},
		{"batch_size", int64(c.BatchSize), 1, 10_000},
		{"max_file_bytes", c.MaxFileBytes, 1, 64 << 20},
		{"max_documents_per_file", int64(c.MaxDocumentsPerFile), 1, 1_000_000},
		{"memory_files", int64(c.MemoryFiles), 1, 10_000_000},
		{"max_ingestion_bytes", c.MaxIngestionBytes, 1 << 20, 1 << 40},
		{"max_depth", int64(c.MaxDepth), 8, 1000},
		{"max_nodes", int64(c.MaxNodes), 100, 10_000_000},
		{"max_aliases", int64(c.MaxAliases), 0, 10_000},
	} {
		if limit.value < limit.min || limit.value > limit.max {
			return config.Invalid(limit.key, limit.value, fmt.Sprintf("%d to %d", limit.min, limit.max))
		}
	}
	return nil
}

// badDefinitions returns the error of definitions that can't be used.
func badDefinitions(dir string, cause error) error {
	var file *fs.PathError
	if errors.As(cause, &file) && file.Path == "." { // the folder itself, which has been named
		cause = file.Err
	}
	return errs.New(errs.ConfigurationInvalid, "crd_dir is %q: %v.", dir, cause)
}
