package suite_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/libs/rpc"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// mayCall is what was meant: who may call each RPC between services. The contracts have to say the same.
func mayCall() map[string]string {
	return map[string]string{
		"access.v1.TokenService/*":                   "bridge",
		"admin.v1.MaintenanceService/*":              "bridge",
		"fabric.v1.DirectoryViewService/*":           "bridge",
		"fabric.v1.FabricService/*":                  "bridge",
		"fabric.v1.ResourceService/*":                "bridge",
		"sync.v1.SyncService/*":                      "bridge",
		"health.v1.ComponentService/*":               "bridge",
		"directory.v1.DirectoryService/*":            "orchestrator",
		"ingestion.v1.IngestionService/*":            "orchestrator",
		"git.v1.HistoryService/*":                    "orchestrator",
		"git.v1.RepositoryService/SealCredentials":   "bridge",
		"git.v1.RepositoryService/CheckCredentials":  "bridge",
		"git.v1.RepositoryService/CheckConnection":   "bridge",
		"git.v1.RepositoryService/ResealCredentials": "bridge orchestrator",
		"git.v1.RepositoryService/CheckLocation":     "orchestrator",
		"git.v1.RepositoryService/OpenSnapshot":      "orchestrator",
		"git.v1.RepositoryService/CloseSnapshot":     "orchestrator",
		"git.v1.RepositoryService/Publish":           "orchestrator",
		"git.v1.RepositoryService/GetPullRequest":    "orchestrator",
		"git.v1.TreeService/DiffTrees":               "orchestrator",
		"git.v1.TreeService/ListChanges":             "orchestrator",
		"git.v1.TreeService/ListTree":                "orchestrator ingestion directory",
		"git.v1.TreeService/ReadBlobs":               "orchestrator ingestion directory",
		"git.v1.TreeService/WriteTree":               "ingestion directory",
	}
}

// TestWhoMayCallWhat walks every RPC between services with the certificate of every service, and of one that there is
// none of.
func TestWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	var names []string
	for _, def := range suite.Definitions() {
		names = append(names, def.Name)
	}
	met := map[string]bool{}
	for _, method := range internalRPCs() {
		service := string(method.Parent().FullName())
		key := strings.TrimPrefix(service, "fgd.") + "/" + string(method.Name())
		want, known := mayCall()[key]
		if !known {
			key = strings.TrimPrefix(service, "fgd.") + "/*"
			want, known = mayCall()[key]
		}
		met[key] = true
		if !known {
			t.Errorf("nothing was meant for %s", method.FullName())
		}
		for _, caller := range rpc.CallersOf(method) {
			if !slices.Contains(names, caller) {
				t.Errorf("%s may be called by %s, which is no service", method.FullName(), caller)
			}
		}
		peers, err := rpc.NewPeers(map[string]grpc.ServiceInfo{
			service: {Methods: []grpc.MethodInfo{{Name: string(method.Name())}}},
		}, true)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, name := range append(slices.Clone(names), "somebody", "") {
			admitted := slices.Contains(strings.Fields(want), name)
			for kind, err := range tries(t.Context(), peers, name, "/"+service+"/"+string(method.Name())) {
				if (err == nil) != admitted || err != nil && !errs.HasCode(err, errs.ServiceRefused) {
					t.Errorf("%s, called by %q as a %s: %v", method.FullName(), name, kind, err)
				}
			}
		}
	}
	if n := len(internalRPCs()); n < 50 {
		t.Errorf("only %d RPCs were looked at", n)
	}
	for key := range mayCall() {
		if !met[key] {
			t.Errorf("there is no %s", key)
		}
	}
}

// tries makes a call and a stream as a service, or as somebody from a network who has proven nothing.
func tries(ctx context.Context, peers *rpc.Peers, name, method string) map[string]error {
	from := &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}
	if name != "" {
		from.AuthInfo = mtls.Peer{TLSInfo: credentials.TLSInfo{}, Service: name}
	}
	ctx = peer.NewContext(ctx, from)
	_, unary := peers.Unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: method},
		func(context.Context, any) (any, error) { return nil, nil })
	streamed := peers.Stream(nil, streamOf{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: method},
		func(any, grpc.ServerStream) error { return nil })
	return map[string]error{"call": unary, "stream": streamed}
}

type streamOf struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // that of the stream
}

func (s streamOf) Context() context.Context { return s.ctx }

// internalRPCs are those between services.
func internalRPCs() []protoreflect.MethodDescriptor {
	var out []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				role, _ := proto.GetExtension(methods.Get(j).Options(), accessv1.E_Role).(accessv1.Role)
				if role == accessv1.Role_ROLE_SERVICE {
					out = append(out, methods.Get(j))
				}
			}
		}
		return true
	})
	return out
}
