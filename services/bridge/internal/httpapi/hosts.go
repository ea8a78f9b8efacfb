package httpapi

import (
	"net/http"

	"fgdsync.dev/libs/hosts"
)

// publicOnly refuses requests for other hosts than ours, before anything else looks at them.
func publicOnly(public hosts.Public, problems problems, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !public.Allows(r) {
			problems.writeStatus(w, r, http.StatusMisdirectedRequest, hosts.Refusal(r))
			return
		}
		next.ServeHTTP(w, r)
	})
}
