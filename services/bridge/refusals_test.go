package bridge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"fgdsync.dev/libs/errs"
)

// refused is a request that is refused, and the field that it is refused for, as the caller calls it.
type refused struct {
	field string
	// json is "METHOD path body".
	json string
	// request is the same over gRPC. Some have no form there: gRPC has no unknown fields and no wrong types.
	request proto.Message
}

// call sends a request over gRPC and returns its error.
func (b *bundle) invoke(rpc protoreflect.MethodDescriptor, request proto.Message) error {
	method := "/" + strings.ReplaceAll(string(rpc.FullName()), "."+string(rpc.Name()), "/"+string(rpc.Name()))
	reply := dynamicpb.NewMessage(rpc.Output())
	if !rpc.IsStreamingServer() {
		return b.self.Invoke(b.t.Context(), method, request, reply)
	}
	stream, err := b.self.NewStream(b.t.Context(), &grpc.StreamDesc{ServerStreams: true}, method)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return stream.RecvMsg(reply)
}

// requireRefusal holds the one form that every refusal has: the code, the field under the caller's name, a message that
// begins with it, and what to do.
func requireRefusal(t *testing.T, over, field string, e *errs.Error) {
	t.Helper()
	if e.Code.ID != errs.InvalidRequest.ID || e.Code.Kind != errs.Invalid {
		t.Errorf("over %s: code %s of kind %v: %v", over, e.Code.ID, e.Code.Kind, e)
	}
	if got := e.Meta[errs.FieldKey]; got != field {
		t.Errorf("over %s: field %q, want %q: %v", over, got, field, e)
	}
	if !strings.HasPrefix(e.Message, field+" ") || !strings.HasSuffix(e.Message, ".") {
		t.Errorf("over %s: message %q does not begin with %s", over, e.Message, field)
	}
	if e.RemedyText() == "" {
		t.Errorf("over %s: no remedy: %v", over, e)
	}
}

// refusedOverJSON sends a request over HTTP and returns its error.
func (b *bundle) refusedOverJSON(request string) *errs.Error {
	b.t.Helper()
	method, rest, _ := strings.Cut(request, " ")
	path, body, _ := strings.Cut(rest, " ")
	problem := b.problem(method, path, body, http.StatusBadRequest, errs.InvalidRequest.ID)
	e := errs.New(errs.InvalidRequest, "%s", problem["message"]).WithRemedy("%s", problem["remedy"])
	for key, value := range problem["details"].(map[string]any) {
		e = e.WithMeta(key, fmt.Sprint(value))
	}
	return e
}

// TestOneVoice: the same refusal has the same form over gRPC and over JSON, for every RPC that callers have.
func TestOneVoice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	cases := refusedRequests()
	for _, rpc := range rpcs() {
		if !isPublic(rpc) {
			continue
		}
		name := string(rpc.Parent().Name()) + "." + string(rpc.Name())
		if len(cases[name]) == 0 {
			t.Errorf("%s has no request that is refused", name)
		}
		overGRPC := 0
		for _, c := range cases[name] {
			t.Run(name+" "+c.field, func(t *testing.T) {
				b := *b
				b.t = t
				overJSON := b.refusedOverJSON(c.json)
				requireRefusal(t, "JSON", c.field, overJSON)
				if c.request == nil {
					return
				}
				overGRPC++
				e := errs.From(b.invoke(rpc, c.request))
				requireRefusal(t, "gRPC", c.field, e)
				if e.Message != overJSON.Message || e.RemedyText() != overJSON.RemedyText() {
					t.Errorf("over gRPC %q, over JSON %q", e.Message, overJSON.Message)
				}
			})
		}
		if overGRPC == 0 && rpc.Input().Fields().Len() > 0 {
			t.Errorf("%s has no request that is refused over gRPC", name)
		}
		delete(cases, name)
	}
	for name := range cases {
		t.Errorf("there is no RPC %s", name)
	}
}

// TestOneVoiceOfTheServicesBehind: a service behind the bridge names fields of its own requests; callers hear the names
// that they used.
func TestOneVoiceOfTheServicesBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	const create = `POST /api/v1/fabrics {"name":"x","repository_url":"u","gitops_directory":"d"}`
	const restore = `POST /api/v1/fabrics/35/directory:restore {"commit":"` + commitA + `"}`
	for _, c := range []struct{ theirs, json, field string }{
		{"fabric.fabric_id", create, "fabric_id"},
		{"fabric.name", create, "name"},
		{"fabric.location.repository_url", create, "repository_url"},
		{"fabric.location.branch", create, "branch"},
		{"fabric.location.directory", create, "gitops_directory"},
		{"fabric.location.credentials", create, "credentials"},
		{"fabric.options.on_conflict", create, "options.on_conflict"},
		{"fabric.sync_interval_seconds", create, "sync_interval_seconds"},
		{"location.directory", create, "gitops_directory"},
		{"directory", create, "gitops_directory"},
		{"credentials.token", create, "credentials.token"},
		{"fabric.location.directory", `PATCH /api/v1/fabrics/35 {"gitops_directory":"x"}`, "gitops_directory"},
		{"location.repository_url", `POST /api/v1/connections:check {"repository_url":"u"}`, "repository_url"},
		{"location.directory", `POST /api/v1/connections:check {"repository_url":"u"}`, "gitops_directory"},
		{"options.restore_commit", restore, "commit"},
		{"options.restore_paths", restore, "paths"},
		{"options.restore_paths[2]", restore, "paths[2]"},
		{"options.retry_paths[0]", `POST /api/v1/fabrics/35/quarantine:retry {"paths":["unmanaged/a"]}`, "paths[0]"},
		{"options.release_paths[0]", `POST /api/v1/fabrics/35/quarantine:release {"paths":["unmanaged/a"]}`, "paths[0]"},
		{"options.refuse_if_running", "POST /api/v1/fabrics/35/syncs {}", "options.if_running"},
		{"state", "GET /api/v1/fabrics/35/syncs", "status"},
		{"directory", "GET /api/v1/fabrics/35/files", "directory"},
		{"paths[1]", "GET /api/v1/fabrics/35/commits", "path[1]"},
		{"from_commit", "GET /api/v1/fabrics/35/directory:diff?from=" + commitA, "from"},
		{"to_commit", "GET /api/v1/fabrics/35/directory:diff?from=" + commitA, "to"},
		{"since_commit", "GET /api/v1/fabrics/35/directory:changes", "since"},
		{"page_token", "GET /api/v1/fabrics/35/files", "page_token"},
		{"ids[0]", `POST /api/v1/dead-letters:replay {"ids":["x"]}`, "ids[0]"},
	} {
		b.backend.fail(errs.Field(c.theirs, "%s is not what it has to be.", c.theirs))
		requireRefusal(t, c.json, c.field, b.refusedOverJSON(c.json))
	}
}
