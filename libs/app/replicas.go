package app

import (
	"strings"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
)

// Replicas returns a connection to each replica of a peer, for what every one has to be asked by itself. Those are the
// ones that the peer's address names: of replicas behind one name only one is asked.
func (p *Process) Replicas(peer string) ([]grpc.ClientConnInterface, error) {
	addresses := strings.Split(p.Addresses[peer], ",")
	if len(addresses) == 1 {
		return []grpc.ClientConnInterface{p.Peers[peer]}, nil
	}
	var replicas []grpc.ClientConnInterface
	for _, address := range addresses {
		conn, err := rpc.DialNamed(peer, strings.TrimSpace(address), p.keys, p.Telemetry.Tracers)
		if err != nil {
			return nil, errs.New(errs.ConfigurationInvalid, "%q, of %s, can't be dialled.", address,
				Peer{Name: peer}.AddressKey()).WithCause(err)
		}
		p.OnClose(conn.Close)
		replicas = append(replicas, conn)
	}
	return replicas, nil
}
