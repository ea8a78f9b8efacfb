package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Unreached says in words why a connection came to nothing, and what to look at; neither when it is not known.
func Unreached(err error) (why, remedy string) {
	var operation *net.OpError
	if errors.As(err, &operation) && operation.Op == "proxyconnect" { // the library's word for the way to a proxy
		why, _ = Unreached(operation.Err)
		return "the proxy can't be reached" + after(why), "Check remotes_proxy_url, and that the proxy runs."
	}
	var name *net.DNSError
	var plain tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return "there is no host of that name", "Check the host in the repository URL."
	case errors.As(err, &name):
		return "its name can't be looked up", "Check that the name service of the machine works, then try again."
	case errors.As(err, &plain):
		return "what answers at that port does not speak TLS",
			"Check the port in the repository URL; a host without TLS has an URL with http://, if allow_http permits it."
	case errors.As(err, &alert):
		return "it ended the TLS handshake: " + alert.Error(), ""
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses the connection", "Check the port in the repository URL, and that the Git host runs."
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no way leads there", "Check the network between this machine and the Git host."
	case slow(err):
		return "it did not answer in time", "Check the host in the repository URL, and the firewalls before it."
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection broke off", ""
	}
	return "", ""
}

// slow reports whether an error is that of a time that was up.
func slow(err error) bool {
	var timed net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &timed) && timed.Timeout()
}

// after joins a reason to what it is the reason of.
func after(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// notReached is the error of a host that no exchange came about with.
func notReached(host string, err error) error {
	why, remedy := Unreached(err)
	e := unavailable("The Git host %s can't be reached%s.", host, after(why)).WithCause(err)
	if remedy == "" {
		return e
	}
	return e.WithRemedy("%s", remedy)
}
