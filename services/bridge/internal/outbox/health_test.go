package outbox

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/netboxserver"
)

// TestANetBoxThatFailsIsToldOf: by the health, for as long as it answers 500 and no longer. Nobody
// does anything for it to go on.
func TestANetBoxThatFailsIsToldOf(t *testing.T) {
	t.Parallel()
	s := newRunning(t, 1)
	s.netbox.Break(netboxserver.Fault{Status: http.StatusInternalServerError})
	s.publish(1)
	s.run()
	var trouble *health.Trouble
	s.until("the health to tell of it", func() bool {
		err := s.box.Check(t.Context())
		return errors.As(err, &trouble) && trouble.Details["fabrics"] == "1"
	})
	if trouble.Status != health.Degraded || trouble.Remedy == "" || trouble.Details["cause"] != "away" ||
		!strings.Contains(trouble.Reason, "Nothing is delivered to NetBox, of how many fabrics: 1. Of fabric 1: ") {
		t.Errorf("NetBox answers 500, and the health says %+v", trouble)
	}
	s.netbox.Mend()
	s.until("all to be well", func() bool { return s.box.Check(t.Context()) == nil })
}

// until waits for what gives no signal.
func (s *running) until(what string, is func() bool) {
	s.t.Helper()
	for !is() {
		select {
		case <-s.t.Context().Done():
			s.t.Fatalf("waited for %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
