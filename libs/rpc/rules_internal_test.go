package rpc

import (
	"testing"

	"google.golang.org/protobuf/proto"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// BenchmarkTheRules measures what they take of a request: of the largest ones, and of one like most.
func BenchmarkTheRules(b *testing.B) {
	options := &bridgev1.FabricOptions{References: proto.String("warn"), PublishMode: proto.String("direct")}
	for name, request := range map[string]proto.Message{
		"CreateFabric": &bridgev1.CreateFabricRequest{
			Name: "fabric-1", RepositoryUrl: "https://git.example.com/r.git", Options: options,
			Credentials: &bridgev1.Credentials{Token: "s3cret"},
		},
		"GetFabric": &bridgev1.GetFabricRequest{FabricId: 1},
	} {
		b.Run(name, func(b *testing.B) {
			if err := checkRules(request); err != nil { // compiles them
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := checkRules(request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
