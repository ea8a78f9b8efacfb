package httpapi

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/webhook"
)

const (
	// maxWebhookBytes is more than a push has of people; one with more is no loss, since the next sync comes in any case,
	// and so does the next look at NetBox.
	maxWebhookBytes = 2 << 20
	// webhookTime is how long a delivery may take to arrive: hosts give up after about as long.
	webhookTime = 10 * time.Second
	// webhookPath is where Git hosts post to, and below it NetBox. Their signature says who they are.
	webhookPath = "/webhooks/"
	netboxPath  = webhookPath + "netbox"
)

// webhooks serve what Git hosts and NetBox post.
type webhooks struct {
	receiver *webhook.Receiver
	netbox   *hearing.Receiver
	problems problems
}

func (h webhooks) byPath(bounded bounds) map[string]http.Handler {
	bounded.maxBytes, bounded.timeout = maxWebhookBytes, min(bounded.timeout, webhookTime)
	receive := h.admitted(webhookPath+"{host}", h.fromHost, bounded.wrap(http.HandlerFunc(h.receive)))
	return map[string]http.Handler{
		webhookPath + "{host}":              receive,
		webhookPath + "{host}/{repository}": receive,
		netboxPath: h.admitted(netboxPath, func(http.ResponseWriter, *http.Request) bool { return true },
			bounded.wrap(http.HandlerFunc(h.receiveNetBox))),
	}
}

// fromHost reports whether a path is that of a kind of host, and answers when it is not.
func (h webhooks) fromHost(w http.ResponseWriter, r *http.Request) bool {
	host := webhook.Host(r.PathValue("host"))
	known := host == webhook.GitHub || host == webhook.GitLab || host == webhook.Gitea
	if !known {
		h.problems.notFound(w, r)
	}
	return known
}

// takes returns the error of a path at which nothing is taken.
func (h webhooks) takes(r *http.Request) error {
	if host := r.PathValue("host"); host != "" {
		return h.receiver.Takes(webhook.Host(host), r.PathValue("repository"))
	}
	return h.netbox.Takes()
}

// admitted ends what need not be read.
func (h webhooks) admitted(
	route string, known func(http.ResponseWriter, *http.Request) bool, next http.Handler,
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !known(w, r) {
			return
		}
		if r.Method != http.MethodPost {
			h.problems.notAllowed(w, r, []string{http.MethodPost})
			return
		}
		if r.ContentLength > maxWebhookBytes {
			w.Header().Set("Connection", "close")
			h.problems.writeStatus(w, r, http.StatusRequestEntityTooLarge,
				errs.New(errs.InvalidRequest, "The request is larger than %d bytes.", maxWebhookBytes).
					WithRemedy("Nothing to do: the next sync or look that is due takes up what has changed."))
			return
		}
		if r.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			h.problems.writeStatus(w, r, http.StatusUnsupportedMediaType,
				errs.New(errs.MediaTypeRefused, "The body is not said to be plain JSON.").
					WithRemedy("Choose application/json as the content type of the webhook."))
			return
		}
		if err := h.takes(r); err != nil {
			h.problems.write(w, r, err)
			return
		}
		nameSpan(r, route)
		next.ServeHTTP(w, r)
	})
}

func (h webhooks) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // in memory already
	if err != nil {
		h.problems.write(w, r, err)
		return
	}
	answer, err := h.receiver.Receive(r.Context(), webhook.Delivery{
		Host: webhook.Host(r.PathValue("host")), Repository: r.PathValue("repository"), Header: r.Header, Body: body,
		From: addressOf(r.RemoteAddr),
	})
	if err != nil {
		h.problems.write(w, r, err)
		return
	}
	h.answer(w, r, answer.Status, answer.Message)
}

func (h webhooks) receiveNetBox(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // in memory already
	if err != nil {
		h.problems.write(w, r, err)
		return
	}
	status, message, err := h.netbox.Receive(r.Context(), hearing.Hook{
		Header: r.Header, Body: body, From: addressOf(r.RemoteAddr),
	})
	if err != nil {
		h.problems.write(w, r, err)
		return
	}
	h.answer(w, r, status, message)
}

func (h webhooks) answer(w http.ResponseWriter, r *http.Request, status, message string) {
	text, err := json.Marshal(map[string]string{"status": status, "message": message})
	if err != nil {
		h.problems.write(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // whoever has gone needs no answer
}
