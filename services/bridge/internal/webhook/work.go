package webhook

import (
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	workers = 4
	// jobTime bounds the work for one delivery, and drainTime that for all that wait when the process ends.
	jobTime   = 30 * time.Second
	drainTime = 5 * time.Second
)

// job is a push that was accepted, and waits.
type job struct {
	push
	host       Host
	repository string // the id of the one whose secret was used; empty for one that counts for all
	mark       string
	id         string
	from       netip.Addr
	call       rpc.Call // of the delivery
}

// enqueue has a job done later, and reports whether there is room.
func (r *Receiver) enqueue(j job) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return false
	}
	select {
	case r.queue <- j:
		r.seen.Add(j.mark, true, 1)
		return true
	default:
		return false
	}
}

// Run does what waits until ctx ends. What waits then is done still, as far as there is time, and told of otherwise.
func (r *Receiver) Run(ctx context.Context) error {
	var work sync.WaitGroup
	for range workers {
		work.Go(func() { r.work(ctx) })
	}
	work.Wait()
	r.drain(context.WithoutCancel(ctx))
	return nil
}

func (r *Receiver) work(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case j := <-r.queue:
			r.do(context.WithoutCancel(ctx), j)
		case <-ctx.Done():
		}
	}
}

// drain takes nothing more, and empties the queue.
func (r *Receiver) drain(ctx context.Context) {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	for {
		select {
		case j := <-r.queue:
			r.do(ctx, j)
		default:
			return
		}
	}
}

// do looks up the fabrics that a push is about, and has each looked at. What can't be done is forgotten, so that it can
// be delivered again.
func (r *Receiver) do(ctx context.Context, j job) {
	ctx, cancel := context.WithTimeout(rpc.WithCall(ctx, j.call), jobTime)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			r.deps.Log.ErrorContext(ctx, "panic in the work for a webhook", "panic", fmt.Sprint(cause),
				"stack", string(debug.Stack()))
		}
	}()
	fabrics, err := r.touched(ctx, j)
	started, failed := []string{}, 0
	for _, fabric := range fabrics {
		id, startErr := r.start(ctx, j, fabric)
		switch {
		case startErr == nil:
			started = append(started, id)
		case !errs.HasCode(startErr, errs.FabricSuspended) && !errs.HasCode(startErr, errs.FabricNotOn):
			failed++
			err = startErr
		}
	}
	r.metrics.worked(j.host, len(started), failed)
	if err != nil {
		r.seen.Add(j.mark, false, 1)
		r.metrics.worked(j.host, 0, 1)
		r.deps.Log.WarnContext(ctx, "webhook was not worked off", "host", string(j.host), "delivery_id", j.id,
			"fabrics", numbers(fabrics), "sync_ids", started, "error", err.Error())
		return
	}
	r.deps.Log.InfoContext(ctx, "webhook worked off", "host", string(j.host), "delivery_id", j.id,
		"fabrics", numbers(fabrics), "sync_ids", started)
}

// start makes the one call that a verified delivery asks for about a fabric. Whoever pushed is named as the host names
// them, and with the host: nobody has asked them who they are. The mark lets every replica start one sync for one
// delivery.
func (r *Receiver) start(ctx context.Context, j job, fabric *fabricv1.Fabric) (syncID string, err error) {
	ctx = rpc.WithPrincipal(ctx, fmt.Sprintf("%s (%s)", j.by, j.host))
	event := Event{Host: j.host, ID: j.id, From: j.from, By: rpc.CallOf(ctx).Principal, FabricID: fabric.GetFabricId()}
	return r.deps.Recorder.Do(ctx, event, func(ctx context.Context) (string, error) {
		started, err := r.deps.Syncs.StartSync(ctx, &syncv1.StartSyncRequest{
			FabricId: fabric.GetFabricId(), Trigger: syncv1.Trigger_TRIGGER_WEBHOOK, RequestId: j.mark,
		})
		return started.GetSyncId(), err
	})
}

// touched returns the fabrics of the repository and the branch whose directories a push touches.
func (r *Receiver) touched(ctx context.Context, j job) ([]*fabricv1.Fabric, error) {
	keys, err := r.repositoryKeys(ctx, j)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	all, err := r.deps.Fabrics.ListFabrics(ctx, &fabricv1.ListFabricsRequest{})
	if err != nil {
		return nil, fmt.Errorf("list the fabrics: %w", err)
	}
	var out []*fabricv1.Fabric
	for _, fabric := range all.GetFabrics() {
		location := fabric.GetLocation()
		if keys[fabric.GetRepositoryKey()] && location.GetBranch() == j.branch && j.touches(location.GetDirectory()) {
			out = append(out, fabric)
		}
	}
	return out, nil
}

// repositoryKeys returns the keys of the repository that a push is of, as the register has them. A secret of one
// repository opens no other.
func (r *Receiver) repositoryKeys(ctx context.Context, j job) (map[string]bool, error) {
	keys := map[string]bool{}
	for _, url := range j.urls {
		checked, err := r.deps.Repositories.CheckLocation(ctx, &gitv1.CheckLocationRequest{
			Location: &gitv1.Location{RepositoryUrl: url, Branch: j.branch},
		})
		switch key := checked.GetRepositoryKey(); {
		case isRefusal(err): // a spelling that no fabric can have
		case err != nil:
			return nil, fmt.Errorf("look a repository up: %w", err)
		case j.repository == "" || j.repository == idOf(key):
			keys[key] = true
		}
	}
	return keys, nil
}

// isRefusal reports whether an error says that a URL is not permitted, and asking again would not help.
func isRefusal(err error) bool {
	if err == nil {
		return false
	}
	switch errs.KindOf(err) {
	case errs.Invalid, errs.NotFound, errs.PermissionDenied, errs.Precondition:
		return true
	}
	return false
}

func numbers(fabrics []*fabricv1.Fabric) []int32 {
	out := make([]int32, len(fabrics))
	for i, fabric := range fabrics {
		out[i] = fabric.GetFabricId()
	}
	return out
}

// metrics count deliveries and what came of them.
type metrics struct{ deliveries, syncs *prometheus.CounterVec }

func newMetrics(registry prometheus.Registerer) (metrics, error) {
	m := metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_webhooks_total", Help: "Deliveries of Git hosts, by the kind of host and what was answered.",
		}, []string{"host", "outcome"}),
		syncs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fgd_webhook_syncs_total", Help: "Syncs that deliveries of Git hosts asked for, by whether they were started.",
		}, []string{"host", "outcome"}),
	}
	for _, c := range []prometheus.Collector{m.deliveries, m.syncs} {
		if err := registry.Register(c); err != nil {
			return metrics{}, fmt.Errorf("register the metrics: %w", err)
		}
	}
	for _, host := range Hosts() { // of a series that is born late no rate shows the birth
		for _, outcome := range []string{accepted, ignored, repeated, notSigned, notRead, busy, switchedOff} {
			m.deliveries.WithLabelValues(string(host), outcome)
		}
		m.worked(host, 0, 0)
	}
	return m, nil
}

func (m metrics) received(host Host, outcome string) {
	m.deliveries.WithLabelValues(string(host), outcome).Inc()
}

func (m metrics) worked(host Host, started, failed int) {
	m.syncs.WithLabelValues(string(host), "started").Add(float64(started))
	m.syncs.WithLabelValues(string(host), "failed").Add(float64(failed))
}
