package remote

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

// BreakerOptions say when a host that fails is left alone, and for how long.
type BreakerOptions struct {
	Failures int // in a row
	Pause    time.Duration
	State    *prometheus.GaugeVec // by target: 0 closed, 1 half open, 2 open
}

const (
	// rememberedHosts bounds the breakers. One that is forgotten begins anew.
	rememberedHosts = 1024
	// probePause is how long others wait while one request finds out whether a host is back.
	probePause = time.Second
)

// breakers keep requests from hosts that fail, each by itself.
type breakers struct {
	options BreakerOptions

	mu    sync.Mutex
	hosts *simplelru.LRU[string, *breaker]
}

// breaker is the breaker of one host.
type breaker struct {
	*gobreaker.TwoStepCircuitBreaker[struct{}]

	mu    sync.Mutex
	until time.Time // end of the pause
}

func newBreakers(o BreakerOptions) (*breakers, error) {
	hosts, err := simplelru.NewLRU(rememberedHosts, func(host string, _ *breaker) { o.State.DeleteLabelValues(host) })
	if err != nil {
		return nil, err
	}
	return &breakers{options: o, hosts: hosts}, nil
}

func (b *breakers) of(host string) *breaker {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, there := b.hosts.Get(host); there {
		return known
	}
	fresh := &breaker{}
	state := b.options.State.WithLabelValues(host)
	fresh.TwoStepCircuitBreaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: host, Timeout: b.options.Pause,
		ReadyToTrip: func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= b.options.Failures },
		// somebody went away; it says nothing of the host
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			state.Set(float64(to))
			if to == gobreaker.StateOpen {
				fresh.open(b.options.Pause)
			}
		},
	})
	b.hosts.Add(host, fresh)
	return fresh
}

func (b *breaker) open(pause time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = time.Now().Add(pause)
}

// allow lets a request through, whose outcome is to be told, or says when to come again.
func (b *breaker) allow() (done func(error), err error) {
	done, err = b.Allow()
	if err == nil {
		return done, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return nil, unavailable("The Git host %s failed several times in a row and is left alone for a while.", b.Name()).
		WithRemedy("See what ails the host; requests begin again by themselves.").
		WithRetryAfter(max(time.Until(b.until), probePause))
}
