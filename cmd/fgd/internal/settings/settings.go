// Package settings looks at a configuration for people: what is wrong with it, what it comes to, and what its keys are
// for. It knows no key itself: the structs that the services read into say everything.
package settings

import (
	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
)

// everyProcess is who reads what all processes do.
const everyProcess = "every process"

// readers returns who reads keys in the processes of services, with their defaults.
func readers(services []app.Definition) []config.Reader {
	all := []config.Reader{{Service: everyProcess, Config: app.Settings()}}
	for _, def := range services {
		all = append(all, def.Reader())
	}
	return all
}

// Keys returns every key, in the order of the sample.
func Keys() []config.Key { return config.Keys(readers(suite.Definitions())) }

// Values returns what every key is with a file, when a path is given, and the environment. It refuses a file with
// mistakes in how it is written, since what it says is not known then.
func Values(path string, environ []string) ([]config.Value, error) {
	source, err := config.Load(path, environ)
	if err != nil {
		return nil, err
	}
	return source.Values(Keys()), nil
}
