// Package notify tells people and programs outside what is the matter with fabrics: once when it begins, once for each
// other error, and once when it is over. Events say when to look; how a fabric is, is asked. What is the matter is kept
// in Redis with what is to be told of it, and written in one step, so that a bridge that dies loses nothing; what is
// told twice has the same id. Nothing waits for a receiver but what else that receiver is to be told.
package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"fgdsync.dev/libs/credref"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/outbox"
)

const (
	// envPrefix bounds which variables can be referred to.
	envPrefix = "HEDGEHOG_FGD_NOTIFY_"
	// group is that of bridges that read events, and what is to be told.
	group = "notifications"
	// Called is what people call a receiver.
	Called = "receiver of notifications"

	claimIdle    = 30 * time.Second
	maxDelivered = 100
	firstPause   = 2 * time.Second
	tryTimeout   = 10 * time.Second
	letGoPeriod  = time.Minute
)

// Config is what can be set of it.
type Config struct {
	File           string // of the targets; empty for none
	AllowHTTP      bool
	CredentialsDir string
}

// Deps is what it works with.
type Deps struct {
	Redis *redisconn.Conn
	// Transport leads to permitted addresses alone. It is for notifications alone.
	Transport *http.Transport
	Fabrics   fabricv1.FabricServiceClient
	Views     fabricv1.DirectoryViewServiceClient
	Syncs     syncv1.SyncServiceClient
	Outbox    Outbox
	LookupEnv func(string) (string, bool)
	Instance  string
	Metrics   prometheus.Registerer
	Log       *slog.Logger
	Now       func() time.Time
	// Pause is that before the first retry, Timeout that of a try, and Period how often it is looked at what there are
	// no events of; the usual ones where they are 0.
	Pause, Timeout, Period time.Duration
}

// Outbox knows how records are delivered to NetBox.
type Outbox interface {
	// Deliveries returns how those are of which it is known here.
	Deliveries(context.Context) ([]outbox.Trouble, error)
	// Conflicts returns how many conflicts of a fabric are open.
	Conflicts(ctx context.Context, fabricID int32) (int, error)
}

// Service tells targets.
type Service struct {
	cfg     Config
	deps    Deps
	store   *store
	senders []*sender
	metrics *metrics
	began   time.Time
	// troubled is since when something is the matter with deliveries, as it was last looked.
	troubled map[int32]time.Time
}

// New returns what tells the targets of a file.
func New(cfg Config, deps Deps) (*Service, error) {
	targets, err := readTargets(cfg.File, cfg.AllowHTTP)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(deps.Metrics, targets)
	if err != nil {
		return nil, err
	}
	deps.Pause = cmp.Or(deps.Pause, firstPause)
	deps.Timeout = cmp.Or(deps.Timeout, tryTimeout)
	deps.Period = cmp.Or(deps.Period, lookPeriod)
	s := &Service{
		cfg: cfg, deps: deps, store: &store{redis: deps.Redis, targets: targets}, metrics: m, began: deps.Now(),
	}
	deps.Transport.MaxResponseHeaderBytes = mostHeaders
	finder := &credref.Finder{
		Prefix: envPrefix, Dir: cfg.CredentialsDir, LookupEnv: deps.LookupEnv, Service: "the bridge", Host: Called,
	}
	for _, t := range targets {
		s.senders = append(s.senders, &sender{
			target: t, store: s.store, transport: deps.Transport, finder: finder, allowHTTP: cfg.AllowHTTP,
			timeout: deps.Timeout, pause: deps.Pause, metrics: m, log: deps.Log, now: deps.Now,
		})
	}
	return s, nil
}

// Run tells targets until ctx ends. Where there are none it lets go of the events that would be read for them.
func (s *Service) Run(ctx context.Context) error {
	if len(s.senders) == 0 {
		return s.letGo(ctx)
	}
	work, ctx := errgroup.WithContext(ctx)
	for shard := range events.Shards {
		consumer := s.consumer(events.BusStream(shard), events.NotificationDeadLetters(shard), true)
		work.Go(func() error { return consumer.Run(ctx, s.handle) })
	}
	for _, sender := range s.senders {
		stream := events.NotificationStream(sender.target.Name)
		consumer := s.consumer(stream, events.NotificationDeadLetters(0), false)
		work.Go(func() error { return consumer.Run(ctx, sender.handle) })
	}
	work.Go(func() error { return s.lookAround(ctx) })
	return work.Wait()
}

// consumer reads a stream, one entry after another.
func (s *Service) consumer(stream, dead string, shared bool) *events.Consumer {
	return events.NewConsumer(events.ConsumerConfig{
		Stream: stream, DeadLetters: dead, Group: group, Name: s.deps.Instance, ClaimIdle: claimIdle,
		MaxDelivered: maxDelivered, Shared: shared,
	}, s.deps.Redis, s.deps.Log, make(chan struct{}, 1))
}

// letGo takes the groups away that would keep events, and what waits for targets that no bridge has any more, again and
// again: a bridge that still has targets, or had them until it was started again, may have made them anew.
func (s *Service) letGo(ctx context.Context) error {
	ticker := time.NewTicker(letGoPeriod)
	defer ticker.Stop()
	for {
		if err := errors.Join(s.store.letGo(ctx), s.tend(ctx)); err != nil && ctx.Err() == nil {
			s.deps.Log.DebugContext(ctx, "events may be kept for notifications that nobody gets", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
