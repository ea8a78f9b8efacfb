package httpapi

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/webhook"
)

const (
	// maxWebhookBytes is more than a push has of people; one with more is no loss, since the next sync comes in any case.
	maxWebhookBytes = 2 << 20
	// webhookTime is how long a delivery may take to arrive: hosts give up after about as long.
	webhookTime = 10 * time.Second
	// webhookPath is where Git hosts post to. Their signature says who they are.
	webhookPath = "/webhooks/"
)

// webhooks serve what Git hosts post.
type webhooks struct {
	receiver *webhook.Receiver
	problems problems
}

func (h webhooks) byPath(bounded bounds) map[string]http.Handler {
	bounded.maxBytes, bounded.timeout = maxWebhookBytes, min(bounded.timeout, webhookTime)
	return map[string]http.Handler{
		webhookPath + "{host}":              h.admitted(bounded.wrap(http.HandlerFunc(h.receive))),
		webhookPath + "{host}/{repository}": h.admitted(bounded.wrap(http.HandlerFunc(h.receive))),
	}
}

// admitted ends what need not be read.
func (h webhooks) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := webhook.Host(r.PathValue("host"))
		if host != webhook.GitHub && host != webhook.GitLab && host != webhook.Gitea {
			h.problems.notFound(w, r)
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
					WithRemedy("Nothing to do: the next sync that is due takes up what was pushed."))
			return
		}
		if r.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			h.problems.writeStatus(w, r, http.StatusUnsupportedMediaType,
				errs.New(errs.MediaTypeRefused, "The body is not said to be plain JSON.").
					WithRemedy("Choose application/json as the content type of the webhook."))
			return
		}
		if err := h.receiver.Takes(host, r.PathValue("repository")); err != nil {
			h.problems.write(w, r, err)
			return
		}
		nameSpan(r, webhookPath+"{host}")
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
	text, err := json.Marshal(map[string]string{"status": answer.Status, "message": answer.Message})
	if err != nil {
		h.problems.write(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // whoever has gone needs no answer
}
