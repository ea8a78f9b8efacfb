package notify

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"fgdsync.dev/libs/errs"
)

// Trial is what came of a message that a target was sent to see whether it takes one.
type Trial struct {
	Status int           // of HTTP; 0 when there was no answer
	Took   time.Duration // until there was an answer, or none
	Error  string        // why it was not taken; empty when it was
	Remedy string
}

// Try sends a message to a target, once. That it is not taken is no error.
func (s *Service) Try(ctx context.Context, target string) (Trial, error) {
	for _, one := range s.senders {
		if one.target.Name == target {
			return one.try(ctx)
		}
	}
	return Trial{}, errs.Field("target", "target has to be one of the notifications_file of this bridge; %q is none.", target).
		WithRemedy("GET /api/v1/notifications shows those that there are; a bridge reads its file when it starts.")
}

func (s *sender) try(ctx context.Context) (Trial, error) {
	body, err := testBody(s.target.Form, s.now())
	if err != nil {
		return Trial{}, err
	}
	began := s.now()
	status, err := s.post(ctx, uuid.NewString(), body)
	tried := Trial{Status: status, Took: s.now().Sub(began)}
	if err != nil {
		tried.Error, tried.Remedy = publicText(err), remedyOf(status, err)
	}
	return tried, nil
}

// publicText returns what callers are told of an error of post.
func publicText(err error) string {
	var known *errs.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return err.Error()
}

// remedyOf says what to do about a target that does not take a message.
func remedyOf(status int, err error) string {
	var known *errs.Error
	switch {
	case errors.As(err, &known):
		return known.RemedyText()
	case errors.Is(err, errAddress), errors.Is(err, errSecret):
		return "Correct what url, url_ref or secret_ref of the target leads to; references are read at each try."
	case errors.Is(err, errNotPermitted):
		return "Put the network of the target into allowed_private_networks, if the bridge may speak to it."
	case errors.Is(err, errName), errors.Is(err, errConnect), errors.Is(err, errInTime):
		return "Look whether the target runs, and whether the bridge reaches it through the network."
	case errors.Is(err, errTLS):
		return "Give the target a certificate that the host of the bridge trusts."
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound:
		return "Look whether the address is the one that the target has now, and the secret the one that it knows."
	}
	return "Look at the target's own log for what it has against the message."
}
