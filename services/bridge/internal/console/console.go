// Package console is what people see of the system in a browser. Its pages are made here, from the answers of the
// calls that anybody can make, with the rights of who has signed in; it has no data of its own but sessions. Every
// action is a form and every page has an address, so that both work without JavaScript, which only saves reloads.
package console

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/issuer"
)

// Deps are what the console works with.
type Deps struct {
	Self  grpc.ClientConnInterface // to the server that serves fgd.bridge.v1
	Redis *redisconn.Conn          // where sessions are
	// Issuer is where people sign in who show no token; nil for none.
	Issuer *issuer.Issuer
	// Open says that nobody is asked who they are.
	Open bool
	// TraceURL is where the trace of a sync is shown, with TraceID in the place of its id; empty for nowhere.
	TraceURL string
	Log      *slog.Logger
	Now      func() time.Time
}

// Console serves the pages.
type Console struct {
	api    api
	pages  func() (*pages, error) // most of the processes that have a console never show a page
	assets assets
	mux    *http.ServeMux
	issuer *issuer.Issuer
	open   bool
	traces string
	log    *slog.Logger
	now    func() time.Time
	// plain and secure are the sessions of those who come over http from this machine, and of all others.
	plain, secure *scs.SessionManager
}

// api are the calls that pages make.
type api struct {
	access     bridgev1.AccessServiceClient
	audit      bridgev1.AuditServiceClient
	conflicts  bridgev1.ConflictServiceClient
	directory  bridgev1.DirectoryServiceClient
	fabrics    bridgev1.FabricServiceClient
	health     bridgev1.HealthServiceClient
	history    bridgev1.HistoryServiceClient
	quarantine bridgev1.QuarantineServiceClient
	resources  bridgev1.ResourceServiceClient
	syncs      bridgev1.SyncServiceClient
	upkeep     bridgev1.MaintenanceServiceClient
}

// New returns the console.
func New(deps Deps) (*Console, error) {
	c := &Console{
		api: api{
			access: bridgev1.NewAccessServiceClient(deps.Self), audit: bridgev1.NewAuditServiceClient(deps.Self),
			conflicts: bridgev1.NewConflictServiceClient(deps.Self), directory: bridgev1.NewDirectoryServiceClient(deps.Self),
			fabrics: bridgev1.NewFabricServiceClient(deps.Self), health: bridgev1.NewHealthServiceClient(deps.Self),
			history: bridgev1.NewHistoryServiceClient(deps.Self), quarantine: bridgev1.NewQuarantineServiceClient(deps.Self),
			resources: bridgev1.NewResourceServiceClient(deps.Self), syncs: bridgev1.NewSyncServiceClient(deps.Self),
			upkeep: bridgev1.NewMaintenanceServiceClient(deps.Self),
		},
		mux: http.NewServeMux(), issuer: deps.Issuer, open: deps.Open, traces: deps.TraceURL, log: deps.Log, now: deps.Now,
	}
	var err error
	if c.assets, err = readAssets(); err != nil {
		return nil, err
	}
	c.pages = sync.OnceValues(func() (*pages, error) { return readPages(c.assets, c.now) })
	c.plain = newSessions(deps.Redis, false, c.sessionFailed)
	c.secure = newSessions(deps.Redis, true, c.sessionFailed)
	c.route()
	return c, nil
}

// sections are the first parts of the paths that the console serves.
var sections = []string{ //nolint:gochecknoglobals // read only
	"", "assets", "audit", "dead-letters", "fabrics", "health", "me", "sign-in", "sign-out", "syncs",
}

// Serves reports whether a path is one of the console's.
func Serves(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	for _, section := range sections {
		if first == section {
			return true
		}
	}
	return false
}

// IsLive reports whether a path is that of a stream of the console.
func IsLive(path string) bool { return Serves(path) && strings.HasSuffix(path, "/live") }

// ServeHTTP serves a request.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "+
		"img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	if strings.HasPrefix(r.URL.Path, assetPath) {
		c.assets.ServeHTTP(w, r)
		return
	}
	c.sessionsOf(r).LoadAndSave(c.mux).ServeHTTP(w, r)
}

// sessionsOf returns the sessions of those who come as a request does. A browser keeps what is for https from http.
func (c *Console) sessionsOf(r *http.Request) *scs.SessionManager {
	if hosts.IsLoopback(r.Host) {
		return c.plain
	}
	return c.secure
}

