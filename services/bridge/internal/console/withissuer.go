package console

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/services/bridge/internal/issuer"
)

const (
	// returnPath is where the issuer sends a browser back to.
	returnPath = "/sign-in/return"
	// signInLifetime is how long somebody may take at the issuer.
	signInLifetime = 10 * time.Minute
	// maxNext bounds where to go on, in bytes: a browser keeps it in a cookie.
	maxNext = 1000
)

// toIssuer leads to the issuer. It is a link and no form, since a form may lead nowhere but to this site. What the
// browser keeps meanwhile goes with a request that another site leads to, as its return is. A session that there is
// ends here, where its cookie comes along: the return begins another one, and does not know of it.
func (v *visit) toIssuer() error {
	secret, next := issuer.NewSignInSecret(), localPath(v.query("next"))
	if len(next) > maxNext {
		next = "/"
	}
	begun, err := issuer.NewSignIn(secret, v.returnAddress())
	if err != nil {
		return err
	}
	address, err := v.issuer.SignInURL(begun)
	if err != nil {
		v.askWho(next, err)
		return nil
	}
	if err := v.endSession(); err != nil {
		return err
	}
	v.keepSignIn(secret+"."+base64.RawURLEncoding.EncodeToString([]byte(next)), int(signInLifetime.Seconds()))
	return v.see(address)
}

// fromIssuer begins a session of who has signed in at the issuer. It answers with a page that goes on by itself: after
// a redirect the browser would still come from the other site, and leave the cookie of the session at home.
func (v *visit) fromIssuer() error {
	next, err := v.endSignIn()
	v.keepSignIn("", -1)
	if err != nil {
		v.askWho(next, err)
		return nil
	}
	return v.show("signed-in", view{Title: "Signed in", Data: next})
}

// endSignIn ends the sign-in that this browser has begun, and returns where to go on.
func (v *visit) endSignIn() (next string, err error) {
	cookie, err := v.r.Cookie(v.signInCookie())
	if err != nil {
		return "/", errs.New(errs.LoginFailed, "No sign-in is under way in this browser, or it took too long.").
			WithRemedy("Begin again; it may take ten minutes. The browser has to keep cookies of this site.")
	}
	secret, kept, _ := strings.Cut(cookie.Value, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(kept)
	if err != nil {
		decoded = nil // somebody has changed it: there is nowhere to go on
	}
	next = localPath(string(decoded))
	begun, err := issuer.NewSignIn(secret, v.returnAddress())
	if err != nil {
		return next, err
	}
	who, err := v.issuer.EndSignIn(v.r.Context(), begun, issuer.ReturnedOf(v.r.URL.Query()))
	if err != nil {
		return next, err
	}
	authorization := "Bearer " + who.AccessToken
	caller, err := v.callerOf(authorization)
	if err != nil {
		return next, err
	}
	if caller.GetSubject() != who.Subject {
		return next, errs.New(errs.LoginFailed, "The access token of the issuer is another person's than the ID token.").
			WithRemedy("Sign in with a token, and tell whoever runs the issuer.")
	}
	return next, v.beginSession(authorization, caller)
}

// returnAddress returns where the issuer sends the browser back to: this host, which is one of public_hosts or of
// loopback, since requests for others are refused.
func (v *visit) returnAddress() string {
	if hosts.IsLoopback(v.r.Host) {
		return "http://" + v.r.Host + returnPath
	}
	return "https://" + v.r.Host + returnPath
}

func (v *visit) signInCookie() string {
	return cookieName("fgd-sign-in", v.sessionsOf(v.r) == v.secure)
}

// keepSignIn has the browser keep what ends a sign-in, so many seconds; none takes it away.
func (v *visit) keepSignIn(value string, seconds int) {
	http.SetCookie(v.w, &http.Cookie{ //nolint:gosec // it is secure for all who do not come over http from here
		Name: v.signInCookie(), Value: value, MaxAge: seconds, Path: "/", HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: v.sessionsOf(v.r) == v.secure,
	})
}
