package hearing

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/recent"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
)

const (
	// hookSignature is the header in which NetBox shows that it knows the secret: the HMAC-SHA512 of the body.
	hookSignature = "X-Hook-Signature"
	// rememberedHooks is how many are known again, for rememberedFor: NetBox signs no time.
	rememberedHooks = 100_000
	rememberedFor   = 24 * time.Hour
)

// What becomes of webhooks, as answers and the metric call it.
const (
	accepted  = "accepted"
	ignored   = "ignored"
	repeated  = "repeated"
	notSigned = "not_signed"
	notRead   = "unreadable"
	off       = "off"
)

// Hook is a webhook that was posted.
type Hook struct {
	Header http.Header
	Body   []byte
	From   netip.Addr
}

// Receiver takes webhooks of NetBox. One that is believed has NetBox looked at earlier, and nothing else: who is said
// to have done what is not believed, for whoever has the secret can write anything, and a body can be sent again.
type Receiver struct {
	secrets atomic.Pointer[[]secret.String]
	wake    func()
	denied  func(ctx context.Context, from netip.Addr, refusal error)
	now     func() time.Time
	log     *slog.Logger
	metrics *Metrics
	seen    *recent.Cache[[sha256.Size]byte, time.Time]
}

// NewReceiver returns one that takes what is signed with one of some secrets, and wakes those who hear. It tells of
// what it does not believe.
func NewReceiver(
	secrets []secret.String, wake func(), denied func(ctx context.Context, from netip.Addr, refusal error),
	now func() time.Time, log *slog.Logger, metrics *Metrics,
) (*Receiver, error) {
	seen, err := recent.New[[sha256.Size]byte, time.Time](rememberedHooks)
	r := &Receiver{wake: wake, denied: denied, now: now, log: log, metrics: metrics, seen: seen}
	r.SetSecrets(secrets)
	return r, err
}

// SetSecrets has what is signed with one of these be taken from now on, and nothing else.
func (r *Receiver) SetSecrets(secrets []secret.String) { r.secrets.Store(&secrets) }

// Takes returns the error of a place at which nothing is taken, NOT_FOUND (FGD_1063): there is no secret. It counts who
// comes there.
func (r *Receiver) Takes() error {
	if len(*r.secrets.Load()) > 0 {
		return nil
	}
	r.metrics.hook(off)
	return errs.New(errs.WebhooksOff, "No webhooks of NetBox are taken here.").
		WithRemedy("Set netbox_webhook_secret (HEDGEHOG_FGD_NETBOX_WEBHOOK_SECRET) to the secret of the webhook in NetBox.")
}

// Receive takes a webhook, and returns what became of it and a sentence about that: UNAUTHENTICATED (FGD_1062) when it
// is not signed, INVALID_ARGUMENT (FGD_1065) when it can't be read.
func (r *Receiver) Receive(ctx context.Context, hook Hook) (status, message string, err error) {
	if !r.proven(hook) {
		r.metrics.hook(notSigned)
		err := errs.New(errs.WebhookNotSigned, "The webhook is not signed with a secret of this system.")
		r.denied(ctx, hook.From, err)
		return "", "", err
	}
	about, err := readHook(hook.Body)
	if err != nil {
		r.metrics.hook(notRead)
		return "", "", errs.New(errs.WebhookUnreadable, "The body is no webhook of NetBox.").WithCause(err)
	}
	status, message = r.take(about, sha256.Sum256(hook.Body))
	r.metrics.hook(status)
	r.log.InfoContext(ctx, "webhook of NetBox received", "outcome", status, "kind", about.kind, "record", about.record,
		"bytes", len(hook.Body))
	return status, message, nil
}

func (r *Receiver) take(about hookAbout, mark [sha256.Size]byte) (status, message string) {
	if about.kind == "" {
		return ignored, "Only records of the Hedgehog NetBox Plugin are looked at."
	}
	now := r.now()
	if at, known := r.seen.Get(mark); known && now.Sub(at) < rememberedFor {
		return repeated, "The webhook was seen already."
	}
	r.seen.Add(mark, now, 1)
	r.wake()
	return accepted, "NetBox is looked at."
}

// proven reports whether a webhook shows that its sender knows one of the secrets. How long it takes says nothing about
// them. A header that is there twice counts as none.
func (r *Receiver) proven(hook Hook) bool {
	values := hook.Header.Values(hookSignature)
	if len(values) != 1 {
		return false
	}
	sum, err := hex.DecodeString(values[0])
	if err != nil {
		return false
	}
	proven := false
	for _, one := range *r.secrets.Load() {
		mac := hmac.New(sha512.New, []byte(one.Reveal()))
		mac.Write(hook.Body)
		proven = hmac.Equal(sum, mac.Sum(nil)) || proven
	}
	return proven
}

// hookAbout is what a webhook is about. No more of it is read.
type hookAbout struct {
	kind   string // empty for what is none of the plugin's
	record int64
}

// readHook reads a body as NetBox 4.3 to 4.7 post it. The model has been named by model until 4.5, and by object_type
// since 4.4.
func readHook(body []byte) (hookAbout, error) {
	var said struct {
		ObjectType string `json:"object_type"`
		Model      string `json:"model"`
		Data       struct {
			ID int64 `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return hookAbout{}, err
	}
	name := strings.ToLower(said.Model)
	if said.ObjectType != "" {
		app, model, _ := strings.Cut(strings.ToLower(said.ObjectType), ".")
		if name = model; app != "netbox_hedgehog" {
			name = ""
		}
	}
	return hookAbout{kind: kindNamed(name), record: said.Data.ID}, nil
}

// kindNamed returns the kind of a model, by its name in small letters; empty for one of others.
func kindNamed(name string) string {
	for _, kind := range append(hnp.Kinds(), hnp.FabricKind) {
		if strings.ToLower(kind) == name {
			return kind
		}
	}
	return ""
}
