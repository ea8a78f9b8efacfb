package e2e

import (
	"net/http"
	"net/http/httptest"
)

// netboxes puts secrets into what is about NetBox: at something that says what it is shown, sends on to it, or is away.
func (g *garden) netboxes() {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/"+r.Header.Get("Authorization"), http.StatusFound)
	}))
	g.t.Cleanup(elsewhere.Close)
	for _, at := range []string{g.echo.URL, elsewhere.URL, "http://127.0.0.1:1"} {
		for _, what := range []string{"setUp", "remove"} {
			for _, token := range []string{
				"nbt_" + g.text("a key of NetBox") + "." + g.text("a token of NetBox"),
				g.text("a token of an administrator of NetBox"), "Token " + g.text("a token with its word"),
				g.text("a token that is none") + " " + g.text("its second word") + "\n",
			} {
				g.to(http.MethodPost, "/api/v1/netbox:"+what, nil, document(g.t, map[string]any{
					"url": at, "admin_token": token, "webhook_address": "https://fgd.example.com",
				}))
			}
		}
		for _, ref := range []string{
			"env:HEDGEHOG_FGD_NETBOX_A", "file:A", "env:HEDGEHOG_FGD_GIT_A", g.text("a token given as a reference"),
			"env:" + g.text("a token given as a variable"),
		} {
			g.to(http.MethodPost, "/api/v1/netbox:check", nil, document(g.t, map[string]any{"url": at, "token_ref": ref}))
		}
	}
	for _, at := range []string{
		"https://alice:" + g.text("a password in the address of NetBox") + "@netbox.example.com",
		"https://netbox.example.com?token=" + g.text("a query of the address of NetBox"),
	} {
		g.to(http.MethodPatch, "/api/v1/netbox", nil, document(g.t, map[string]any{"url": at}))
		g.to(http.MethodPost, "/api/v1/netbox:check", nil, document(g.t, map[string]any{"url": at, "token_ref": "file:A"}))
	}
}
