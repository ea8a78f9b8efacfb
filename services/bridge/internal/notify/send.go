package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/credref"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/failpoint"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
)

const (
	// tries are one and three retries.
	tries = 4
	// pauseGrowth is by what the pause between tries grows.
	pauseGrowth = 4
	// longestWait bounds how long a receiver can have us wait.
	longestWait = 5 * time.Minute
	// mostAnswer is how much of an answer is read, so that the connection can be used again. Nothing of it is kept.
	mostAnswer = 4 << 10
	// mostHeaders is how large the head of an answer may be.
	mostHeaders = 16 << 10
)

// sender sends to one target what it is to be told, one after another: one that does not answer holds nobody else up.
type sender struct {
	target    Target
	store     *store
	transport http.RoundTripper
	finder    *credref.Finder
	allowHTTP bool
	timeout   time.Duration // of one try
	pause     time.Duration // before the first retry
	metrics   *metrics
	log       *slog.Logger
	now       func() time.Time
}

// handle sends one notification, and has it go to the dead letters when nobody takes it.
func (s *sender) handle(ctx context.Context, payload []byte) error {
	n := &eventv1.Notification{}
	if err := proto.Unmarshal(payload, n); err != nil {
		return fmt.Errorf("%w: decode a notification: %w", events.ErrPoison, err)
	}
	body, err := body(s.target.Form, n)
	if err != nil {
		return fmt.Errorf("%w: encode a notification: %w", events.ErrPoison, err)
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier, pause.MaxInterval = s.pause, pauseGrowth, longestWait
	_, err = backoff.Retry(ctx, func() (int, error) { return s.post(ctx, n.GetNotificationId(), body) },
		backoff.WithBackOff(pause), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(error, time.Duration) { s.metrics.count(s.target.Name, retried) }))
	switch {
	case err == nil:
		failpoint.Hit(failpoint.NoticeSent)
		s.metrics.count(s.target.Name, sent)
		s.note(ctx, sentAt, s.now().UnixMilli())
		return nil
	case ctx.Err() != nil:
		return ctx.Err() // it is handed back
	}
	s.metrics.count(s.target.Name, failed)
	s.note(ctx, failedAt, s.now().UnixMilli(), lastError, publicText(err))
	s.log.ErrorContext(ctx, "notification not delivered", "target", s.target.Name, "fabric_id", n.GetFabricId(),
		"cause", n.GetCause(), "error", err.Error())
	return fmt.Errorf("%w: %s of fabric %d was not taken by the target %s: %w", events.ErrPoison, n.GetCause(),
		n.GetFabricId(), s.target.Name, err)
}

// note notes how the target is: a field and its value, or two. What can't be noted changes nothing of what was sent.
func (s *sender) note(ctx context.Context, values ...any) {
	for i := 0; i < len(values); i += 2 {
		values[i] = s.target.Name + values[i].(string)
	}
	if err := s.store.note(ctx, values...); err != nil {
		s.log.WarnContext(ctx, "what became of a notification is not noted", "target", s.target.Name, "error", err.Error())
	}
}

// post tries once, and returns the status of the answer, 0 for none. Its error names neither the address nor anything
// that came back but the status.
func (s *sender) post(ctx context.Context, id string, body []byte) (status int, err error) {
	address, err := s.target.address(s.finder, s.allowHTTP)
	if err != nil {
		return 0, err
	}
	signers, err := s.target.signers(s.finder)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.Reveal(), bytes.NewReader(body))
	if err != nil {
		return 0, backoff.Permanent(errAddress) // the library's error quotes the address
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "fgd-sync")
	if err := sign(request.Header, signers, id, s.now(), body); err != nil {
		return 0, err
	}
	// The transport alone: a client would follow redirects, and quote the address in its errors.
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		return 0, unsent(err)
	}
	defer func() { _ = response.Body.Close() }()
	// The answer 101 comes with the bare connection: no context ends what is read from it.
	if response.StatusCode >= http.StatusOK {
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, mostAnswer))
	}
	return response.StatusCode, s.judge(response)
}

// judge returns the error of an answer, unless it is one of 2xx.
func (s *sender) judge(response *http.Response) error {
	status := response.StatusCode
	if status >= http.StatusOK && status < http.StatusMultipleChoices {
		return nil
	}
	err := fmt.Errorf("it answers %d", status)
	switch {
	case status == http.StatusGone: // Standard Webhooks: it wants nothing more
		return backoff.Permanent(err)
	case status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return fmt.Errorf("it answers %d, and redirects are not followed", status)
	}
	if wait := s.asked(response.Header.Get("Retry-After")); wait > 0 {
		return fmt.Errorf("%w: %w", err, &backoff.RetryAfterError{Duration: min(wait, longestWait)})
	}
	return err
}

// asked returns how long a receiver asks to be left alone; 0 when it does not say.
func (s *sender) asked(text string) time.Duration {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) { // of a number that is too large the largest is returned
		return time.Duration(min(seconds, int64(longestWait/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(s.now())
	}
	return 0
}

// sign adds the headers of Standard Webhooks. While a secret replaces another there is a signature of each.
func sign(h http.Header, signers []*standardwebhooks.Webhook, id string, at time.Time, body []byte) error {
	var signatures []string
	for _, signer := range signers {
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return fmt.Errorf("sign a notification: %w", err)
		}
		signatures = append(signatures, signature)
	}
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	if len(signatures) > 0 {
		h.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	}
	return nil
}
