package e2e

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// TestOneTrace: whoever looks at a sync in Jaeger sees one trace, from the call over all five services to Redis and the
// Git host, be the services five processes or one.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, []string) *system.System{
		"five processes": func(t testing.TB, env []string) *system.System {
			return programs.Five(t, system.Redis(t).URL(), env)
		},
		"one process": func(t testing.TB, env []string) *system.System { return programs.Up(t, env) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, fabric.PreInit(directory))
			collector := system.Traces(t)
			s := start(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL})
			h.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Status: http.StatusTooManyRequests, RetryAfter: "1"})
			var registered system.Accepted
			s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
			h.requireIngested(s.Ended(registered.SyncID))
			var status struct {
				TraceID string `json:"trace_id"`
			}
			s.Call(http.MethodGet, "/api/v1/syncs/"+registered.SyncID, nil, &status)
			measured := get(t, s.Client(), cmp.Or(s.Operations["orchestrator"], s.Base)+"/metrics",
				"application/openmetrics-text")
			requireExemplars(t, measured, status.TraceID)
			for _, p := range s.Processes {
				p.Stop() // and sends what it has not sent yet
			}
			requireOneTrace(t, collector.Spans(), registered.SyncID, status.TraceID)
		})
	}
}

// requireExemplars holds that a trace is named where the times of its sync are counted.
func requireExemplars(t *testing.T, measured, traceID string) {
	t.Helper()
	for _, histogram := range []string{"fgd_sync_duration_seconds", "fgd_sync_stage_duration_seconds"} {
		exemplar := regexp.MustCompile(histogram + `_bucket\{.*\} \d+ # \{trace_id="` + traceID + `"\} `)
		if traceID == "" || !exemplar.MatchString(measured) {
			t.Errorf("no exemplar of %s leads to the trace %q:\n%s", histogram, traceID, measured)
		}
	}
}

func requireOneTrace(t *testing.T, all []system.Span, syncID, traceID string) {
	t.Helper()
	at := slices.IndexFunc(all, func(s system.Span) bool {
		return s.Name == "process fgd.work" && s.Attributes["cicd.pipeline.run.id"] == syncID
	})
	if at < 0 {
		t.Fatalf("nobody worked on the sync in %v", all)
	}
	work := all[at]
	if traceID != work.TraceID {
		t.Errorf("the sync says that its trace is %q, which is %q", traceID, work.TraceID)
	}
	spans := map[string][]system.Span{}
	services := map[string]bool{}
	for _, span := range all {
		if span.TraceID == work.TraceID {
			spans[span.Name], services[span.Service] = append(spans[span.Name], span), true
		}
	}
	for _, name := range system.Services() {
		if !services["fgd-"+name] {
			t.Errorf("%s is not in the trace: %v", name, services)
		}
	}
	// The push failed once, so that there are two attempts.
	for name, n := range map[string]int{
		"POST /api/v1/fabrics": 1, "send fgd.work": 1, "process fgd.work": 1, "attempt": 2, "validation": 2, "github_sync": 2,
		"reconciliation": 1, "examine": 3, "judge": 2, "git git-receive-pack": 2,
	} {
		if len(spans[name]) != n {
			t.Errorf("the trace has %s %d times, not %d", name, len(spans[name]), n)
		}
	}
	if len(spans["evalsha"]) == 0 {
		t.Errorf("no command to Redis is in the trace: %v", spans)
	}
	if t.Failed() {
		for name, of := range spans {
			t.Logf("%d times %s of %s", len(of), name, of[0].Service)
		}
		return
	}
	if sent := spans["send fgd.work"][0]; work.Parent != sent.ID {
		t.Errorf("the work is in %s, not in what was sent, %s", work.Parent, sent.ID)
	}
	requireLinked(t, spans["attempt"])
}

// requireLinked holds that of two attempts of a sync one leads to the other.
func requireLinked(t *testing.T, attempts []system.Span) {
	t.Helper()
	slices.SortFunc(attempts, func(a, b system.Span) int { return len(a.Links) - len(b.Links) })
	first, second := attempts[0], attempts[1]
	if len(first.Links) != 0 || !slices.Equal(second.Links, []string{first.ID}) {
		t.Errorf("the attempts %s and %s lead to %v and %v", first.ID, second.ID, first.Links, second.Links)
	}
	if first.Attributes["vcs.ref.head.revision"] != "" || len(second.Attributes["vcs.ref.head.revision"]) != 40 ||
		second.Attributes["vcs.repository.url.full"] == "" {
		t.Errorf("the attempts say %v and %v", first.Attributes, second.Attributes)
	}
}
