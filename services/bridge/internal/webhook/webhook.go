// Package webhook takes what Git hosts announce: that somebody has pushed. A delivery is believed when it is signed
// with a secret of this system. It is a hint and no more: of what it says, only which fabrics to look at is used, and
// each of those gets a sync, which reads the repository itself.
package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/recent"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Host is a kind of Git host.
type Host string

// The kinds of Git hosts.
const (
	GitHub Host = "github"
	GitLab Host = "gitlab"
	Gitea  Host = "gitea"
)

// Hosts returns all kinds of Git hosts.
func Hosts() []Host { return []Host{GitHub, GitLab, Gitea} }

// Delivery is what was posted.
type Delivery struct {
	Host       Host
	Repository string // the id of the repository that the path has; empty where it has none
	Header     http.Header
	Body       []byte
	From       netip.Addr
}

// Answer is what the poster is told, the same for a repository that is known and for one that is not.
type Answer struct {
	Status  string // accepted, ignored or repeated
	Message string
}

// What becomes of deliveries, as answers and the metric call it.
const (
	accepted    = "accepted"
	ignored     = "ignored"
	repeated    = "repeated"
	notSigned   = "not_signed"
	notRead     = "unreadable"
	busy        = "busy"
	switchedOff = "off"
)

const (
	// rememberedDeliveries is how many are known again. The orchestrator knows the syncs that they started for a day.
	rememberedDeliveries = 10_000
	// queueLength is how many may wait. A full queue is work of some seconds.
	queueLength = 256
	// busyPause is when it makes sense to deliver again.
	busyPause = 10 * time.Second
)

// Config is what can be set of a receiver.
type Config struct {
	// Secrets are those that count for all repositories of a kind of host.
	Secrets map[Host][]secret.String
	// Own are those of single repositories.
	Own *Repositories
}

// Deps are what a receiver works with.
type Deps struct {
	Fabrics      fabricv1.FabricServiceClient
	Syncs        syncv1.SyncServiceClient
	Repositories gitv1.RepositoryServiceClient
	Recorder     Recorder
	Log          *slog.Logger
	Metrics      prometheus.Registerer
	Now          func() time.Time
}

// Receiver takes deliveries, and starts syncs for them after they were answered.
type Receiver struct {
	deps    Deps
	secrets atomic.Pointer[map[Host][]shared]
	own     *Repositories
	seen    *recent.Cache[string, bool]
	metrics metrics

	mu      sync.Mutex
	stopped bool
	queue   chan job
}

// New returns a receiver. It starts syncs while Run runs.
func New(cfg Config, deps Deps) (*Receiver, error) {
	seen, err := recent.New[string, bool](rememberedDeliveries)
	if err != nil {
		return nil, err
	}
	metrics, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, err
	}
	r := &Receiver{deps: deps, own: cfg.Own, seen: seen, metrics: metrics, queue: make(chan job, queueLength)}
	r.SetSecrets(cfg.Secrets)
	return r, nil
}

// SetSecrets has these count from now on for all repositories of each kind of host, and no others.
func (r *Receiver) SetSecrets(of map[Host][]secret.String) {
	secrets := map[Host][]shared{}
	for host, texts := range of {
		secrets[host] = configured(texts)
	}
	r.secrets.Store(&secrets)
}

// Takes returns the error of a path at which nothing is taken: NOT_FOUND (FGD_1063).
func (r *Receiver) Takes(host Host, repository string) error {
	_, err := r.secretsOf(host, repository)
	if err != nil {
		r.metrics.received(host, switchedOff)
	}
	return err
}

// repositoryForm is that of the ids of repositories.
var repositoryForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// secretsOf returns the secrets that count at a path. One of a repository does not count for all, nor the other way
// round.
func (r *Receiver) secretsOf(host Host, repository string) ([]shared, error) {
	secrets, err := (*r.secrets.Load())[host], error(nil)
	if repository != "" {
		secrets = nil
		if repositoryForm.MatchString(repository) && (host == GitHub || host == GitLab || host == Gitea) {
			secrets, err = r.own.secrets(repository)
		}
	}
	if err == nil && len(secrets) == 0 {
		err = off()
	}
	return secrets, err
}

