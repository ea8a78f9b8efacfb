package rpc

import (
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// transport speaks to those who come over a network as its credentials say, and in clear inside the process.
type transport struct {
	credentials.TransportCredentials // over a network
	inside                           credentials.TransportCredentials
}

// newTransport returns a transport, which speaks in clear over a network too when there are no credentials.
func newTransport(network credentials.TransportCredentials) transport {
	inside := insecure.NewCredentials()
	if network == nil {
		network = inside
	}
	return transport{network, inside}
}

// ServerHandshake takes a connection.
func (t transport) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if isInside(raw.RemoteAddr()) {
		return t.inside.ServerHandshake(raw)
	}
	return t.TransportCredentials.ServerHandshake(raw)
}

// Clone returns the credentials.
func (t transport) Clone() credentials.TransportCredentials { return t }

// isInside reports whether a connection comes from this process.
func isInside(from net.Addr) bool { return from.Network() == LoopbackNetwork }
