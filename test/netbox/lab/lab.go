// Package lab runs the real NetBox: a PostgreSQL cluster, two redis-servers, web and worker processes, all on this
// machine and of nobody else, and gone with whoever started them. What takes minutes to make is made once and kept: the
// virtual environment of Python, and a cluster whose database every NetBox is cloned from.
package lab

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

//go:embed requirements.txt
var requirements string

//go:embed configuration.py
var configuration string

// pluginConfiguration is the end of the configuration. It is apart from the rest, of which the name of the template is
// made: what plugins are told differs between instances, and leaves their tables as they are. So does what becomes of a
// connection to a database that was made anew.
const pluginConfiguration = `
import json

DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

PLUGINS_CONFIG = json.loads(os.environ["LAB_PLUGINS_CONFIG"]) or {}
`

// Lab is what instances of NetBox have in common: programs, and a cluster of databases.
type Lab struct {
	Version string // of NetBox

	kept   string // a folder of what is made once
	python string // of the virtual environment
	folder string // of what runs; removed at the end
	tell   func(format string, args ...any)
	pg     *cluster

	mu   sync.Mutex
	idle []*NetBox // that were given back
}

// Open makes what is missing in a folder that is kept, and starts the cluster. It tells what takes time. Close ends it.
func Open(ctx context.Context, kept string, tell func(format string, args ...any)) (*Lab, error) {
	kept, err := filepath.Abs(kept)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "fgd-netbox-")
	if err != nil {
		return nil, err
	}
	l := &Lab{Version: pinned("netbox"), kept: kept, folder: folder, tell: tell}
	if err := l.prepare(ctx, kept); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) prepare(ctx context.Context, kept string) error {
	// Whoever the cluster runs as has to get to its folder.
	if err := os.Chmod(l.folder, 0o711); err != nil { //nolint:gosec // it can be passed through, and not be read
		return err
	}
	if err := l.environment(ctx, kept); err != nil {
		return fmt.Errorf("make the virtual environment: %w", err)
	}
	if err := l.database(ctx, kept); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return nil
}

// Close ends what was given back, and the cluster, and removes what was made to run.
func (l *Lab) Close() error {
	var ended []error
	for _, n := range l.idle {
		ended = append(ended, n.Stop())
	}
	if l.pg != nil {
		l.pg.stop()
	}
	return errors.Join(append(ended, os.RemoveAll(l.folder))...)
}

// pinned returns the version of a package that is required.
func pinned(name string) string {
	for line := range strings.Lines(requirements) {
		if version, found := strings.CutPrefix(strings.TrimSpace(line), name+"=="); found {
			return version
		}
	}
	return ""
}

// digest names a state of what something is made of.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%x", sum[:8])
}
