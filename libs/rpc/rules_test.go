package rpc_test

import (
	"context"
	"io"
	"path"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/testkit/grpctest"
)

// fabrics and syncs are public services that take everything.
type (
	fabrics struct {
		bridgev1.UnimplementedFabricServiceServer
	}
	syncs struct {
		bridgev1.UnimplementedSyncServiceServer
	}
)

func (fabrics) CreateFabric(context.Context, *bridgev1.CreateFabricRequest) (*bridgev1.CreateFabricResponse, error) {
	return &bridgev1.CreateFabricResponse{}, nil
}

func (fabrics) ListFabrics(context.Context, *bridgev1.ListFabricsRequest) (*bridgev1.ListFabricsResponse, error) {
	return &bridgev1.ListFabricsResponse{}, nil
}

func (syncs) StreamSyncEvents(_ *bridgev1.StreamSyncEventsRequest,
	stream grpc.ServerStreamingServer[bridgev1.StreamSyncEventsResponse],
) error {
	return stream.Send(&bridgev1.StreamSyncEventsResponse{})
}

// edge serves public services to callers.
func edge(t testing.TB, log io.Writer) *grpc.ClientConn {
	t.Helper()
	return grpctest.ServeWith(t, telemetryTo(t, log), rpc.Callers, func(r grpc.ServiceRegistrar) {
		bridgev1.RegisterFabricServiceServer(r, fabrics{})
		bridgev1.RegisterSyncServiceServer(r, syncs{})
		bridgev1.RegisterQuarantineServiceServer(r, bridgev1.UnimplementedQuarantineServiceServer{})
		bridgev1.RegisterMaintenanceServiceServer(r, bridgev1.UnimplementedMaintenanceServiceServer{})
	})
}

// newFabric returns a request that breaks no rule, changed.
func newFabric(change func(*bridgev1.CreateFabricRequest)) *bridgev1.CreateFabricRequest {
	request := &bridgev1.CreateFabricRequest{Name: "f", RepositoryUrl: "https://git.example.com/r.git"}
	if change != nil {
		change(request)
	}
	return request
}

func withCredentials(c *bridgev1.Credentials) proto.Message {
	return newFabric(func(r *bridgev1.CreateFabricRequest) { r.Credentials = c })
}

