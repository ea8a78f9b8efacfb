package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"fgdsync.dev/libs/redisproc"
	"fgdsync.dev/test/system"
)

// User is the administrator of a NetBox of the lab.
const User = "admin"

// Password is theirs.
const Password = "lab-password"

// NetBox is a running one, with a database, two redis-servers, web and worker processes of its own.
type NetBox struct {
	URL   string // ends without a slash
	Token string // of the administrator, as the value of Authorization

	// Tasks is where it queues what its worker does, webhooks among it; Caching is what it can do without.
	Tasks, Caching *redisproc.Server

	lab         *Lab
	name        string // of its database
	folder      string
	plugins     []string
	settings    pluginConfig
	packages    string // a folder with packages that are taken before those of the lab
	altered     bool   // it is not what it was begun as
	env         []string
	web, worker *process
}

// pluginConfig are settings by plugin.
type pluginConfig map[string]map[string]any

// count numbers the instances of this process.
var count atomic.Int64 //nolint:gochecknoglobals // names of databases differ within a cluster

// An Option is what one NetBox has otherwise than others.
type Option func(*NetBox)

// WithoutOwnPlugin starts a NetBox that has the Hedgehog NetBox Plugin, and not that of this project.
func WithoutOwnPlugin() Option { return func(n *NetBox) { n.plugins = []string{standIn} } }

// WithPluginConfig starts a NetBox whose PLUGINS_CONFIG has settings of the plugin of this project.
func WithPluginConfig(settings map[string]any) Option {
	return func(n *NetBox) { n.settings = pluginConfig{own: settings} }
}

// Start clones the database and runs a NetBox over it. Stop ends it, and Release gives it back.
func (l *Lab) Start(ctx context.Context, options ...Option) (*NetBox, error) {
	name := fmt.Sprint("netbox_", count.Add(1))
	n := &NetBox{lab: l, name: name, folder: filepath.Join(l.folder, name), plugins: []string{standIn, own}}
	for _, option := range options {
		option(n)
	}
	start := n.start
	if released := l.released(n); released != nil {
		n, start = released, released.renew
	}
	if err := start(ctx); err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	return n, nil
}

func (n *NetBox) start(ctx context.Context) error {
	if err := n.lab.pg.clone(ctx, n.name); err != nil {
		return err
	}
	if err := n.configure(ctx, n.name); err != nil {
		return err
	}
	if err := n.StartWorker(ctx); err != nil {
		return err
	}
	if err := n.StartWeb(ctx); err != nil {
		return err
	}
	return n.provision(ctx)
}

// configure starts the redis-servers, and writes the configuration.
func (n *NetBox) configure(ctx context.Context, database string) (err error) {
	if err := os.MkdirAll(filepath.Join(n.folder, "conf"), 0o700); err != nil {
		return err
	}
	if n.Tasks, err = redisproc.Start(ctx, filepath.Join(n.folder, "tasks")); err != nil {
		return err
	}
	if n.Caching, err = redisproc.Start(ctx, filepath.Join(n.folder, "caching")); err != nil {
		return err
	}
	settings, err := json.Marshal(n.settings)
	if err != nil {
		return err
	}
	packages := filepath.SplitList(n.packages)
	n.env = []string{
		"NETBOX_ROOT=" + n.folder, "HOME=" + n.folder, "PYTHONDONTWRITEBYTECODE=1",
		"PYTHONPATH=" + strings.Join(append(packages, n.lab.pluginFolder()), string(os.PathListSeparator)),
		"LAB_DATABASE=" + database, "LAB_DATABASE_HOST=" + n.lab.pg.folder, "LAB_PLUGINS=" + strings.Join(n.plugins, ","),
		"LAB_TASKS_URL=" + n.Tasks.URL(), "LAB_CACHING_URL=" + n.Caching.URL(),
		"LAB_PLUGINS_CONFIG=" + string(settings),
	}
	content := []byte(configuration + pluginConfiguration)
	return os.WriteFile(filepath.Join(n.folder, "conf", "configuration.py"), content, 0o600)
}

