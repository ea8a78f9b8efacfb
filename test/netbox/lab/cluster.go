package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// template is the database that every NetBox is cloned from.
const template = "netbox"

// cluster is a running PostgreSQL, reached by a socket in its folder.
type cluster struct {
	programs string
	folder   string
	owner    *syscall.Credential // who it runs as; nil for who runs the lab
	server   *process
}

// newCluster finds PostgreSQL 15 or newer, and who may run it: it refuses root.
func newCluster(folder string) (*cluster, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return nil, errors.New("there is no PostgreSQL: install the package postgresql")
	}
	c := &cluster{programs: filepath.Dir(slices.Max(found)), folder: folder}
	if os.Geteuid() != 0 {
		return c, nil
	}
	other, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err1 := strconv.ParseUint(other.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(other.Gid, 10, 32)
	c.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return c, errors.Join(err1, err2)
}

// program returns a command that runs as the owner of the cluster.
func (c *cluster) program(ctx context.Context, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, filepath.Join(c.programs, name), args...)
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	return command
}

func (c *cluster) run(ctx context.Context, name string, args ...string) error {
	if out, err := c.program(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// own gives a folder to who runs the cluster.
func (c *cluster) own(folder string) error {
	if c.owner == nil {
		return nil
	}
	return os.Chown(folder, int(c.owner.Uid), int(c.owner.Gid))
}

// initialize makes an empty cluster.
func (c *cluster) initialize(ctx context.Context) error {
	if err := os.Mkdir(c.folder, 0o700); err != nil {
		return err
	}
	if err := c.own(c.folder); err != nil {
		return err
	}
	return c.run(ctx, "initdb", "--pgdata", c.folder, "--username=netbox", "--auth=trust", "--encoding=UTF8",
		"--locale=C.UTF-8", "--no-sync")
}

// start runs the cluster. What it keeps is lost with the machine: it is made anew.
func (c *cluster) start(ctx context.Context) (err error) {
	settings := []string{
		"listen_addresses=", "unix_socket_directories=" + c.folder, "fsync=off", "synchronous_commit=off",
		"full_page_writes=off", "max_connections=300", "shared_buffers=128MB", "wal_level=minimal", "max_wal_senders=0",
		"autovacuum=off", "jit=off",
	}
	args := []string{"-D", c.folder}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	c.server, err = begin("postgres", syscall.SIGINT, c.owner, nil, filepath.Join(c.programs, "postgres"), args...)
	if err != nil {
		return err
	}
	return c.server.await(ctx, func() error { return c.sql(ctx, "SELECT 1") })
}

func (c *cluster) stop() { c.server.stop() }

// sql runs a statement outside the databases of NetBox.
func (c *cluster) sql(ctx context.Context, statement string) error {
	return c.run(ctx, "psql", "--no-psqlrc", "--quiet", "--host", c.folder, "--username=netbox", "--dbname=postgres",
		"--command", statement)
}

// clone makes a database that is as the template is.
func (c *cluster) clone(ctx context.Context, name string) error {
	return c.sql(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY FILE_COPY", name, template))
}

func (c *cluster) drop(ctx context.Context, name string) error {
	return c.sql(ctx, fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name))
}

// database starts a cluster with the template in it. What is kept of it is copied; what is missing is made, and kept.
func (l *Lab) database(ctx context.Context, kept string) error {
	pg, err := newCluster(filepath.Join(l.folder, "postgres"))
	if err != nil {
		return err
	}
	l.pg = pg
	if err := l.unpackPlugins(); err != nil {
		return err
	}
	layers := l.layers(kept)
	made := len(layers)
	for made > 0 && !exists(layers[made-1].kept) {
		made--
	}
	if made == 0 {
		err = pg.initialize(ctx)
	} else {
		err = copyTree(ctx, layers[made-1].kept, pg.folder)
	}
	if err != nil {
		return err
	}
	if err := pg.start(ctx); err != nil {
		return err
	}
	for i, layer := range layers[made:] {
		if err := l.makeLayer(ctx, layer, made+i == 0); err != nil {
			return err
		}
	}
	return nil
}

// makeLayer brings the template to where a layer has it, and keeps a copy of the cluster.
func (l *Lab) makeLayer(ctx context.Context, layer layer, first bool) error {
	l.tell("making the database of NetBox %s with %s", l.Version, strings.Join(layer.plugins, ", "))
	if err := l.migrate(ctx, layer.plugins, first); err != nil {
		return err
	}
	l.pg.stop()
	partial := layer.kept + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := copyTree(ctx, l.pg.folder, partial); err != nil {
		return err
	}
	if err := os.Rename(partial, layer.kept); err != nil {
		return err
	}
	return l.pg.start(ctx)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// copyTree copies a folder with owners and modes.
func copyTree(ctx context.Context, from, to string) error {
	out, err := exec.CommandContext(ctx, "cp", "--archive", "--reflink=auto", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("copy %s: %w\n%s", from, err, strings.TrimSpace(string(out)))
	}
	return nil
}
