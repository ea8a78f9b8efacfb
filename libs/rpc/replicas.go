package rpc

import (
	"strings"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/balancer/ringhash" // what serviceConfig names
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

// A service may run in replicas. Calls that are about one repository go to one of them as long as it lives, for it has
// the repository at hand and the snapshots of its syncs; all other calls go to any. See gRFC A76.
const serviceConfig = `{"loadBalancingConfig": [{"ring_hash_experimental": {"requestHashHeader": "` + routingKey +
	`"}}]}`

// resolved returns what gRPC dials for an address, which may be that of several replicas with commas between.
func resolved(address string) (string, []grpc.DialOption) {
	options := []grpc.DialOption{grpc.WithDefaultServiceConfig(serviceConfig)}
	replicas := strings.Split(address, ",")
	if len(replicas) == 1 {
		return address, options
	}
	var state resolver.State
	for _, replica := range replicas {
		state.Endpoints = append(state.Endpoints,
			resolver.Endpoint{Addresses: []resolver.Address{{Addr: strings.TrimSpace(replica)}}})
	}
	static := manual.NewBuilderWithScheme("replicas")
	static.InitialState(state)
	return static.Scheme() + ":///" + replicas[0], append(options, grpc.WithResolvers(static))
}
