package local

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/alicebob/miniredis/v2"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/redisproc"
)

// redis is the one that the services work with, and how to end it.
type redis struct {
	url  string // with its password: not for printing
	kind string
	stop func() error
}

// givenRedis is one that somebody else runs. That it answers is known before anything else begins.
func givenRedis(ctx context.Context, url string) (*redis, error) {
	conn, err := redisconn.Open(url)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(conn.Ping(ctx), conn.Close()); err != nil {
		return nil, err
	}
	return &redis{url, "given", func() error { return nil }}, nil
}

func redisInMemory() (*redis, error) {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		return nil, errs.New(errs.RedisConnectionFailed, "The in-memory Redis can't be started.").WithCause(err)
	}
	return &redis{"redis://" + server.Addr(), "in memory", func() error { server.Close(); return nil }}, nil
}

// redisForCommand takes the Redis given, else one in memory.
func redisForCommand(ctx context.Context, url string) (*redis, error) {
	if url != "" {
		return givenRedis(ctx, url)
	}
	return redisInMemory()
}

// redisForUp takes the Redis given, else runs a private one, else falls back to memory and says what that costs.
func redisForUp(ctx context.Context, url, dataDir string, log *slog.Logger) (*redis, error) {
	if url != "" {
		return givenRedis(ctx, url)
	}
	server, err := redisproc.Start(ctx, filepath.Join(dataDir, "redis"))
	if errors.Is(err, redisproc.ErrNotInstalled) {
		log.WarnContext(ctx, "redis-server is not installed: the history of syncs is kept in memory and is lost when this "+
			"process ends; fabrics and syncs that have not ended are kept in the data folder")
		return redisInMemory()
	}
	if err != nil {
		return nil, err
	}
	return &redis{server.URL(), "private redis-server", server.Stop}, nil
}
