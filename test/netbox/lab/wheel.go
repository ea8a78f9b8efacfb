package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"fgdsync.dev/test/system"
)

// builder is what makes a wheel of the plugin. It is the only thing that the plugin needs to be built.
const builder = "setuptools==84.2.1"

// Wheel builds the plugin of this project, and returns the path of its wheel. Nothing is asked of a registry once there
// is a builder.
func (l *Lab) Wheel(ctx context.Context) (string, error) {
	tool, err := l.tool(ctx, builder)
	if err != nil {
		return "", err
	}
	root, err := system.Root()
	if err != nil {
		return "", err
	}
	// A copy, as building leaves files beside what is built.
	folder, err := os.MkdirTemp(l.folder, "wheel-")
	if err != nil {
		return "", err
	}
	source := filepath.Join(folder, "source")
	if err := os.CopyFS(source, os.DirFS(filepath.Join(root, "integrations", "netbox-fgd-sync"))); err != nil {
		return "", err
	}
	err = run(ctx, []string{"PYTHONPATH=" + tool}, l.python, "-m", "pip", "wheel", "--quiet", "--no-input",
		"--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, source)
	if err != nil {
		return "", err
	}
	built, _ := filepath.Glob(filepath.Join(folder, "*.whl")) // the pattern is well formed
	if len(built) != 1 {
		return "", errors.New("one wheel is built of the plugin")
	}
	return built[0], nil
}

// Install installs a wheel from its folder, by its name and without a registry, and returns where it is then.
func (l *Lab) Install(ctx context.Context, wheel string) (string, error) {
	folder, err := os.MkdirTemp(l.folder, "installed-")
	if err != nil {
		return "", err
	}
	return folder, run(ctx, nil, l.python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
		"--no-deps", "--no-index", "--find-links", filepath.Dir(wheel), "--target", folder, "netbox-fgd-sync")
}

// Installed starts a NetBox that has the plugin of this project from a folder that Install made.
func Installed(folder string) Option { return func(n *NetBox) { n.packages = folder } }
