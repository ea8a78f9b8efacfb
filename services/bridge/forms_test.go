package bridge_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/protobuf/types/known/timestamppb"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// TestMethods: every path that the document names takes HEAD where it takes GET, and says what it takes when it refuses
// a method.
func TestMethods(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.kept = &fabricv1.ListQuarantineResponse{
		Files: []*fabricv1.QuarantinedFile{{File: &reportv1.QuarantinedFile{}}},
	}
	replace := strings.NewReplacer("{fabric_id}", "35", "{sync_id}", b.fabric(), "{path}", "unmanaged/a.yaml")
	methods, queries := map[string][]string{}, map[string]string{}
	b.openAPI().operations(func(method, path string, operation object) {
		target := replace.Replace(path)
		methods[target] = append(methods[target], strings.ToUpper(method))
		for name, p := range parameters(operation) {
			if p["in"] == "query" && p["required"] == true {
				queries[target] = "?" + name + "=" + commitA
			}
		}
	})
	for path, taken := range methods {
		if slices.Contains(taken, "GET") {
			taken = append(taken, "HEAD")
			b.requireHead(path + queries[path])
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			if slices.Contains(taken, method) {
				continue
			}
			a := b.call(method, path, "")
			allowed := strings.Split(a.header.Get("Allow"), ", ")
			slices.Sort(allowed)
			slices.Sort(taken)
			if a.status != http.StatusMethodNotAllowed || !slices.Equal(allowed, taken) {
				t.Errorf("%s %s: %d, allowed %v, want %v", method, path, a.status, allowed, taken)
			}
		}
	}
}

// requireHead holds that HEAD answers as GET does, without a body.
func (b *bundle) requireHead(path string) {
	b.t.Helper()
	if strings.HasSuffix(path, "/events") {
		return // a stream goes on until its sync ends
	}
	head, get := b.call("HEAD", path, ""), b.call("GET", path, "")
	if head.status != get.status || head.raw != "" || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
		b.t.Errorf("HEAD %s: %d %v %q, GET: %d", path, head.status, head.header, head.raw, get.status)
	}
}

// TestBodiesAreJSON: a form of a foreign page can have JSON sent as text, and as nothing that is taken.
func TestBodiesAreJSON(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	for contentType, taken := range map[string]bool{
		"application/json": true, "Application/JSON; charset=utf-8": true, "": true,
		"application/x-www-form-urlencoded": true, // what curl says
		"text/plain":                        false, "text/plain;charset=UTF-8": false,
		"multipart/form-data; boundary=x": false, "text/html": false, "application/xml": false, "nonsense/": false,
	} {
		a := b.call("POST", "/api/v1/fabrics/35/syncs", "{}", header{"Content-Type", contentType})
		if !taken {
			b.checkProblem(contentType, a, http.StatusUnsupportedMediaType, "FGD_1041")
		} else if a.status != http.StatusOK {
			t.Errorf("%s: %d %s", contentType, a.status, a.raw)
		}
	}
}

// TestThePathWins: a body may repeat what the path says, and nothing else.
func TestThePathWins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	for _, body := range []string{
		`{"fabric_id":51,"name":"x"}`, `{"fabricId":51}`, `{"fabric_id":"51"}`, `{"fabric_id":null}`,
	} {
		problem := b.problem("PATCH", "/api/v1/fabrics/35", body, 400, "FGD_1010")
		if problem["details"].(object)["field"] != "fabric_id" ||
			!strings.HasPrefix(problem["message"].(string), "fabric_id ") {
			t.Errorf("%s: %v", body, problem)
		}
	}
	for _, body := range []string{`{"fabric_id":35,"name":"x"}`, `{"fabricId":"35"}`, `{}`} {
		b.ok("PATCH", "/api/v1/fabrics/35", body)
	}
}

// TestNothingFollowsABody: what comes after the object would be passed over.
func TestNothingFollowsABody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	for _, body := range []string{`{}{}`, `{} {"trigger":"manual"}`, `{}x`, `{}]`} {
		b.problem("POST", "/api/v1/fabrics/35/syncs", body, 400, "FGD_1010")
	}
	b.ok("POST", "/api/v1/fabrics/35/syncs", "\n {} \n")
}

