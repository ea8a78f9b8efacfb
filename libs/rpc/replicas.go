package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/balancer/ringhash" // what serviceConfig names
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

// A service may run in replicas. Calls that are about one repository go to one of them as long as it lives, for it has
// the repository at hand and the snapshots of its syncs; all other calls go to any. See gRFC A76.
const (
	repositoryHeader = "fgd-repository"
	serviceConfig    = `{"loadBalancingConfig": [{"ring_hash_experimental": {"requestHashHeader": "` + repositoryHeader +
		`"}}]}`
)

// AboutRepository lets all calls of a context, and the calls made to answer them, go to the replica of a repository.
// The key is the same for all spellings of its URL.
func AboutRepository(ctx context.Context, key string) context.Context {
	sum := sha256.Sum256([]byte(key)) // a header has no room for every character
	return metadata.AppendToOutgoingContext(ctx, repositoryHeader, hex.EncodeToString(sum[:8]))
}

// passOn lets a call that answers another one be about the same repository.
func passOn(ctx context.Context) context.Context {
	if about := metadata.ValueFromIncomingContext(ctx, repositoryHeader); len(about) > 0 && !hasRepository(ctx) {
		return metadata.AppendToOutgoingContext(ctx, repositoryHeader, about[0])
	}
	return ctx
}

func hasRepository(ctx context.Context) bool {
	outgoing, _ := metadata.FromOutgoingContext(ctx)
	return len(outgoing.Get(repositoryHeader)) > 0
}

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
