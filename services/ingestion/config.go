package ingestion

import (
	"errors"
	"io/fs"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
)

// Config is what can be set of the ingestion.
type Config struct {
	// CRDDir is a folder of CustomResourceDefinition files that replace the built-in ones.
	CRDDir string `koanf:"crd_dir" reads:"folder"`
	// WorkerConcurrency is the number of documents judged at the same time in one ingestion.
	WorkerConcurrency int `koanf:"worker_concurrency" min:"1" max:"1024"`
	// BatchSize is the number of files between two progress messages.
	BatchSize int `koanf:"batch_size" min:"1" max:"10000"`
	// MaxFileBytes bounds the files that are read; larger ones are quarantined.
	MaxFileBytes int64 `koanf:"max_file_bytes" min:"1" max:"67108864"`
	// MaxDocumentsPerFile is the number of documents in a file beyond which there is a warning.
	MaxDocumentsPerFile int `koanf:"max_documents_per_file" min:"1" max:"1000000"`
	// MemoryFiles is the number of managed files that are remembered, so that unchanged ones are not read again.
	MemoryFiles int `koanf:"memory_files" min:"1" max:"10000000"`
	// MaxIngestionBytes bounds the files that all ingestions together hold at the same time.
	MaxIngestionBytes int64 `koanf:"max_ingestion_bytes" min:"1048576" max:"1099511627776"`
	// MaxDepth bounds the nesting of mappings and lists in a document.
	MaxDepth int `koanf:"max_depth" min:"8" max:"1000"`
	// MaxNodes bounds the nodes of a document, those that aliases repeat included.
	MaxNodes int `koanf:"max_nodes" min:"100" max:"10000000"`
	// MaxAliases bounds the aliases in a document.
	MaxAliases int `koanf:"max_aliases" min:"0" max:"10000"`
}

// DefaultConfig returns the defaults that the configuration states.
func DefaultConfig() Config {
	return Config{
		WorkerConcurrency: 4, BatchSize: 50, MaxFileBytes: 10 << 20, MaxDocumentsPerFile: 100, MemoryFiles: 100_000,
		MaxIngestionBytes: 256 << 20,
		MaxDepth:          64, MaxNodes: 100_000, MaxAliases: 100,
	}
}

// Validate returns the errors of the keys whose values are not allowed (FGD_5007).
func (c *Config) Validate() error { return config.CheckTags(c) }

// badDefinitions returns the error of definitions that can't be used.
func badDefinitions(dir string, cause error) error {
	var file *fs.PathError
	if errors.As(cause, &file) && file.Path == "." { // the folder itself, which has been named
		cause = file.Err
	}
	return errs.New(errs.ConfigurationInvalid, "crd_dir is %q: %v.", dir, cause)
}
