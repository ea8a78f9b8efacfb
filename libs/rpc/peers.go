package rpc

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/mtls"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// Peers admits other services: each to what the contracts say that it may call, and to nothing else. Whoever proves to
// be a service may ask whether the server is well. The zero value is that of a server where nobody is asked to prove
// who he is.
type Peers struct {
	callers map[string][]string // by the full name of the method
	proven  bool                // over a network only those are there who have proven who they are
}

// NewPeers reads who may call what a server serves. Where nobody is asked to prove who he is, everybody is admitted:
// the server is then reached by this machine alone. It returns the error of an RPC that names no caller.
func NewPeers(services map[string]grpc.ServiceInfo, proven bool) (*Peers, error) {
	p := &Peers{callers: map[string][]string{}, proven: proven}
	for service, info := range services {
		if strings.HasPrefix("/"+service, ownService) {
			continue
		}
		for _, method := range info.Methods {
			found, err := contractOf(service, method.Name)
			if err != nil {
				return nil, err
			}
			callers := CallersOf(found)
			if len(callers) == 0 {
				return nil, fmt.Errorf("%s/%s names no caller and can't be served to services", service, method.Name)
			}
			p.callers["/"+service+"/"+method.Name] = callers
		}
	}
	return p, nil
}

// CallersOf returns the services that may call an RPC, as its contract names them.
func CallersOf(method protoreflect.Descriptor) []string {
	callers, _ := proto.GetExtension(method.Options(), accessv1.E_Callers).([]string)
	return callers
}

// Unary admits a call.
func (p *Peers) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := p.admit(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// Stream admits a stream.
func (p *Peers) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := p.admit(stream.Context(), info.FullMethod); err != nil {
		return err
	}
	return next(srv, stream)
}

func (p *Peers) admit(ctx context.Context, method string) error {
	from, known := peer.FromContext(ctx)
	if !known {
		return refuse("somebody", method)
	}
	if service, proven := from.AuthInfo.(mtls.Peer); proven {
		if IsHealth(method) || slices.Contains(p.callers[method], service.Service) {
			return nil
		}
		return refuse(service.Service, method)
	}
	if isInside(from.Addr) || !p.proven {
		return nil
	}
	return refuse("somebody without a certificate", method)
}

// isInside reports whether a call comes from this process.
func isInside(from net.Addr) bool { return from.Network() == LoopbackNetwork }

func refuse(who, method string) error {
	return errs.New(errs.ServiceRefused, "%s may not call %s.", who, strings.TrimPrefix(method, "/")).
		WithMeta("peer", who).WithMeta("method", strings.TrimPrefix(method, "/"))
}
