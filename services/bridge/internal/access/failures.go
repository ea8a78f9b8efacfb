package access

import (
	"net/netip"
	"sync"
	"time"

	"fgdsync.dev/libs/errs"
)

const (
	// mostFailures is how often an address is told why what it shows proves nothing, within a minute.
	mostFailures = 10
	failureSpan  = time.Minute
	// rememberedAddresses bounds the memory. An address that is forgotten begins anew.
	rememberedAddresses = 10_000
)

// failures counts by address what proved nothing, so that who tries out tokens learns little. What is valid passes,
// also from an address of others who guess: a proxy's, or that of many behind one gateway.
type failures struct {
	now func() time.Time
	mu  sync.Mutex
	of  map[netip.Prefix]*span
}

// span is a minute, and what failed in it.
type span struct {
	began time.Time
	count int
}

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, of: map[netip.Prefix]*span{}}
}

// failed counts what an address has shown in vain, and returns what is answered: why it proves nothing, or, from an
// address that has failed too often, FGD_1055, which tells nothing of what was shown.
func (f *failures) failed(from netip.Addr, why error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, key := f.now(), Network(from)
	s := f.of[key]
	if s == nil || now.Sub(s.began) >= failureSpan {
		f.forget(now)
		s = &span{began: now}
		f.of[key] = s
	}
	if s.count >= mostFailures {
		return errs.New(errs.TooManyFailures, "Too much was shown from this address that is no valid token.").
			WithRetryAfter(failureSpan - now.Sub(s.began))
	}
	s.count++
	return why
}

// forget drops what is over, and when that is not enough, anything.
func (f *failures) forget(now time.Time) {
	if len(f.of) < rememberedAddresses {
		return
	}
	for key, s := range f.of {
		if now.Sub(s.began) >= failureSpan {
			delete(f.of, key)
		}
	}
	for key := range f.of {
		if len(f.of) < rememberedAddresses {
			return
		}
		delete(f.of, key)
	}
}

// Network returns what one person has of addresses: one of IPv4, a /64 of IPv6.
func Network(from netip.Addr) netip.Prefix {
	bits := 32
	if from.Is6() {
		bits = 64
	}
	prefix, err := from.Prefix(bits)
	if err != nil { // no address: all those are one
		return netip.Prefix{}
	}
	return prefix
}