// TestDatesAreTimes: whoever looks at a day gets all of it.
func TestDatesAreTimes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.end(b.fabric(), syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	day := func(text string) *timestamppb.Timestamp {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return timestamppb.New(at)
	}
	b.ok("GET", "/api/plugins/hedgehog/fabrics/35/sync-history/?start_date=2026-02-28&end_date=2026-02-28", "")
	b.requireAsked(&syncv1.ListSyncsRequest{
		FabricId: 35, Limit: 50, StartDate: day("2026-02-28T00:00:00Z"), EndDate: day("2026-03-01T00:00:00Z"),
	})
	b.ok("GET", "/api/v1/fabrics/35/files?as_of=2026-02-28", "")
	b.requireAsked(&fabricv1.ListFilesRequest{
		FabricId: 35, Limit: 1000, At: &fabricv1.ListFilesRequest_AsOf{AsOf: day("2026-02-28T00:00:00Z")},
	})
	b.ok("GET", "/api/v1/fabrics/35/commits?since=2026-02-28&until=2026-02-28T12:00:00Z", "")
	b.requireAsked(&fabricv1.ListCommitsRequest{
		FabricId: 35, Limit: 50, Since: day("2026-02-28T00:00:00Z"), Until: day("2026-02-28T12:00:00Z"),
	})
	// The branch of the test has no commits.
	b.problem("POST", "/api/v1/fabrics/35/directory:restore", `{"as_of": "2026-02-28"}`, 404, "FGD_4013")
	for _, request := range []string{
		"GET /api/v1/fabrics/35/files?as_of=2026-02-30", "GET /api/v1/fabrics/35/syncs?start_date=yesterday",
		`POST /api/v1/fabrics/35/directory:restore {"as_of":"2026-02-30"}`,
	} {
		e := b.refusedOverJSON(request)
		if !strings.HasSuffix(e.Message, "has to be a date or a time, for example 2026-03-01 or 2026-03-01T12:00:00Z.") {
			t.Errorf("%s: %s", request, e.Message)
		}
	}
}

// TestWhatSaysNothingIsAbsent: an empty text is none, and looks like one to who asks whether it is there.
func TestWhatSaysNothingIsAbsent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	b.backend.end(id, syncv1.State_STATE_COMPLETED, "sync.completed", func(s *syncv1.Sync) {
		s.Result = &syncv1.Result{}
		s.Transitions = []*syncv1.Transition{{To: syncv1.State_STATE_COMPLETED}}
	})
	status := b.ok("GET", "/api/v1/syncs/"+id, "")
	for what, in := range map[string]any{
		"commit_sha": status["result"], "commit_url": status["result"], "diff": status["result"],
		"current_stage": status["progress"], "cause": status["transitions"].([]any)[0],
	} {
		if value, there := in.(object)[what]; there {
			t.Errorf("%s is %q", what, value)
		}
	}
	if status["errors"] == nil || status["result"].(object)["files_created"] != 0.0 {
		t.Errorf("an empty list or a zero is not there: %v", status)
	}
}

// TestSpansAreNamedByRoute, and what machines ask every few seconds has none.
func TestSpansAreNamedByRoute(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	b := setupWith(t, sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)))
	id := b.fabric()
	spans.Reset()
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		b.ok("GET", "/readyz", "")
		b.call("GET", path, "")
	}
	if got := spans.GetSpans(); len(got) > 0 {
		t.Errorf("health has spans: %s", got[0].Name)
	}
	for request, want := range map[string]string{
		"GET /api/v1/fabrics/35":                               "GET /api/v1/fabrics/{fabric_id}",
		"GET /api/plugins/hedgehog/fabrics/35/sync-history/":   "GET /api/plugins/hedgehog/fabrics/{fabric_id}/sync-history",
		"POST /api/v1/syncs/" + id + ":cancel":                 "POST /api/v1/syncs/{sync_id}:cancel",
		"GET /api/v1/fabrics/35/quarantine/unmanaged%2Fa.yaml": "GET /api/v1/fabrics/{fabric_id}/quarantine/{path}",
		"HEAD /api/v1/syncs/" + id + "/events":                 "HEAD /api/v1/syncs/{sync_id}/events",
		"GET /docs":                                            "GET /docs",
		"GET /nothing/at/all":                                  "GET",
	} {
		spans.Reset()
		method, path, _ := strings.Cut(request, " ")
		b.call(method, path, "")
		if got := routesOf(spans); got != want {
			t.Errorf("%s: %s", request, got)
		}
	}
}

// routesOf returns the name of the span of a request, which has the route as an attribute too.
func routesOf(spans *tracetest.InMemoryExporter) string {
	for _, span := range spans.GetSpans() {
		if span.Parent.IsValid() || !slices.ContainsFunc(span.Attributes, isMethod) { // what the bridge does by itself
			continue
		}
		_, route, known := strings.Cut(span.Name, " ")
		if known != slices.Contains(span.Attributes, attribute.String("http.route", route)) {
			return fmt.Sprint("attributes ", span.Attributes)
		}
		return span.Name
	}
	return "no span"
}

// isMethod reports whether an attribute is the method of a request over HTTP.
func isMethod(a attribute.KeyValue) bool { return a.Key == "http.request.method" }
