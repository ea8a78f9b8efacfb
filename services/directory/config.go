package directory

// Config of the directory manager. It has no settings today: the structure is the contract's, and what it is asked
// about comes with each request.
type Config struct{}

// DefaultConfig is the configuration that serves most.
func DefaultConfig() Config { return Config{} }