// route has each path served by its page. What changes something is a POST, and a form of ours.
func (c *Console) route() {
	c.mux.HandleFunc("GET /sign-in", c.serve(anybody, (*visit).signInForm))
	c.mux.HandleFunc("POST /sign-in", c.serve(anybody, (*visit).signIn))
	c.mux.HandleFunc("GET /sign-in/issuer", c.serve(anybody, (*visit).toIssuer))
	c.mux.HandleFunc("GET "+returnPath, c.serve(returning, (*visit).fromIssuer))
	c.mux.HandleFunc("POST /sign-out", c.serve(anybody, (*visit).signOut))
	for pattern, page := range map[string]page{
		"GET /{$}":                               (*visit).showFabrics,
		"GET /fabrics/new":                       (*visit).showRegistration,
		"POST /fabrics/new":                      (*visit).register,
		"GET /fabrics/live":                      (*visit).followFabrics,
		"GET /fabrics/{fabric}":                  (*visit).showFabric,
		"POST /fabrics/{fabric}/sync":            (*visit).startSync,
		"POST /fabrics/{fabric}/suspend":         (*visit).suspend,
		"POST /fabrics/{fabric}/resume":          (*visit).resume,
		"POST /fabrics/{fabric}/check":           (*visit).checkConnection,
		"GET /fabrics/{fabric}/syncs":            (*visit).showFabricSyncs,
		"GET /fabrics/{fabric}/structure":        (*visit).showStructure,
		"POST /fabrics/{fabric}/repair":          (*visit).repair,
		"GET /fabrics/{fabric}/quarantine":       (*visit).showQuarantine,
		"GET /fabrics/{fabric}/quarantine/file":  (*visit).showQuarantinedFile,
		"POST /fabrics/{fabric}/quarantine":      (*visit).actOnQuarantine,
		"POST /fabrics/{fabric}/quarantine/file": (*visit).mendQuarantinedFile,
		"GET /fabrics/{fabric}/resources":        (*visit).showResources,
		"GET /fabrics/{fabric}/resources/one":    (*visit).showResource,
		"GET /fabrics/{fabric}/topology":         (*visit).showTopology,
		"GET /fabrics/{fabric}/history":          (*visit).showHistory,
		"GET /fabrics/{fabric}/diff":             (*visit).showDiff,
		"POST /fabrics/{fabric}/restore":         (*visit).restore,
		"GET /fabrics/{fabric}/conflicts":        (*visit).showConflicts,
		"GET /fabrics/{fabric}/conflicts/{id}":   (*visit).showConflict,
		"POST /fabrics/{fabric}/conflicts/{id}":  (*visit).settleConflict,
		"GET /syncs":                             (*visit).showSyncs,
		"GET /syncs/{sync}":                      (*visit).showSync,
		"GET /syncs/{sync}/live":                 (*visit).followSync,
		"GET /syncs/{sync}/plan":                 (*visit).showPlan,
		"POST /syncs/{sync}/cancel":              (*visit).cancelSync,
		"GET /health":                            (*visit).showHealth,
		"GET /dead-letters":                      (*visit).showDeadLetters,
		"POST /dead-letters":                     (*visit).replayDeadLetters,
		"GET /audit":                             (*visit).showAudit,
		"GET /me":                                (*visit).showMe,
		"GET /{anything...}":                     (*visit).nothingHere,
	} {
		c.mux.HandleFunc(pattern, c.serve(signedIn, page))
	}
}

// page makes a page, or does what a form asks for. Its error becomes a page of its own.
type page func(v *visit) error

// visitors are those for whom a page is.
type visitors int

const (
	signedIn visitors = iota
	anybody
	returning // from another site: such a request has no cookie of ours that is for requests of this one
)

// serve returns the handler of a page.
func (c *Console) serve(who visitors, p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		named(r)
		v := &visit{Console: c, w: w, r: r}
		err := v.begin(who)
		if err == nil {
			err = p(v)
		}
		switch {
		case err == nil:
		case who == signedIn && errs.KindOf(err) == errs.Unauthenticated:
			v.toSignIn()
		default:
			v.fail(err)
		}
	}
}

// named names the span of a request by its route.
func named(r *http.Request) {
	span := trace.SpanFromContext(r.Context())
	span.SetName(r.Pattern)
	_, route, _ := strings.Cut(r.Pattern, " ")
	span.SetAttributes(attribute.String("http.route", strings.TrimSuffix(route, "{$}")))
}

// sessionFailed answers who can't be told from others, for sessions can't be read or kept.
func (c *Console) sessionFailed(w http.ResponseWriter, r *http.Request, err error) {
	(&visit{Console: c, w: w, r: r}).fail(err)
}

// statusOf returns the HTTP status of an error.
func statusOf(err error) int { return runtime.HTTPStatusFromCode(errs.ToStatus(err).Code()) }

// fail shows an error: what is the matter, and what to do.
func (v *visit) fail(err error) {
	status, shown := statusOf(err), errs.From(err)
	if status >= http.StatusInternalServerError {
		v.log.ErrorContext(v.r.Context(), "page failed", "method", v.r.Method, "path", v.r.URL.Path, "status", status,
			"error", err.Error())
	}
	v.write(status, "problem", view{Title: "This did not work", Data: map[string]any{
		"Code": shown.Code.ID, "Name": shown.Code.Name, "Message": shown.Message, "Remedy": shown.RemedyText(),
		"Correlation": rpc.CallOf(v.r.Context()).CorrelationID,
	}})
}

// write writes a page whole, or says that it can't be made.
func (v *visit) write(status int, name string, data view) {
	data.visit = v
	var body bytes.Buffer
	if err := v.render(&body, name, data); err != nil {
		v.log.ErrorContext(v.r.Context(), "page has a defect", "page", name, "error", err.Error())
		http.Error(v.w, "The page can't be shown.", http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(body.Bytes()) // a visitor that has gone needs no page
}

// render renders a page.
func (v *visit) render(w io.Writer, name string, data view) error {
	pages, err := v.pages()
	if err != nil {
		return err
	}
	return pages.render(w, name, data)
}

// nothingHere says that there is no such page.
func (v *visit) nothingHere() error {
	return errs.New(errs.PathNotFound, "There is no such page.").WithRemedy("Start from the list of fabrics.")
}

// ask returns what a call answers to a visit.
func ask[Request, Response any](
	v *visit, call func(context.Context, Request, ...grpc.CallOption) (Response, error), request Request,
) (Response, error) {
	return call(v.calls, request)
}
