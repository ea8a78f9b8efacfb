package remote

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
)

// proxy is the one that HTTP remotes are reached through.
type proxy struct{ url *url.URL }

// parseProxy reads the URL. Its error does not quote it, since it may hold a password.
func parseProxy(raw secret.String) (proxy, error) {
	u, err := url.Parse(raw.Reveal())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return proxy{}, config.Invalid("remotes_proxy_url", raw, "http://[user:password@]host:port, or https://…")
	}
	return proxy{u}, nil
}

// serve lets all requests go through the proxy. Whoever runs the system named it, so its own address may be a private
// one. It resolves the names of Git hosts itself: only what a URL says can be judged here, and what names lead to is
// judged there.
func (p proxy) serve(transport *http.Transport, policy Policy) {
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	transport.Proxy = func(r *http.Request) (*url.URL, error) {
		if err := policy.checkName(r.URL.Hostname()); err != nil {
			return nil, err
		}
		return p.url, nil
	}
	transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request,
		response *http.Response,
	) error {
		return p.refusal(response.StatusCode)
	}
}

// refusal explains that the proxy does not connect.
func (p proxy) refusal(status int) error {
	switch status {
	case http.StatusOK:
		return nil
	case http.StatusProxyAuthRequired:
		return errs.New(errs.ProxyRefused, "The proxy %s refuses the credentials for it.", p.url.Host).
			WithRemedy("Put a user name and a password that the proxy takes into remotes_proxy_url.")
	case http.StatusForbidden:
		return errs.New(errs.ProxyRefused, "The proxy %s does not permit connections to the Git host.", p.url.Host).
			WithRemedy("Have the proxy permit the Git host.")
	}
	return unavailable("The proxy %s does not reach the Git host; it answered with status %d.", p.url.Host, status)
}