// migrate makes the tables of the template that some plugins need. The first time it makes the template too, and an
// administrator.
func (l *Lab) migrate(ctx context.Context, plugins []string, first bool) (err error) {
	if first {
		if err := l.pg.sql(ctx, "CREATE DATABASE "+template); err != nil {
			return err
		}
	}
	n := &NetBox{lab: l, folder: filepath.Join(l.folder, template), plugins: plugins}
	defer func() { err = errors.Join(err, n.Stop()) }()
	if err := n.configure(ctx, template); err != nil {
		return err
	}
	if err := n.Manage(ctx, nil, "migrate", "--no-input"); err != nil || !first {
		return err
	}
	return n.Manage(ctx, []string{"DJANGO_SUPERUSER_PASSWORD=" + Password},
		"createsuperuser", "--no-input", "--username", User, "--email", User+"@example.com")
}

// program is a program of the virtual environment, which is run by its Python: where that is, stands in each program as
// it was when the environment was made, and folders move.
func (l *Lab) program(name string) string { return filepath.Join(filepath.Dir(l.python), name) }

// Manage runs a command of NetBox, such as nbshell, to its end.
func (n *NetBox) Manage(ctx context.Context, env []string, args ...string) error {
	return run(ctx, append(n.env, env...), n.lab.python, append([]string{n.lab.program("netbox")}, args...)...)
}

// Command returns a command of NetBox that the caller runs, to talk with it meanwhile. It ends with ctx.
func (n *NetBox) Command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, n.lab.python, append([]string{n.lab.program("netbox")}, args...)...)
	command.Env = append(os.Environ(), n.env...)
	command.Dir = "/"
	return command
}

// StartWeb runs the web processes, at the address that they had.
func (n *NetBox) StartWeb(ctx context.Context) (err error) {
	if n.URL == "" {
		address, err := freeAddress()
		if err != nil {
			return err
		}
		n.URL = "http://" + address
	}
	// It waits for its callers to go when it is asked to end.
	n.web, err = begin("the web server of NetBox", syscall.SIGKILL, nil, n.env, n.lab.python,
		n.lab.program("gunicorn"), "--bind", n.URL[len("http://"):], "--workers", "2", "--threads", "3", "--preload",
		"--timeout", "120", "netbox.wsgi")
	if err != nil {
		return err
	}
	return n.web.await(ctx, func() error {
		response, err := http.Get(n.URL + "/login/") //nolint:noctx // within the bound of await
		if err != nil {
			return err
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
}

// StopWeb ends the web processes: nobody answers at the address.
func (n *NetBox) StopWeb() {
	n.altered = true
	n.web.stop()
	n.web = nil
}

// StartWorker runs a process that does what is queued.
func (n *NetBox) StartWorker(context.Context) (err error) {
	n.worker, err = begin("the worker of NetBox", syscall.SIGTERM, nil, n.env, n.lab.python,
		n.lab.program("netbox"), "rqworker", "high", "default", "low")
	return err
}

// RemoveOwnPlugin takes the plugin of this project out of the configuration, and runs NetBox again. Its tables stay.
func (n *NetBox) RemoveOwnPlugin(ctx context.Context) error {
	n.StopWeb()
	n.StopWorker()
	n.env = append(n.env, "LAB_PLUGINS="+standIn)
	if err := n.StartWorker(ctx); err != nil {
		return err
	}
	return n.StartWeb(ctx)
}

// StopWorker ends it: what is queued waits.
func (n *NetBox) StopWorker() {
	n.altered = true
	n.worker.stop()
	n.worker = nil
}

// provision asks for a token of the administrator.
func (n *NetBox) provision(ctx context.Context) error {
	var made struct{ Key, Token string }
	who := map[string]string{"username": User, "password": Password}
	if err := n.call(ctx, http.MethodPost, "/api/users/tokens/provision/", who, &made); err != nil {
		return fmt.Errorf("NetBox gives no token: %w", err)
	}
	n.Token = fmt.Sprintf("Bearer nbt_%s.%s", made.Key, made.Token)
	return nil
}

// Stop ends it, and removes what it had.
func (n *NetBox) Stop() error {
	n.StopWeb()
	n.StopWorker()
	var ended []error
	for _, server := range []*redisproc.Server{n.Tasks, n.Caching} {
		if server != nil {
			ended = append(ended, server.Stop())
		}
	}
	if n.name != "" {
		ended = append(ended, n.lab.pg.drop(context.Background(), n.name))
	}
	return errors.Join(append(ended, os.RemoveAll(n.folder))...)
}

// freeAddress returns an address on which nothing listens, and that nobody else gets while it is not used.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(system.OwnHost(), "0"))
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// Static is the folder of what pages are drawn with, once the command collectstatic has put it there.
func (n *NetBox) Static() string { return filepath.Join(n.folder, "static") }
