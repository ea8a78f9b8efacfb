package netboxsetup

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
)

const (
	// testEvent is posted as a webhook that is about nothing.
	testEvent = `{"event":"test","data":{}}`
	// mostAnswered is how much of an answer to it is read, in bytes.
	mostAnswered = 64 << 10
)

// Hook is how NetBox tells of changes.
type Hook struct {
	// URL is where NetBox was told to send to; empty when it was not.
	URL string
	// Secret is what the bridge takes webhooks with; zero when it takes none.
	Secret secret.String
	// Transport leads to where the bridge may connect to.
	Transport http.RoundTripper
}

// webhook says whether NetBox would tell the bridge: as far as the token may see that, and as a test event shows that
// is posted from here.
func (l *look) webhook(ctx context.Context) Check {
	c := Check{Name: webhookAction, Status: Skipped}
	found, err := l.client.WebhooksNamed(ctx, ownName)
	hidden := hnp.Is(err, hnp.Forbidden)
	switch {
	case err != nil && !hidden:
		return failure(webhookAction, err)
	case l.hook.URL == "":
		c.Message = "NetBox was not told to send webhooks: changes are heard of without."
		return c
	case !hidden && !tells(found, l.hook.URL):
		c.Status, c.Message = Warning, "NetBox has no webhook to "+l.hook.URL+" any more."
		c.Remedy = "Have it made again: fgd netbox setup --webhook-address."
		return c
	case l.hook.Secret.IsZero():
		c.Status, c.Message = Warning, "NetBox was told to send webhooks, and the bridge has no secret to take them with."
		c.Remedy = "Set netbox_webhook_secret to the secret that fgd netbox setup --webhook-address shows."
		return c
	}
	return l.tried(ctx, c)
}

func tells(found []hnp.Webhook, url string) bool {
	for _, w := range found {
		if w.URL == url {
			return true
		}
	}
	return false
}

// tried says what becomes of a test event.
func (l *look) tried(ctx context.Context, c Check) Check {
	if err := l.hook.try(ctx); err != nil {
		said := errs.From(err)
		c.Status, c.Message, c.Remedy = Warning, said.Message, said.Remedy
		return c
	}
	c.Status, c.Message = OK, "A signed test event from here was taken at "+l.hook.URL+
		"; whether NetBox comes so far too is seen in NetBox alone."
	return c
}

// try posts a test event, signed as NetBox does it, and returns nil when a bridge with this secret has taken it.
func (h Hook) try(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, strings.NewReader(testEvent))
	if err != nil {
		return h.untaken("It is no address.", err)
	}
	mac := hmac.New(sha512.New, []byte(h.Secret.Reveal()))
	mac.Write([]byte(testEvent))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Hook-Signature", hex.EncodeToString(mac.Sum(nil)))
	client := &http.Client{
		Transport:     h.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return h.unreached(err)
	}
	defer func() { _ = response.Body.Close() }()
	var said struct {
		Status string `json:"status"`
		Error  struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	// What can't be read is nothing that a bridge says.
	_ = json.NewDecoder(io.LimitReader(response.Body, mostAnswered)).Decode(&said)
	switch {
	case response.StatusCode == http.StatusOK && said.Status == "ignored":
		return nil
	case said.Error.Code == errs.WebhookNotSigned.ID:
		return h.untaken("The bridge there takes webhooks with another secret.", nil).
			WithRemedy("Give all bridges the same netbox_webhook_secret, and have fgd netbox setup tell NetBox.")
	case said.Error.Code == errs.WebhooksOff.ID:
		return h.untaken("The bridge there takes none.", nil).WithRemedy("Give all bridges the same netbox_webhook_secret.")
	}
	return h.untaken(fmt.Sprintf("What is there is no bridge, and answers %d.", response.StatusCode), nil)
}

// unreached is about an address at which nobody answers. Where the bridge may not connect to it, that is said.
func (h Hook) unreached(err error) error {
	var public *errs.Error
	if errors.As(err, &public) {
		return h.untaken(public.Message, err).WithRemedy("%s", public.Remedy)
	}
	return h.untaken("It can't be reached from here.", err)
}

func (h Hook) untaken(why string, cause error) *errs.Error {
	return errs.New(errs.NetBoxUnavailable, "A test event was not taken at %s, where NetBox sends webhooks to. %s", h.URL,
		why).WithCause(cause).
		WithRemedy("Look at what is at that address, and on the way to it; fgd netbox setup --webhook-address tells NetBox " +
			"another one.")
}