// Receive takes a delivery: UNAUTHENTICATED (FGD_1062) when it is not signed, INVALID_ARGUMENT (FGD_1065) when it can't
// be read, UNAVAILABLE (FGD_1064) when too many wait.
func (r *Receiver) Receive(ctx context.Context, d Delivery) (Answer, error) {
	answer, err := r.receive(ctx, d)
	outcome := answer.Status
	if err != nil {
		outcome = outcomeOf(err)
	}
	if errs.HasCode(err, errs.WebhookNotSigned) {
		r.deps.Recorder.Denied(ctx, Event{Host: d.Host, ID: d.id(), From: d.From}, err)
	}
	r.metrics.received(d.Host, outcome)
	r.deps.Log.InfoContext(ctx, "webhook received", "host", string(d.Host), "outcome", outcome, "event", d.event(),
		"delivery_id", d.id(), "bytes", len(d.Body))
	return answer, err
}

func (r *Receiver) receive(ctx context.Context, d Delivery) (Answer, error) {
	secrets, err := r.secretsOf(d.Host, d.Repository)
	if err != nil {
		return Answer{}, err
	}
	if !d.proven(secrets, r.deps.Now()) {
		return Answer{}, errs.New(errs.WebhookNotSigned, "The delivery is not signed with a secret of this system.")
	}
	if why := d.isNoPush(); why != "" {
		return Answer{ignored, why}, nil
	}
	pushed, err := readPush(d.Host, d.Body)
	switch {
	case err != nil:
		return Answer{}, err
	case pushed.branch == "":
		return Answer{ignored, "No branch has moved."}, nil
	case pushed.deleted:
		return Answer{ignored, "The branch was deleted."}, nil
	}
	mark := d.mark()
	if known, _ := r.seen.Get(mark); known {
		return Answer{repeated, "The delivery was seen already."}, nil
	}
	if !r.enqueue(job{
		push: pushed, host: d.Host, repository: d.Repository, mark: mark, id: d.id(), from: d.From, call: rpc.CallOf(ctx),
	}) {
		return Answer{}, errs.New(errs.WebhooksBusy, "Too many deliveries wait.").WithRetryAfter(busyPause)
	}
	return Answer{accepted, "The fabrics that it touches, if there are any, are looked at."}, nil
}

func outcomeOf(err error) string {
	switch {
	case errs.HasCode(err, errs.WebhookNotSigned):
		return notSigned
	case errs.HasCode(err, errs.WebhookUnreadable):
		return notRead
	case errs.HasCode(err, errs.WebhooksBusy):
		return busy
	}
	return switchedOff
}

// isNoPush says what a delivery is when it is no push; empty when it is one.
func (d Delivery) isNoPush() string {
	switch event := d.event(); {
	case event == "ping":
		return "The webhook works."
	case event == "push", d.Host == GitLab && event == "Push Hook":
		return ""
	}
	return "Only push events are taken."
}

// event returns what a host calls the event, in a form that can be logged.
func (d Delivery) event() string {
	return printableID(only(d.Header, map[Host]string{
		GitHub: "X-Github-Event", GitLab: "X-Gitlab-Event", Gitea: "X-Gitea-Event",
	}[d.Host]))
}

// id returns what a host calls the delivery, in a form that can be logged.
func (d Delivery) id() string {
	switch d.Host {
	case GitHub:
		return printableID(only(d.Header, "X-Github-Delivery"))
	case Gitea:
		return printableID(only(d.Header, "X-Gitea-Delivery"))
	case GitLab:
		for _, header := range []string{standardID, "Idempotency-Key", "X-Gitlab-Event-Uuid"} {
			if id := printableID(only(d.Header, header)); id != "" {
				return id
			}
		}
	}
	return ""
}

// idForm is that of what hosts call events and deliveries.
var idForm = regexp.MustCompile(`^[A-Za-z0-9 ._:-]{1,128}$`)

func printableID(text string) string {
	if idForm.MatchString(text) {
		return text
	}
	return ""
}

// mark returns what a delivery is known again by. What is signed counts: GitHub and Gitea do not sign the id of a
// delivery, so that whoever has recorded one could send it again under a new id. Both sign alike, and a repository has
// one secret for both, so that a delivery of the one could be sent to the path of the other.
func (d Delivery) mark() string {
	sum, signs := sha256.New(), string(d.Host)
	if d.Repository != "" && d.Host != GitLab {
		signs = "the body"
	}
	fmt.Fprintf(sum, "%s\x00%s\x00", signs, d.Repository)
	switch {
	case d.Host != GitLab:
		sum.Write(d.Body)
	case len(d.Header.Values(standardSignature)) > 0:
		fmt.Fprint(sum, only(d.Header, standardID))
	default:
		fmt.Fprintf(sum, "%s\x00%s", d.id(), d.Body)
	}
	return "webhook:" + hex.EncodeToString(sum.Sum(nil)[:16])
}
