package directory

// Config is what can be set of the directory manager.
type Config struct {
	// CRDDir is a folder of CustomResourceDefinition files that replace the built-in ones: it decides which folders
	// below managed/ belong to a kind. Empty means the built-in ones.
	CRDDir string `koanf:"crd_dir" reads:"folder"`
}

// DefaultConfig returns the configuration that serves most.
func DefaultConfig() Config { return Config{} }
