package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/telemetry"
)

// bounds are keys of a service, of which one counts at a reload.
type bounds struct {
	Attempts int `koanf:"sync_attempts" min:"1" reload:"yes"`
	Depth    int `koanf:"max_depth" min:"8"`
}

// bounded is a service that takes its keys anew.
type bounded struct {
	idle
	taken []int
}

func (b *bounded) Reload(source *config.Source) error {
	read := &bounds{Attempts: 3, Depth: 64}
	err := source.Into(read)
	b.taken = append(b.taken, read.Attempts)
	return err
}

// TestAReload: what is right counts, what needs a restart is named until it is set back, and what is wrong is taken by
// nobody.
func TestAReload(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "fgd.yaml")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	load := func() (*config.Source, error) { return config.Load(file, nil) }
	write("")
	started, err := load()
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReloader(started, load, telemetry.Discard(), Definition{
		Name: "test", Config: func() any { return &bounds{Attempts: 3, Depth: 64} },
	})
	if err != nil {
		t.Fatal(err)
	}
	service := &bounded{}
	for _, step := range []struct {
		file  string
		taken int // the last that the service took
		says  string
	}{
		{"sync_attempts: 5\n", 5, ""},
		{"sync_attempts: 6\nmax_depth: 9\nsync_timeout: 1m\n", 6, "a restart: max_depth."},
		{"sync_attempts: 0\nlog_level: debug\n", 6, "sync_attempts is 0; allowed is 1 or more."},
		{"sync_attempts: 7\nsync_atempts: 8\n", 6, `"sync_atempts"`},
		{"sync_attempts: 7\nmax_depth: 9\n", 7, "a restart: max_depth."},
		{"sync_attempts: 7\nmax_depth: 0x40\ngrpc_listen: ''\npublic_hosts: []\n", 7, ""}, // the same, written otherwise
		{"sync_attempts: 7\n", 7, ""},
	} {
		write(step.file)
		r.reload(t.Context(), []served{{Service: service}})
		reason := ""
		if trouble := (*health.Trouble)(nil); errors.As(r.Part().Check(t.Context()), &trouble) {
			reason = trouble.Reason
		}
		if last := service.taken[len(service.taken)-1]; last != step.taken || !strings.Contains(reason, step.says) ||
			(reason == "") != (step.says == "") {
			t.Errorf("%q: took %v, and the health says %q", step.file, service.taken, reason)
		}
	}
}
