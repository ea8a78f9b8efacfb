package httpapi

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

//go:embed docs.html
var docsPage string

// HealthFunc returns the health of every component, with nothing that is not for everybody. It asks nobody who wants to
// know.
type HealthFunc func(ctx context.Context) *bridgev1.GetHealthResponse

// pages are what is served beside the API: health, and the API's documentation.
type pages struct {
	health    HealthFunc
	problems  problems
	described lazyDescription
	docsCSP   string
}

func newPages(described lazyDescription, health HealthFunc, problems problems) *pages {
	return &pages{
		health: health, problems: problems, described: described,
		docsCSP: "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" +
			"; script-src '" + hashOf(docsPage, "script") + "'; style-src '" + hashOf(docsPage, "style") + "'",
	}
}

// hashOf returns the hash of a page's inline element, by which a content security policy lets it pass.
func hashOf(page, element string) string {
	_, rest, _ := strings.Cut(page, "<"+element+">")
	text, _, _ := strings.Cut(rest, "</"+element+">")
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (p *pages) byPath() map[string]http.Handler {
	return map[string]http.Handler{
		"/docs":         http.HandlerFunc(p.docs),
		"/openapi.json": http.HandlerFunc(p.document),
		"/healthz":      http.HandlerFunc(p.alive),
		"/readyz":       http.HandlerFunc(p.ready),
	}
}

func (p *pages) docs(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Security-Policy", p.docsCSP)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(docsPage))
}

func (p *pages) document(w http.ResponseWriter, r *http.Request) {
	description, err := p.described()
	if err != nil {
		p.problems.write(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(description.json)
}

// alive says that the process answers.
func (p *pages) alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"healthy"}`))
}

// ready says whether work can be taken, and how every component is.
func (p *pages) ready(w http.ResponseWriter, r *http.Request) {
	health := p.health(r.Context())
	body, err := encode(health)
	if err != nil {
		p.problems.write(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if health.GetStatus() == "unhealthy" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(body)
}
