package remote

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/net/dns/dnsmessage"

	"fgdsync.dev/libs/errs"
)

// names is a name server that answers each question for an address with the next of its answers.
type names struct {
	conn net.PacketConn

	mu      sync.Mutex
	answers [][]netip.Addr
	asked   int
}

func serveNames(t *testing.T, answers ...[]netip.Addr) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{conn: conn, answers: answers}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.serve()
	}()
	t.Cleanup(func() { _ = conn.Close(); <-ended })
	return n
}

func (n *names) serve() {
	buffer := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:size]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.Authoritative, m.Additionals = true, true, nil
		if m.Questions[0].Type == dnsmessage.TypeA {
			for _, address := range n.next() {
				m.Answers = append(m.Answers, dnsmessage.Resource{
					Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET},
					Body:   &dnsmessage.AResource{A: address.As4()},
				})
			}
		}
		if raw, err := m.Pack(); err == nil {
			_, _ = n.conn.WriteTo(raw, from)
		}
	}
}

func (n *names) next() []netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	return n.answers[min(n.asked, len(n.answers))-1]
}

// resolver returns one that asks this server alone.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

// house listens at two addresses of this machine with one port, and counts who comes to each.
type house struct {
	port                string
	permitted, internal atomic.Int32
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{}
	permitted, internal := twice(t)
	for listener, n := range map[net.Listener]*atomic.Int32{permitted: &h.permitted, internal: &h.internal} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) }))
		_ = server.Listener.Close()
		server.Listener = listener
		server.Start()
		t.Cleanup(server.Close)
	}
	_, port, err := net.SplitHostPort(permitted.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	h.port = port
	return h
}

// twice listens at two addresses with one port. The other address may have given that to somebody: then it is another.
func twice(t *testing.T) (permitted, internal net.Listener) {
	t.Helper()
	for {
		permitted, err := net.Listen("tcp", "127.0.0.2:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(permitted.Addr().String())
		if internal, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return permitted, internal
		}
		_ = permitted.Close()
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
	}
}

// TestRebinding is X7 of the fault matrix: what counts is the address that is connected to, each time, whatever the
// name led to before, and whatever else it leads to.
func TestRebinding(t *testing.T) {
	t.Parallel()
	permitted, internal := netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")
	private := netip.MustParseAddr("10.0.0.1")
	for name, c := range map[string]struct {
		answers [][]netip.Addr
		served  []bool
	}{
		"another address the next time":   {[][]netip.Addr{{permitted}, {internal}}, []bool{true, false, false}},
		"several, all of them refused":    {[][]netip.Addr{{internal, private}}, []bool{false}},
		"several, the first one refused":  {[][]netip.Addr{{internal, permitted}}, []bool{true}},
		"several, the last one refused":   {[][]netip.Addr{{permitted, internal, private}}, []bool{true}},
		"a name with a private address":   {[][]netip.Addr{{private}}, []bool{false}},
		"a name with that of a link":      {[][]netip.Addr{{netip.MustParseAddr("169.254.169.254")}}, []bool{false}},
		"a name with that of this system": {[][]netip.Addr{{netip.MustParseAddr("0.0.0.0")}}, []bool{false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, server := newHouse(t), serveNames(t, c.answers...)
			transport := strict(t)
			transport.ssh.dialer.Resolver = server.resolver() // the dialer of HTTP too
			for i, served := range c.served {
				err := h.ask(t.Context(), transport)
				if (err == nil) != served || !served && !errs.HasCode(err, errs.RemoteRefused) {
					t.Errorf("request %d: %v", i+1, err)
				}
				transport.Close() // the next one has a connection of its own
			}
			if n := h.internal.Load(); n > 0 {
				t.Errorf("%d requests came to an address that is not permitted", n)
			}
		})
	}
}

// strict returns a transport that is permitted 127.0.0.2 and no other private address.
func strict(t *testing.T) *Transport {
	t.Helper()
	transport, err := NewTransport(Options{
		Policy:       Policy{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}},
		MaxPackBytes: 1 << 20, MaxObjects: 1000, Tracers: noop.NewTracerProvider(),
		Requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests"}, []string{"operation", "code"}),
		Breaker: BreakerOptions{
			Failures: 100, State: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "breakers"}, []string{"target"}),
		},
		Limiter: LimiterOptions{
			PerHost: 8, PerRepository: 8, Waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "waiting"}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.Close)
	return transport
}

// ask makes a request by a name that the name server knows.
func (h *house) ask(ctx context.Context, transport *Transport) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://git.example.com:"+h.port+"/r.git", nil)
	if err != nil {
		return err
	}
	response, err := transport.HTTP().RoundTrip(request)
	if err == nil {
		return response.Body.Close()
	}
	return err
}
