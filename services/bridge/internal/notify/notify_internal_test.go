package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"fgdsync.dev/libs/errs"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	"fgdsync.dev/services/bridge/internal/outbox"
)

// TestASignatureIsThatOfTheSpecification, by the example that Standard Webhooks publishes.
func TestASignatureIsThatOfTheSpecification(t *testing.T) {
	t.Parallel()
	signer, err := standardwebhooks.NewWebhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	at := time.Unix(1614265330, 0)
	err = sign(h, []*standardwebhooks.Webhook{signer}, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, []byte(`{"test": 2432232314}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := h.Get("webhook-signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("the signature is %s", got)
	}
	if h.Get("webhook-id") != "msg_p5jXN8AQM9LWM0D4loKWxJek" || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("the headers are %v", h)
	}
}

// TestAReceiverSaysWhenToComeAgain, in seconds or by a date, within a bound.
func TestAReceiverSaysWhenToComeAgain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	s := &sender{now: func() time.Time { return now }}
	for header, want := range map[string]time.Duration{
		"30": 30 * time.Second, "Mon, 30 Nov 2026 12:02:00 GMT": 2 * time.Minute, "86400": longestWait, "": 0, "-5": 0,
		"soon": 0, "Mon, 30 Nov 2026 11:00:00 GMT": 0, "99999999999999": longestWait,
		"99999999999999999999": longestWait, "-99999999999999999999": 0,
	} {
		err := s.judge(&http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {header}}})
		var after *backoff.RetryAfterError
		if errors.As(err, &after); err == nil || (after == nil) != (want == 0) || after != nil && after.Duration != want {
			t.Errorf("%q: %v", header, err)
		}
	}
	var permanent *backoff.PermanentError
	if err := s.judge(&http.Response{StatusCode: http.StatusGone}); !errors.As(err, &permanent) {
		t.Errorf("410: %v", err)
	}
}

// TestACauseIsToldOnce until it is over. What is not told leaves its time: whoever looked before it looks again.
func TestACauseIsToldOnce(t *testing.T) {
	t.Parallel()
	state := &eventv1.FabricCauses{}
	for i, step := range []struct {
		s    signal
		tell bool
		open bool
	}{
		{signal{cause: syncFailed, over: true}, false, false},
		{signal{cause: syncFailed, code: "a"}, true, true},
		{signal{cause: syncFailed, code: "a"}, false, true},
		{signal{cause: syncFailed, over: true}, true, false},
		{signal{cause: syncFailed, over: true}, false, false},
		{signal{cause: quarantined}, true, false},
		{signal{cause: syncFailed, code: "a"}, true, true},
	} {
		step.s.at = time.Unix(int64(i), 0)
		if tell := judge(state, step.s); tell != step.tell || state.GetCauses()[syncFailed].GetOpen() != step.open {
			t.Errorf("step %d: told %v, and %v", i, tell, state)
		}
		if at := state.GetCauses()[step.s.cause].GetChangedAt().AsTime(); !at.Equal(step.s.at) {
			t.Errorf("step %d leaves %v", i, at)
		}
	}
	for i := range 2 * mostCodes {
		judge(state, signal{cause: syncFailed, code: string(rune('A' + i))})
	}
	if n := len(state.GetCauses()[syncFailed].GetCodes()); n != mostCodes {
		t.Errorf("%d codes are kept", n)
	}
}

// TestASignalOfADelivery says what stands in the way, and by its code the first reason that is not told.
func TestASignalOfADelivery(t *testing.T) {
	t.Parallel()
	s := &Service{deps: Deps{Now: time.Now}}
	for want, trouble := range map[string]outbox.Trouble{
		"Nothing is delivered to NetBox: It is away.": {Problem: "It is away.", Undeliverable: 2},
		"2 records can't be delivered to NetBox.":     {Undeliverable: 2},
		"Records are delivered to NetBox again.":      {},
	} {
		if got := s.delivery(trouble, nil); got.message != want || got.over != !trouble.Is() {
			t.Errorf("it is %v, want %q", got, want)
		}
	}
	two := outbox.Trouble{Undeliverable: 2, Reasons: []string{"a", "b"}}
	state := &eventv1.FabricCauses{}
	for _, want := range []string{"a", "b", "a"} {
		sig := s.delivery(two, state)
		if isSo(state, sig) != (len(state.GetCauses()[undeliverable].GetCodes()) == 2) || sig.code != want {
			t.Errorf("the code is %q, want %q", sig.code, want)
		}
		judge(state, sig)
	}
}

// TestWhatIsSaidOfATry has nothing of what the libraries say: that may be an address, or what came back.
func TestWhatIsSaidOfATry(t *testing.T) {
	t.Parallel()
	planted := errors.New("planted")
	for want, err := range map[error]error{
		errName:    &net.OpError{Op: "dial", Err: &net.DNSError{Name: "planted"}},
		errConnect: &net.OpError{Op: "dial", Addr: &net.TCPAddr{Port: 1}, Err: planted},
		errInTime:  fmt.Errorf("planted: %w", context.DeadlineExceeded),
		errTLS:     &tls.CertificateVerificationError{Err: planted},
		errAnswer:  planted,
	} {
		if got := unsent(err); !errors.Is(got, want) || strings.Contains(got.Error(), "planted") {
			t.Errorf("%v is told as %v", err, got)
		}
	}
	var permanent *backoff.PermanentError
	refused := unsent(errs.New(errs.RemoteRefused, "planted"))
	if !errors.As(refused, &permanent) || !errors.Is(refused, errNotPermitted) {
		t.Errorf("an address that is not permitted is told as %v", refused)
	}
}

// TestFilesOfTargets: what can't be meant is refused by the number of its target, and nothing of it is repeated.
func TestFilesOfTargets(t *testing.T) {
	t.Parallel()
	const good = "secret_ref: 'file:s'"
	for text, want := range map[string]string{
		"":            "",
		"targets: []": "",
		"targets: [{name: a, url: 'https://h/planted', secret_ref: 'file:s', causes: [conflict, recovered], fabrics: [1]}]": "",
		"targets: [{name: a, form: slack, url_ref: 'env:HEDGEHOG_FGD_NOTIFY_A'}]":                                           "",
		"targets: []\n---\ntargets: []":                                                                   "one YAML",
		"targets: {":                                                                                      "YAML",
		"targets: [{name: a, colour: planted}]":                                                           "YAML",
		"targets: [{name: A, url: 'https://h', " + good + "}]":                                            "a name",
		"targets: [{name: a, form: x, url: 'https://h'}]":                                                 "form",
		"targets: [{name: a, " + good + "}]":                                                              "either url",
		"targets: [{name: a, url: 'https://h', url_ref: 'file:u', " + good + "}]":                         "either url",
		"targets: [{name: a, url: 'http://h/planted', " + good + "}]":                                     "url like",
		"targets: [{name: a, url: 'https://u:planted@h', " + good + "}]":                                  "url like",
		"targets: [{name: a, url: 'file:///planted', " + good + "}]":                                      "url like",
		"targets: [{name: a, url_ref: 'env:HEDGEHOG_FGD_REDIS_URL', " + good + "}]":                       "url_ref",
		"targets: [{name: a, url: 'https://h'}]":                                                          "secret_ref",
		"targets: [{name: a, url: 'https://h', secret_ref: 'env:HOME'}]":                                  "secret_ref",
		"targets: [{name: a, form: slack, url: 'https://h', " + good + "}]":                               "no secret_ref",
		"targets: [{name: a, url: 'https://h', " + good + ", causes: [recovered]}]":                       "causes",
		"targets: [{name: a, url: 'https://h', " + good + ", causes: [planted]}]":                         "causes",
		"targets: [{name: a, url: 'https://h', " + good + "}, {name: a, url: 'https://h', " + good + "}]": "another name",
		"targets: [" + strings.Repeat("{name: a},", 21) + "]":                                             "up to 20",
		strings.Repeat("#", mostBytes+1):                                                                  "readable",
	} {
		path := filepath.Join(t.TempDir(), "targets.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readTargets(path, false)
		if (err == nil) != (want == "") {
			t.Errorf("%.80q: %v", text, err)
			continue
		}
		if err != nil && (!errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(err.Error(), want) ||
			strings.Contains(errs.From(err).Message, "planted")) {
			t.Errorf("%.80q: %v", text, err)
		}
	}
	if _, err := readTargets("/nowhere/targets.yaml", false); !errs.HasCode(err, errs.ConfigurationInvalid) {
		t.Errorf("a file that is not there: %v", err)
	}
}
