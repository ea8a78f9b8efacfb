package outbox

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// TestARefusedNetBoxIsTroubleAllTheTime, also between two tries: for as long as nothing is delivered, whoever looks is
// told why, by the same code.
func TestARefusedNetBoxIsTroubleAllTheTime(t *testing.T) {
	t.Parallel()
	for code, arrange := range map[string]func(s *running, again func()){
		"denied": func(s *running, again func()) { // the token was revoked
			s.brake.next = refusing{}
			s.box.deps.Connect = func(
				url, token string, wrap func(http.RoundTripper) http.RoundTripper,
			) (*hnp.Client, error) {
				again()
				return s.connect(url, token, wrap)
			}
		},
		errs.RemoteRefused.ID: func(s *running, again func()) { // there is no token at all, or no way
			s.box.deps.Connect = func(string, string, func(http.RoundTripper) http.RoundTripper) (*hnp.Client, error) {
				again()
				return nil, errs.New(errs.RemoteRefused, "It is not permitted.")
			}
		},
		errs.LedgerUnusable.ID: func(s *running, again func()) {
			s.box.deps.Store.ledger = func() (*Ledger, error) {
				again()
				return nil, errs.New(errs.LedgerUnusable, "It is full.")
			}
		},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := newRunning(t, 2)
			tries := make(chan struct{}, 1000)
			arrange(s, func() { tries <- struct{}{} })
			s.publish(1, 2)
			s.run()
			for seen := false; !seen || len(tries) < 4; {
				all, err := s.box.Deliveries(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				all = slices.DeleteFunc(all, func(one Trouble) bool { return !one.Is() })
				if seen && len(all) != 2 {
					t.Fatalf("after %d tries there is the trouble %v", len(tries), all)
				}
				seen = len(all) == 2
				for _, one := range all {
					if one.Problem == "" || one.Remedy == "" || !slices.Equal(one.Reasons, []string{code}) {
						t.Fatalf("the trouble is %+v, want %s", one, code)
					}
				}
				select {
				case <-t.Context().Done():
					t.Fatal(errors.New("it waits for trouble"))
				case <-time.After(5 * time.Millisecond):
				}
			}
		})
	}
}

// refusing is a NetBox that does not take the token.
type refusing struct{}

// RoundTrip answers as NetBox does.
func (refusing) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}}, Request: request,
		Body: io.NopCloser(strings.NewReader(`{"detail":"Invalid v2 token"}`)),
	}, nil
}
