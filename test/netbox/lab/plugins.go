package lab

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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

// pluginsDigest names a state of the plugins.
func pluginsDigest() string {
	var parts []string
	_ = fs.WalkDir(plugins, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(path, "__pycache__") {
			return err
		}
		content, err := fs.ReadFile(plugins, path)
		parts = append(parts, path, string(content))
		return err
	}) // what is embedded can be read
	return digest(parts...)
}
