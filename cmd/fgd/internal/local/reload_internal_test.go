package local

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/config"
)

// TestAChangedRedisNeedsARestart, also where none was named and a private one is run, but not where a flag names it.
func TestAChangedRedisNeedsARestart(t *testing.T) {
	t.Parallel()
	const named = "redis_url: redis://127.0.0.1:6379/0\n" // as the sample has it
	for _, c := range []struct {
		up            Up
		before, after string
		changed       bool
	}{
		{Up{}, "", named, true},
		{Up{}, "", "", false},
		{Up{Redis: "redis://a"}, "redis_url: redis://a\n", "redis_url: redis://b\n", true},
		{Up{Redis: "redis://a"}, "redis_url: redis://a\n", "redis_url: 'redis://a'\n", false},
		{Up{Redis: "redis://c", Kept: true}, "", named, false},
	} {
		sources := make([]*config.Source, 2)
		for i, content := range []string{c.before, c.after} {
			file := filepath.Join(t.TempDir(), "fgd.yaml")
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			source, err := config.Load(file, nil)
			if err != nil {
				t.Fatal(err)
			}
			if sources[i], err = c.up.withRedis(source); err != nil {
				t.Fatal(err)
			}
		}
		names := config.Changed(sources[0], sources[1], func() (all []config.Reader) {
			for _, def := range suite.Definitions() {
				all = append(all, def.Reader())
			}
			return all
		})
		if slices.Contains(names, "redis_url") != c.changed || len(names) > 1 {
			t.Errorf("%+v: of %q and %q %q differ", c.up, c.before, c.after, names)
		}
	}
}
