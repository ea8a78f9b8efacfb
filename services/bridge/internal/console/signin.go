package console

import (
	"net/http"
	"net/url"
	"strings"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// signInView is where one signs in, and what was the matter with what was shown.
type signInView struct {
	Next    string // where to go on
	Issuer  string // its host; empty where nobody can sign in there
	Problem *errs.Error
}

// signInForm asks who visits.
func (v *visit) signInForm() error {
	v.askWho(localPath(v.query("next")), nil)
	return nil
}

// askWho shows where one signs in, and what was the matter.
func (v *visit) askWho(next string, problem error) {
	shown, status := signInView{Next: next}, http.StatusOK
	if problem != nil {
		shown.Problem, status = errs.From(problem), statusOf(problem)
	}
	if login, err := ask(v, v.api.access.GetLogin, &bridgev1.GetLoginRequest{}); err == nil && v.issuer != nil {
		if at, err := url.Parse(login.GetIssuer()); err == nil {
			shown.Issuer = at.Host
		}
	}
	v.write(status, "sign-in", view{Title: "Sign in", Data: shown})
}

// signIn begins a session of who has shown a token.
func (v *visit) signIn() error {
	next := localPath(v.r.PostFormValue("next"))
	authorization := "Bearer " + v.posted("token")
	caller, err := v.callerOf(authorization)
	if kind := errs.KindOf(err); err != nil && (kind == errs.Unauthenticated || kind == errs.Limited) {
		v.askWho(next, err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := v.beginSession(authorization, caller); err != nil {
		return err
	}
	return v.see(next)
}

// beginSession begins a session that shows what proves who somebody is. It ends when that does.
func (v *visit) beginSession(authorization string, caller *bridgev1.GetCallerResponse) error {
	sessions, ctx := v.sessionsOf(v.r), v.r.Context()
	if err := sessions.RenewToken(ctx); err != nil { // nobody else knows its identifier
		return err
	}
	sessions.Put(ctx, authorizationKey, authorization)
	if caller.GetExpiresAt() != nil {
		sessions.SetDeadline(ctx, earlier(caller.GetExpiresAt().AsTime(), v.now().Add(sessionLifetime)))
	}
	return nil
}

// callerOf returns whom the API takes somebody for.
func (v *visit) callerOf(authorization string) (*bridgev1.GetCallerResponse, error) {
	return v.api.access.GetCaller(v.showing(authorization), &bridgev1.GetCallerRequest{})
}

// signOut ends the session.
func (v *visit) signOut() error {
	if err := v.endSession(); err != nil {
		return err
	}
	return v.see("/sign-in")
}

// endSession ends the session, if there is one.
func (v *visit) endSession() error { return v.sessionsOf(v.r).Destroy(v.r.Context()) }

// localPath returns where to go on: a path of this site, whatever was asked for.
func localPath(asked string) string {
	if strings.HasPrefix(asked, "/") && !strings.HasPrefix(asked, "//") && !strings.ContainsAny(asked, "\\\r\n\t") {
		return asked
	}
	return "/"
}

// showMe shows who the visitor is to the system, and what they may do.
func (v *visit) showMe() error {
	return v.show("me", view{Title: "You", Section: "me", Data: v.caller})
}
