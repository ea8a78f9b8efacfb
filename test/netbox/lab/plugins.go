package lab

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"

	"fgdsync.dev/test/system"
)

//go:embed all:standin
var embedded embed.FS

// The plugins of a NetBox of the lab: the stand-in for the Hedgehog NetBox Plugin, and that of this project.
const (
	standIn = "netbox_hedgehog"
	own     = "netbox_fgd_sync"
)

// layer is a state of the template in which some plugins have their tables. The next one has more of them, so that what
// takes minutes is not made anew when a plugin of ours changes.
type layer struct {
	plugins []string
	kept    string // a folder with the cluster
}

// layers returns them in the order in which they are made.
func (l *Lab) layers(kept string) []layer {
	var all []layer
	var plugins []string
	name := digest(filepath.Base(filepath.Dir(filepath.Dir(l.python))), configuration, l.pg.programs)
	for _, plugin := range []string{standIn, own} {
		plugins = append(plugins[:len(plugins):len(plugins)], plugin)
		name = digest(name, migrationsDigest(os.DirFS(filepath.Join(l.pluginFolder(), plugin))))
		all = append(all, layer{plugins, filepath.Join(kept, "cluster-"+name)})
	}
	return all
}

// unpackPlugins writes the plugins to where Python finds them.
func (l *Lab) unpackPlugins() error {
	tree, err := fs.Sub(embedded, "standin")
	if err != nil {
		return err
	}
	if err := os.CopyFS(l.pluginFolder(), tree); err != nil {
		return err
	}
	root, err := system.Root()
	if err != nil {
		return err
	}
	source := os.DirFS(filepath.Join(root, "integrations", "netbox-fgd-sync", own))
	return os.CopyFS(filepath.Join(l.pluginFolder(), own), source)
}

func (l *Lab) pluginFolder() string { return filepath.Join(l.folder, "plugins") }

// migrationsDigest names a state of the tables of a plugin.
func migrationsDigest(plugin fs.FS) string {
	paths, _ := fs.Glob(plugin, "migrations/*.py") // the pattern is well formed
	var parts []string
	for _, path := range paths {
		content, _ := fs.ReadFile(plugin, path) // it was just written
		parts = append(parts, path, string(content))
	}
	return digest(parts...)
}
