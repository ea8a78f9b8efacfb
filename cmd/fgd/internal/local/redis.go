package local

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/redisproc"
)

// redis is the one that the services work with, and how to end it.
type redis struct {
	url  string // with its password: not for printing
	kind string
	stop func() error
	own  *redisproc.Server // the private one, if it is that
}

// givenRedis is one that somebody else runs. That it answers, and is fit for what it is to keep, is known before
// anything else begins.
func givenRedis(ctx context.Context, url string, source *config.Source) (*redis, error) {
	conn, err := redisconn.Open(url)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(suitable(ctx, conn, source.Text("redis_checks", refuse)), conn.Close()); err != nil {
		return nil, err
	}
	return &redis{url: url, kind: "given", stop: func() error { return nil }}, nil
}

// refuse is the value of redis_checks that ends what an unfit Redis would serve. The orchestrator knows the others.
const refuse = "refuse"

func suitable(ctx context.Context, conn *redisconn.Conn, checks string) error {
	if err := conn.Ping(ctx); err != nil || checks != refuse {
		return err
	}
	problems, err := conn.Check(ctx)
	for _, problem := range problems {
		err = errors.Join(err, problem.Err())
	}
	return err
}

func redisInMemory() (*redis, error) {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		return nil, errs.New(errs.RedisConnectionFailed, "The in-memory Redis can't be started.").
			WithRemedy("Name a Redis that runs with --redis.").WithCause(err)
	}
	return &redis{
		url: "redis://" + server.Addr(), kind: "in memory", stop: func() error { server.Close(); return nil },
	}, nil
}

// redisForCommand takes the Redis given, else one in memory.
func redisForCommand(ctx context.Context, url string, source *config.Source) (*redis, error) {
	if url != "" {
		return givenRedis(ctx, url, source)
	}
	return redisInMemory()
}

// redisForUp takes the Redis given, else runs a private one, else falls back to memory and says what that costs.
func redisForUp(ctx context.Context, url, dataDir string, source *config.Source, log *slog.Logger) (*redis, error) {
	if url != "" {
		return givenRedis(ctx, url, source)
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
	return &redis{url: server.URL(), kind: "private redis-server", stop: server.Stop, own: server}, nil
}

const (
	// steady is how long a private redis-server has to run to count as one that works.
	steady = time.Minute
	// mostRestarts bounds how often one that does not is started again.
	mostRestarts = 5
)

// during does work, and meanwhile starts a private redis-server again whenever it ends. When that is not possible, the
// work is ended, and the error says so.
func (r *redis) during(ctx context.Context, log *slog.Logger, work func(context.Context) error) error {
	if r.own == nil {
		return work(ctx)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	kept := make(chan error, 1)
	go func() {
		kept <- keep(ctx, r.own, log)
		end()
	}()
	err := work(ctx)
	end()
	return errors.Join(<-kept, err)
}

// keep starts a private redis-server again whenever it ends, until ctx ends.
func keep(ctx context.Context, server *redisproc.Server, log *slog.Logger) error {
	for restarts := 1; ; restarts++ {
		began := time.Now()
		select {
		case <-ctx.Done():
			return nil
		case <-server.Exited():
		}
		if time.Since(began) > steady {
			restarts = 1
		}
		log.WarnContext(ctx, "the private redis-server ended", "how", server.How())
		if restarts > mostRestarts {
			return errs.New(errs.RedisConnectionFailed, "The private redis-server ends again and again; see redis.log in the "+
				"data folder.").WithRemedy("See redis.log for why, or name a Redis of your own with --redis.")
		}
		err := server.Restart(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // of a start that was given up
		}
		if err != nil {
			return err
		}
		log.InfoContext(ctx, "the private redis-server runs again")
	}
}
