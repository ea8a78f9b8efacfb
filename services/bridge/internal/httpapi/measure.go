package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"fgdsync.dev/services/bridge/internal/console"
)

// Surfaces are what is told apart in metrics of HTTP. The methods of the JSON API are told apart in those of gRPC,
// which it calls.
const (
	surfaceAPI        = "api"
	surfaceLive       = "live"       // streams of progress, whose length says nothing
	surfaceWebhooks   = "webhooks"   // of Git hosts
	surfacePages      = "pages"      // the console, documentation, and what is not there
	surfaceOperations = "operations" // health and metrics
)

func surface(path string) string {
	switch {
	case operational(strings.TrimSuffix(path, "/")):
		return surfaceOperations
	case console.IsLive(path), path == watchPath, strings.HasPrefix(path, "/ws/"),
		strings.HasPrefix(path, "/api/v1/syncs/") &&
			strings.HasSuffix(strings.TrimSuffix(path, "/"), "/events"):
		return surfaceLive
	case strings.HasPrefix(path, "/api/"):
		return surfaceAPI
	case strings.HasPrefix(path, "/webhooks/"):
		return surfaceWebhooks
	}
	return surfacePages
}

type surfaceKey struct{}

func surfaceOf(ctx context.Context) string {
	name, _ := ctx.Value(surfaceKey{}).(string)
	return name
}

// measured counts requests by surface and status, and takes the time of those that are not streams.
func measured(registry prometheus.Registerer, next http.Handler) (http.Handler, error) {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fgd_http_requests_total", Help: "HTTP requests that were answered, by surface and status.",
	}, []string{"surface", "code"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "fgd_http_request_duration_seconds", Help: "Time until an HTTP request was answered; streams are left out.",
		Buckets: []float64{0.005, 0.025, 0.1, 0.5, 1, 5, 30},
	}, []string{"surface"})
	for _, c := range []prometheus.Collector{total, seconds} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics: %w", err)
		}
	}
	for _, name := range []string{surfaceAPI, surfaceLive, surfaceWebhooks, surfacePages, surfaceOperations} {
		for _, code := range []string{"200", "500", "503"} { // of a series that is born late no rate shows the birth
			total.WithLabelValues(name, code)
		}
	}
	label := promhttp.WithLabelFromCtx("surface", surfaceOf)
	counted := promhttp.InstrumentHandlerCounter(total, next, label)
	timed := promhttp.InstrumentHandlerDuration(seconds, counted, label)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := surface(r.URL.Path)
		r = r.WithContext(context.WithValue(r.Context(), surfaceKey{}, name))
		if name == surfaceLive {
			counted.ServeHTTP(w, r)
			return
		}
		timed.ServeHTTP(w, r)
	}), nil
}