// TestABrokenRuleIsPutIntoWords: one sentence for each kind of rule, and in details.field the name the caller used.
func TestABrokenRuleIsPutIntoWords(t *testing.T) {
	t.Parallel()
	const (
		create = bridgev1.FabricService_CreateFabric_FullMethodName
		list   = bridgev1.FabricService_ListFabrics_FullMethodName
		get    = bridgev1.FabricService_GetFabric_FullMethodName
		ended  = bridgev1.SyncService_ListSyncs_FullMethodName
		start  = bridgev1.SyncService_TriggerSync_FullMethodName
		retry  = bridgev1.QuarantineService_RetryQuarantined_FullMethodName
		replay = bridgev1.MaintenanceService_ReplayDeadLetters_FullMethodName
	)
	secret := "ghp_" + strings.Repeat("s3cret", 3)
	for name, c := range map[string]struct {
		method  string
		request proto.Message
		field   string
		want    string
	}{
		"min_len": {
			create, newFabric(func(r *bridgev1.CreateFabricRequest) { r.RepositoryUrl = "" }),
			"repository_url", "repository_url is needed.",
		},
		"min_len, and only blanks": {
			create, newFabric(func(r *bridgev1.CreateFabricRequest) { r.Name = " " }),
			"name", "name is needed.",
		},
		"max_len": {
			create, newFabric(func(r *bridgev1.CreateFabricRequest) { r.Name = strings.Repeat("é", 101) }),
			"name", "name is too long; allowed are at most 100 characters.",
		},
		"a rule in CEL": {
			create, newFabric(func(r *bridgev1.CreateFabricRequest) { r.Name = "a\ab" }),
			"name", "name has characters that are no part of a line.",
		},
		"in": {
			create, newFabric(func(r *bridgev1.CreateFabricRequest) {
				r.Options = &bridgev1.FabricOptions{References: proto.String("maybe")}
			}),
			"options.references", `options.references is "maybe"; allowed is warn, reject, off.`,
		},
		"in, too long to repeat": {
			ended, &bridgev1.ListSyncsRequest{FabricId: 1, Trigger: strings.Repeat("x", 200)},
			"trigger", `trigger is "` + strings.Repeat("x", 79) +
				`…"; allowed is manual, webhook, scheduled, fabric_created.`,
		},
		"gt":  {get, &bridgev1.GetFabricRequest{FabricId: -1}, "fabric_id", "fabric_id is -1; allowed is 1 or more."},
		"gte": {ended, &bridgev1.ListSyncsRequest{FabricId: 1, Offset: -1}, "offset", "offset is -1; allowed is 0 or more."},
		"lte": {list, &bridgev1.ListFabricsRequest{Limit: 1001}, "limit", "limit is 1001; allowed is 1 to 1000."},
		"gte of two": {
			list, &bridgev1.ListFabricsRequest{Limit: -1}, "limit", "limit is -1; allowed is 1 to 1000.",
		},
		"gt of 64 bits": {
			create, withCredentials(&bridgev1.Credentials{GithubApp: &bridgev1.GitHubApp{AppId: -7, PrivateKey: secret}}),
			"credentials.github_app.app_id",
			"credentials.github_app.app_id is [redacted]; allowed is 1 or more.",
		},
		"min_len of a secret": {
			create, withCredentials(&bridgev1.Credentials{GithubApp: &bridgev1.GitHubApp{AppId: 1, InstallationId: 1}}),
			"credentials.github_app.private_key", "credentials.github_app.private_key is needed.",
		},
		"a secret in the wrong field": {
			create, withCredentials(&bridgev1.Credentials{Ref: secret}), "credentials.ref",
			"credentials.ref is [redacted]; allowed is env:NAME or file:NAME, with a name of letters, digits, _, . and -.",
		},
		"a rule of a message": {
			create, withCredentials(&bridgev1.Credentials{Token: secret, SshPrivateKey: secret}), "credentials",
			"credentials are given in exactly one way: token, username with password, ssh_private_key, github_app, or ref.",
		},
		"min_items": {replay, &bridgev1.ReplayDeadLettersRequest{}, "ids", "ids is needed."},
		"max_items": {
			replay, &bridgev1.ReplayDeadLettersRequest{Ids: make([]string, 1001)},
			"ids", "ids has 1001 entries; allowed are at most 1000.",
		},
		"prefix of an entry": {
			retry, &bridgev1.RetryQuarantinedRequest{FabricId: 1, Paths: []string{"unmanaged/a", "raw/b"}},
			"paths[1]", `paths[1] is "raw/b"; allowed is what begins with "unmanaged/".`,
		},
		"a form in CEL": {
			start, &bridgev1.TriggerSyncRequest{FabricId: 1, RequestId: "a b"},
			"request_id", "request_id takes letters, digits, dots, dashes and underscores.",
		},
		"the request of a stream": {
			bridgev1.SyncService_StreamSyncEvents_FullMethodName, &bridgev1.StreamSyncEventsRequest{},
			"sync_id", "sync_id is needed.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log logged
			err := invoke(t, edge(t, &log), c.method, c.request)
			e := errs.From(err)
			if !errs.HasCode(err, errs.InvalidRequest) || e.Message != c.want {
				t.Errorf("got %q, want %q", e.Message, c.want)
			}
			if e.Meta[errs.FieldKey] != c.field {
				t.Errorf("the field is %q, not %q", e.Meta[errs.FieldKey], c.field)
			}
			if log.String() != "" {
				t.Errorf("logged %s", log.String())
			}
		})
	}
}

func TestWhatBreaksNoRulePasses(t *testing.T) {
	t.Parallel()
	conn := edge(t, io.Discard)
	for method, request := range map[string]proto.Message{
		bridgev1.FabricService_CreateFabric_FullMethodName:   withCredentials(&bridgev1.Credentials{Ref: "env:TOKEN"}),
		bridgev1.FabricService_ListFabrics_FullMethodName:    &bridgev1.ListFabricsRequest{},
		bridgev1.SyncService_StreamSyncEvents_FullMethodName: &bridgev1.StreamSyncEventsRequest{SyncId: "1"},
	} {
		if err := invoke(t, conn, method, request); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
}

// invoke makes a call, and returns how it, or the first answer of its stream, failed.
func invoke(t *testing.T, conn *grpc.ClientConn, method string, request proto.Message) error {
	t.Helper()
	if !strings.Contains(method, "/Stream") {
		return conn.Invoke(t.Context(), method, request, &emptypb.Empty{})
	}
	stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, method)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	return stream.RecvMsg(&emptypb.Empty{})
}

// BenchmarkARequest measures calls over a loopback: one with the largest rules there are, and one like most. What the
// rules alone take of it is BenchmarkTheRules.
func BenchmarkARequest(b *testing.B) {
	for method, request := range map[string]proto.Message{
		bridgev1.FabricService_CreateFabric_FullMethodName: withCredentials(&bridgev1.Credentials{Token: "s3cret"}),
		bridgev1.FabricService_ListFabrics_FullMethodName:  &bridgev1.ListFabricsRequest{Limit: 10},
	} {
		b.Run(path.Base(method), func(b *testing.B) {
			conn := edge(b, io.Discard)
			b.ReportAllocs()
			for b.Loop() {
				if err := conn.Invoke(b.Context(), method, request, &emptypb.Empty{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
