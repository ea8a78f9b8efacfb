package local

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
)

// messages is a log whose messages are waited for.
type messages chan string

func (m messages) Write(line []byte) (int, error) {
	var said struct{ Msg string }
	if err := json.Unmarshal(line, &said); err != nil {
		return 0, err
	}
	m <- said.Msg
	return len(line), nil
}

const (
	ended = "the private redis-server ended"
	again = "the private redis-server runs again"
)

// privateRedis is one of fgd up, the folder of its data, and a client of it.
func privateRedis(t *testing.T) (private *redis, folder string, client *goredis.Client) {
	t.Helper()
	data := t.TempDir()
	source, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if private, err = redisForUp(t.Context(), "", data, source, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = private.stop() })
	options, err := goredis.ParseURL(private.url)
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries = -1
	client = goredis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return private, filepath.Join(data, "redis"), client
}

// TestAPrivateRedisThatEndsIsStartedAgain: at its URL and with what it had, and the log says both.
func TestAPrivateRedisThatEndsIsStartedAgain(t *testing.T) {
	t.Parallel()
	private, _, client := privateRedis(t)
	log := make(messages, 16)
	err := private.during(t.Context(), slog.New(slog.NewJSONHandler(log, nil)), func(ctx context.Context) error {
		set := client.Set(ctx, "k", "v", 0).Err()
		_ = client.ShutdownNoSave(ctx).Err() // no answer is the good one
		said := []string{<-log, <-log}
		if got, err := client.Get(ctx, "k").Result(); set != nil || err != nil || got != "v" ||
			!slices.Equal(said, []string{ended, again}) {
			t.Errorf("%v, %q, %v; it said %q", set, got, err, said)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAPrivateRedisThatCannotBeStartedAgainEndsTheWork, also one that starts and ends again and again.
func TestAPrivateRedisThatCannotBeStartedAgainEndsTheWork(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(folder string) error{
		"damaged": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, "appendonlydir", "appendonly.aof.manifest"), []byte("nonsense\n"), 0o600)
		},
		"restless": func(string) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			private, folder, client := privateRedis(t)
			if err := spoil(folder); err != nil {
				t.Fatal(err)
			}
			log := make(messages, 64)
			err := private.during(t.Context(), slog.New(slog.NewJSONHandler(log, nil)), func(ctx context.Context) error {
				for ctx.Err() == nil {
					_ = client.ShutdownNoSave(ctx).Err()
				}
				return errors.New("told to end")
			})
			if !errs.HasCode(err, errs.RedisConnectionFailed) || len(log) == 0 || <-log != ended {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}
