package netboxserver

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
)

// Hook is a webhook, as it is posted.
type Hook struct {
	Body      []byte
	Signature string // of X-Hook-Signature
}

// Webhooks are posted for every change that takes effect, by a worker of NetBox's: after it, once, and not again when
// nobody takes them.
type Webhooks struct {
	url    string
	secret string

	mu    sync.Mutex
	queue []Hook
	worry func([]Hook) []Hook
	more  chan struct{}
}

// SendWebhooks has them posted to an address, as long as Run of what it returns runs.
func (s *Server) SendWebhooks(url, secret string) *Webhooks {
	w := &Webhooks{url: url, secret: secret, more: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history.hooks = append(s.history.hooks, w)
	return w
}

// Worry has a function change what is posted next: lose some, repeat some, or put them in another order.
func (w *Webhooks) Worry(change func([]Hook) []Hook) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.worry = change
}

func (w *Webhooks) add(body []byte) {
	mac := hmac.New(sha512.New, []byte(w.secret))
	mac.Write(body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, Hook{body, hex.EncodeToString(mac.Sum(nil))})
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *Webhooks) take() []Hook {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.queue
	w.queue = nil
	if w.worry != nil {
		taken = w.worry(taken)
	}
	return taken
}

// Run posts what is to be posted, until ctx ends.
func (w *Webhooks) Run(ctx context.Context, client *http.Client) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.more:
		}
		for _, hook := range w.take() {
			w.post(ctx, client, hook)
		}
	}
}

func (w *Webhooks) post(ctx context.Context, client *http.Client, hook Hook) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(hook.Body))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Hook-Signature", hook.Signature)
	if response, err := client.Do(request); err == nil {
		_ = response.Body.Close()
	}
}

// hookBody is what NetBox 4.7 posts about a change.
func (s *Server) hookBody(e Entry) []byte {
	data := e.After
	if data == nil {
		data = e.Before
	}
	var context any
	if e.Branch != "" {
		context = map[string]any{"active_branch": e.Branch}
	}
	body, _ := json.Marshal(map[string]any{ // what came from JSON goes there
		"event": e.Action, "timestamp": timeOf(s.now()), "object_type": "netbox_hedgehog." + strings.ToLower(e.Kind),
		"request": map[string]any{"id": e.RequestID, "method": "POST", "path": "/", "user": e.User},
		"data":    data, "snapshots": map[string]any{"prechange": e.Before, "postchange": e.After}, "context": context,
	})
	return body
}
