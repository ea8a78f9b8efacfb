package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/telemetry"
)

// Reloading is a service that takes some of its keys anew without a restart: those that are marked with reload.
type Reloading interface {
	// Reload takes them of a source that every service of the process has judged.
	Reload(source *config.Source) error
}

// Reloader has a process take its configuration anew when it is told to, by SIGHUP. What is wrong changes nothing.
type Reloader struct {
	load        func() (*config.Source, error) // as at the start
	definitions []Definition
	started     *config.Source
	tel         *telemetry.Telemetry
	signals     chan os.Signal
	succeeded   prometheus.Gauge
	pending     prometheus.Gauge

	mu      sync.Mutex
	current *config.Source
	trouble error // what the health says; nil when all counts that the file says
}

// NewReloader returns what has services take their configuration anew, and holds SIGHUP from ending the process from
// now on. The source is that of the start, and load reads it again.
func NewReloader(
	started *config.Source, load func() (*config.Source, error), tel *telemetry.Telemetry, definitions ...Definition,
) (*Reloader, error) {
	r := &Reloader{
		load: load, definitions: definitions, started: started, current: started, tel: tel,
		signals: make(chan os.Signal, 1),
		succeeded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fgd_config_reload_success",
			Help: "Whether the last reading of the configuration succeeded: 1 or 0.",
		}),
		pending: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fgd_config_restart_keys",
			Help: "Keys of the configuration that have changed since the start and count after a restart only.",
		}),
	}
	if err := errors.Join(tel.Metrics.Register(r.succeeded), tel.Metrics.Register(r.pending)); err != nil {
		return nil, fmt.Errorf("register the metrics of reloads: %w", err)
	}
	r.succeeded.Set(1)
	signal.Notify(r.signals, syscall.SIGHUP)
	return r, nil
}

// Part returns how the configuration of the process is, for the health.
func (r *Reloader) Part() health.Part {
	return health.Part{Name: health.Configuration, Check: func(context.Context) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.trouble
	}}
}

// run reloads when it is told to, until ctx ends.
func (r *Reloader) run(ctx context.Context, services []served) {
	defer signal.Stop(r.signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.signals:
			r.reload(ctx, services)
		}
	}
}

func (r *Reloader) reload(ctx context.Context, services []served) {
	r.mu.Lock()
	defer r.mu.Unlock()
	source, err := r.read()
	if err != nil {
		e := errs.From(err)
		r.succeeded.Set(0)
		r.trouble = &health.Trouble{
			Status: health.Degraded, Reason: "The configuration was read again, and counts not: " + e.Message,
			Remedy: e.RemedyText() + " Then reload once more.",
		}
		r.tel.Log.ErrorContext(ctx, "configuration not reloaded: what was read before counts", "error", err.Error(),
			"remedy", e.RemedyText())
		return
	}
	r.take(ctx, source, services)
}

// read reads the configuration, and has every service judge it.
func (r *Reloader) read() (*config.Source, error) {
	source, err := r.load()
	if err != nil {
		return nil, err
	}
	for _, reader := range r.readers() {
		if err := source.Into(reader.Config); err != nil {
			return nil, err
		}
	}
	return source, nil
}

// take has services take what has changed, and says what needs a restart.
func (r *Reloader) take(ctx context.Context, source *config.Source, services []served) {
	var err error
	for _, service := range services {
		if reloading, does := service.Service.(Reloading); does {
			err = errors.Join(err, reloading.Reload(source))
		}
	}
	s := defaultSettings()
	err = errors.Join(err, source.Into(&s), r.tel.SetLevel(s.LogLevel))
	changed, _ := r.split(config.Changed(r.current, source, r.readers))
	_, restart := r.split(config.Changed(r.started, source, r.readers))
	r.current = source
	r.succeeded.Set(1)
	r.pending.Set(float64(len(restart)))
	r.trouble = nil
	level := slog.LevelInfo
	switch {
	case err != nil: // it was judged before, so that this is a fault of the program
		r.succeeded.Set(0)
		r.trouble = err
	case len(restart) > 0:
		level = slog.LevelWarn
		r.trouble = &health.Trouble{
			Status: health.Degraded, Reason: "Keys have changed that need a restart: " + strings.Join(restart, ", ") + ".",
			Remedy:  "Restart the process, or set the keys back.",
			Details: map[string]string{"keys": strings.Join(restart, ", ")},
		}
	}
	r.tel.Log.Log(ctx, level, "configuration reloaded", "changed", changed, "needs_restart", restart)
}

// split returns the keys that count at a reload, and those that this process reads and that need a restart.
func (r *Reloader) split(keys []string) (reload, restart []string) {
	reload, restart = []string{}, []string{}
	for _, key := range config.Keys(r.readers()) {
		switch {
		case !slices.Contains(keys, key.Name):
		case key.Reload:
			reload = append(reload, key.Name)
		default:
			restart = append(restart, key.Name)
		}
	}
	return reload, restart
}

// readers are who reads keys in this process.
func (r *Reloader) readers() []config.Reader {
	readers := []config.Reader{{Config: Settings()}}
	for _, def := range r.definitions {
		readers = append(readers, def.Reader())
	}
	return readers
}

// Reader returns what the service reads, with the defaults.
func (d Definition) Reader() config.Reader {
	r := config.Reader{Service: d.Name, Config: &struct{}{}}
	if d.Config != nil {
		r.Config = d.Config()
	}
	for _, peer := range d.Peers {
		r.Addresses = append(r.Addresses, peer.AddressKey())
	}
	return r
}
