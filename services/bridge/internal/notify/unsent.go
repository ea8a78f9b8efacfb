package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/cenkalti/backoff/v5"

	"fgdsync.dev/libs/errs"
)

// What can be said of a request that has no answer. The errors of libraries name the address, which may be a secret,
// and quote what came back.
var (
	errNotPermitted = errors.New("its address is not permitted: it has to be public, or in allowed_private_networks")
	errInTime       = errors.New("it does not answer in time")
	errName         = errors.New("its name can't be resolved")
	errTLS          = errors.New("TLS fails there: it has no certificate that is trusted, or does not speak TLS")
	errConnect      = errors.New("it can't be connected to")
	errAnswer       = errors.New("it gives no answer of HTTP")
)

// unsent returns the error of a request that has no answer.
func unsent(err error) error {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var operation *net.OpError
	var timed net.Error
	switch {
	case errs.HasCode(err, errs.RemoteRefused):
		return backoff.Permanent(errNotPermitted) // no retry makes the address another one
	case errors.As(err, &name):
		return errName
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timed) && timed.Timeout():
		return errInTime
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert):
		return errTLS
	case errors.As(err, &operation) && operation.Op == "dial":
		return errConnect
	}
	return errAnswer
}
