package console

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// visit is one request for a page.
type visit struct {
	*Console

	w      http.ResponseWriter
	r      *http.Request
	calls  context.Context //nolint:containedctx // that of the calls for the page: they show who visits
	caller *bridgev1.GetCallerResponse
	form   string // what a form has to bring back
}

// begin finds out who visits, and that what changes something was asked for by a form of ours.
func (v *visit) begin(who visitors) error {
	if who != returning {
		if err := v.protectForms(); err != nil {
			return err
		}
	}
	authorization := ""
	if who == signedIn {
		authorization = v.sessionsOf(v.r).GetString(v.r.Context(), authorizationKey)
	}
	v.calls = v.showing(authorization)
	switch {
	case who != signedIn:
		return nil
	case authorization == "" && !v.open: // whoever shows nothing is refused nothing, and in no audit
		return errs.New(errs.NotAuthenticated, "Nobody is signed in.")
	}
	var err error
	v.caller, err = ask(v, v.api.access.GetCaller, &bridgev1.GetCallerRequest{})
	return err
}

// showing returns the context of calls that show what proves who asks.
func (v *visit) showing(authorization string) context.Context {
	md := metadata.Pairs(rpc.CorrelationIDKey, rpc.CallOf(v.r.Context()).CorrelationID, rpc.SourceKey, v.r.RemoteAddr)
	if authorization != "" {
		md.Set(rpc.AuthorizationKey, authorization)
	}
	return metadata.NewOutgoingContext(v.r.Context(), md)
}

const formField = "form_token"

// protectForms gives a browser what its forms bring back, and refuses a form that does not bring it: it is none of
// ours. That no other page can have a browser post here is held by the origin of the request besides.
func (v *visit) protectForms() error {
	name := cookieName("fgd-form", v.sessionsOf(v.r) == v.secure)
	if cookie, err := v.r.Cookie(name); err == nil && len(cookie.Value) == len(rand.Text()) {
		v.form = cookie.Value
	}
	if v.r.Method == http.MethodPost {
		brought := v.r.PostFormValue(formField)
		if v.form == "" || subtle.ConstantTimeCompare([]byte(brought), []byte(v.form)) == 0 {
			return errs.New(errs.OriginRefused, "The form is not one of this page, or it is too old.").
				WithRemedy("Load the page again, and press the button there.")
		}
	}
	if v.form == "" {
		v.form = rand.Text()
		http.SetCookie(v.w, &http.Cookie{ //nolint:gosec // it is secure for all who do not come over http from here
			Name: name, Value: v.form, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
			Secure: v.sessionsOf(v.r) == v.secure,
		})
	}
	return nil
}

// show writes a page.
func (v *visit) show(name string, page view) error {
	v.write(http.StatusOK, name, page)
	return nil
}

// see leads a browser to a page.
func (v *visit) see(path string) error {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// toSignIn leads to where one signs in, and from there to the page that was asked for.
func (v *visit) toSignIn() {
	next := "/"
	if v.r.Method == http.MethodGet || v.r.Method == http.MethodHead {
		next = v.r.URL.RequestURI()
	}
	http.Redirect(v.w, v.r, "/sign-in?next="+url.QueryEscape(next), http.StatusSeeOther)
}

// fabricID returns the number of the fabric whose page it is.
func (v *visit) fabricID() (int32, error) {
	id, err := strconv.ParseInt(v.r.PathValue("fabric"), 10, 32)
	if err != nil || id < 1 {
		return 0, errs.New(errs.PathNotFound, "There is no such fabric.").WithRemedy("Start from the list of fabrics.")
	}
	return int32(id), nil
}

// query returns a value of the address, without blanks around it.
func (v *visit) query(name string) string { return strings.TrimSpace(v.r.URL.Query().Get(name)) }

// posted returns a value of a form, without blanks around it.
func (v *visit) posted(name string) string { return strings.TrimSpace(v.r.PostFormValue(name)) }

// roles are in the order of what they may do.
var roles = []string{"viewer", "operator", "admin"} //nolint:gochecknoglobals // read only

// May reports whether the visitor has a role at a fabric. It decides what a page offers; what is done is decided by who
// does it.
func (v *visit) May(role string, fabric int32) bool {
	return v.has(role, func(g *bridgev1.Grant) bool {
		return g.GetAllFabrics() || slices.Contains(g.GetFabricIds(), fabric)
	})
}

// MayAll reports whether the visitor has a role at all fabrics.
func (v *visit) MayAll(role string) bool { return v.has(role, (*bridgev1.Grant).GetAllFabrics) }

// mayAnywhere reports whether the visitor has a role at any fabric.
func (v *visit) mayAnywhere(role string) bool {
	return v.has(role, func(*bridgev1.Grant) bool { return true })
}

// has reports whether the visitor has a role, or one above it, where something is so.
func (v *visit) has(role string, where func(*bridgev1.Grant) bool) bool {
	return slices.ContainsFunc(v.caller.GetGrants(), func(g *bridgev1.Grant) bool {
		return slices.Index(roles, g.GetRole()) >= slices.Index(roles, role) && where(g)
	})
}

// Visitor returns what the visitor is called; empty while nobody has signed in.
func (v *visit) Visitor() string { return v.caller.GetName() }

// CanSignOut reports whether the visitor has shown who it is.
func (v *visit) CanSignOut() bool { return v.caller != nil && v.caller.GetMethod() != "none" }

// FormToken returns what a form has to bring back.
func (v *visit) FormToken() string { return v.form }

// Switched returns the address of the page with another value of its query; an empty one takes it away.
func (v *visit) Switched(name, value string) string {
	query := v.r.URL.Query()
	query.Del(name)
	if value != "" {
		query.Set(name, value)
	}
	return v.r.URL.Path + "?" + query.Encode()
}

// Query returns a value of the page's address.
func (v *visit) Query(name string) string { return v.query(name) }
