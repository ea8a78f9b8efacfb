package lab

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed all:standin
var plugins embed.FS

// pluginName is the plugin that every NetBox of the lab has.
const pluginName = "netbox_hedgehog"

// unpackPlugins writes the plugins to where Python finds them.
func (l *Lab) unpackPlugins() error {
	tree, err := fs.Sub(plugins, "standin")
	if err != nil {
		return err
	}
	return os.CopyFS(l.pluginFolder(), tree)
}

func (l *Lab) pluginFolder() string { return filepath.Join(l.folder, "plugins") }

// migrationsDigest names a state of the tables of the plugins.
func migrationsDigest() string {
	paths, _ := fs.Glob(plugins, "standin/*/migrations/*.py") // the pattern is well formed
	var parts []string
	for _, path := range paths {
		content, _ := fs.ReadFile(plugins, path) // what is embedded can be read
		parts = append(parts, path, string(content))
	}
	return digest(parts...)
}
