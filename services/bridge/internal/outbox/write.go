package outbox

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"fgdsync.dev/libs/failpoint"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// workers is how many tasks of a fabric are under way. How many requests a NetBox gets at once is decided by its gate.
const workers = 4

// unnoted is how many tasks may be done while what became of others is written down: what comes meanwhile is written
// down together, and nobody waits for the disk in between.
const unnoted = 16

// maxDrafts is how many records one task makes.
const maxDrafts = 100

// write writes what waits, and reads it back. Its error is what stands in the way of all of it.
func (d *delivery) write(ctx context.Context) error {
	d.guard()
	waiting := d.waiting()
	if len(waiting) == 0 {
		return d.flush(ctx)
	}
	tasks, err := d.plan(ctx, waiting)
	if err != nil {
		return errors.Join(err, d.flush(ctx))
	}
	if err := d.flush(ctx); err != nil {
		return err
	}
	written, err := d.run(ctx, tasks)
	if err != nil { // what was written is read back in the next pass
		return err
	}
	return d.verify(ctx, written)
}

// flush writes down what has changed, if anything has.
func (d *delivery) flush(ctx context.Context) error {
	if len(d.changed)+len(d.gone) == 0 {
		return nil
	}
	return d.save(ctx)
}

// waiting returns the records that are to be written, in the order of their keys. Where it is not known what Git says,
// nothing is.
func (d *delivery) waiting() []*netboxv1.Receipt {
	if d.unsure {
		return nil
	}
	var waiting []*netboxv1.Receipt
	for k, r := range d.receipts {
		_, read := d.contents[k]
		if r.GetState() == netboxv1.State_STATE_PENDING && (read || r.GetWanted().GetDeleted()) {
			waiting = append(waiting, r)
		}
	}
	slices.SortFunc(waiting, func(a, b *netboxv1.Receipt) int { return keyOf(a).compare(keyOf(b)) })
	return waiting
}

// task is requests that belong together, and what became of each record.
type task func(ctx context.Context) []done

// done is what became of a record.
type done struct {
	receipt *netboxv1.Receipt
	effect  hnp.Effect
	err     error
}

// plan looks up what is not known of the records, and returns what is to be done. What NetBox has already needs
// nothing.
func (d *delivery) plan(ctx context.Context, waiting []*netboxv1.Receipt) ([]task, error) {
	found, err := d.lookUp(ctx, waiting)
	if err != nil {
		return nil, err
	}
	for _, r := range waiting {
		if needsLook(r) {
			d.settle(r, found[keyOf(r)])
		}
	}
	d.guard() // now it is known which records there are
	var tasks []task
	drafts := map[string][]*netboxv1.Receipt{}
	for _, r := range waiting {
		switch k := keyOf(r); {
		case r.GetState() != netboxv1.State_STATE_PENDING: // nothing is left to be done
		case r.GetWanted().GetDeleted():
			tasks = append(tasks, d.remove(r))
		case r.GetRecordId() != 0:
			tasks = append(tasks, d.update(r, d.contents[k]))
		default:
			drafts[k.kind] = append(drafts[k.kind], r)
		}
	}
	if len(drafts) > 0 {
		if err := d.checkFabric(ctx); err != nil {
			return nil, err
		}
	}
	for _, kind := range hnp.Kinds() {
		for some := range slices.Chunk(drafts[kind], maxDrafts) {
			tasks = append(tasks, d.create(kind, some))
		}
	}
	return tasks, nil
}

// needsLook reports whether it is not known what NetBox has: nobody has seen the record, or what is wanted is what both
// sides said last, and a request in between had no answer.
func needsLook(r *netboxv1.Receipt) bool {
	return r.GetRecordId() == 0 || r.GetLastUpdated() == "" || r.GetAgreed() == nil || r.GetForced() ||
		!r.GetWanted().GetDeleted() && r.GetAgreed().GetDigest() == r.GetWanted().GetDigest()
}

// lookUp lists the kinds of records of which it is not known what NetBox has.
func (d *delivery) lookUp(ctx context.Context, waiting []*netboxv1.Receipt) (map[key]hnp.Record, error) {
	found, numbers := map[key]hnp.Record{}, map[string][]int64{}
	for _, r := range waiting {
		if needsLook(r) {
			numbers[r.GetKind()] = append(numbers[r.GetKind()], r.GetRecordId())
		}
	}
	for kind, some := range numbers {
		records, err := d.lookUpKind(ctx, kind, some)
		if err != nil {
			return nil, err
		}
		for _, record := range records {
			if record.Fabric == int64(d.state.GetNetboxFabric()) {
				found[key{kind, record.Namespace, record.Name}] = record
			}
		}
	}
	return found, nil
}

// lookUpKind reads records of a kind: all of them where it is not known which numbers they have, and few are read by
// themselves.
func (d *delivery) lookUpKind(ctx context.Context, kind string, numbers []int64) ([]hnp.Record, error) {
	if slices.Contains(numbers, 0) {
		return d.client.List(ctx, kind)
	}
	found, err := d.readBack(ctx, kind, numbers)
	return slices.Collect(maps.Values(found)), err
}

// settle compares a record that was looked up with what is wanted.
func (d *delivery) settle(r *netboxv1.Receipt, record hnp.Record) {
	k := keyOf(r)
	there, says := record.ID != 0, digestOf(k, record)
	wanted, agreed := r.GetWanted(), r.GetAgreed()
	if r.GetTheirs() != says { // what somebody made of it is not there any more
		r.Theirs = ""
	}
	switch {
	case !there && wanted.GetDeleted():
		d.bury(r)
	case d.contested(r, says):
		d.differs(r, record)
	case !there && agreed != nil && !isFor(r, absent) && d.mayBeTheirs(r):
		d.differs(r, record)
	case !there:
		r.RecordId, r.LastUpdated, r.Agreed = 0, "", nil
	case !wanted.GetDeleted() && says == wanted.GetDigest():
		d.prove(r, record)
	case says == agreed.GetDigest(), d.isLate(r, says), isFor(r, says):
		r.RecordId, r.LastUpdated = record.ID, record.LastUpdated
		if agreed.GetDigest() != says {
			r.Agreed = &netboxv1.Agreed{Digest: says}
		}
	default:
		d.differs(r, record)
	}
}

// mayBeTheirs reports whether somebody else may have deleted a record. Where people's changes count, who did it is told
// before it is decided.
func (d *delivery) mayBeTheirs(r *netboxv1.Receipt) bool {
	return d.bothWays() || !d.doubted(r, absent)
}

// checkFabric returns an error when NetBox does not have the fabric: no record can be made for it.
func (d *delivery) checkFabric(ctx context.Context) error {
	fabric, err := d.client.Fabric(ctx, int64(d.state.GetNetboxFabric()))
	if err == nil && fabric == nil {
		return noFabricError(d.state.GetNetboxFabric())
	}
	return err
}

// why is what the change log of NetBox says about a change.
func (d *delivery) why(r *netboxv1.Receipt) string {
	by := r.GetWanted().GetChangedBy()
	commit := d.commitOf(r)
	why := commit[:min(len(commit), shortCommit)]
	if by.GetName() != "" {
		why += " " + by.GetName()
	}
	if r.GetForced() && r.GetForcedBy() != "" {
		why += ", overwritten for " + r.GetForcedBy()
	}
	if by.GetSubject() != "" {
		why += ": " + by.GetSubject()
	}
	return why
}

const shortCommit = 8

// seen is what is known of a record, for a write that no other one shall be lost by.
func (d *delivery) seen(r *netboxv1.Receipt) hnp.Record {
	return hnp.Record{
		ID: r.GetRecordId(), Fabric: int64(d.state.GetNetboxFabric()), Namespace: r.GetNamespace(), Name: r.GetName(),
		LastUpdated: r.GetLastUpdated(), Spec: unread{},
	}
}

// unread is a spec that is not known: it equals none.
type unread struct{}

func (d *delivery) create(kind string, some []*netboxv1.Receipt) task {
	drafts := make([]hnp.Draft, len(some))
	for i, r := range some {
		drafts[i] = hnp.Draft{Identity: d.identity(keyOf(r)), Content: d.contents[keyOf(r)], Why: d.why(r)}
	}
	return func(ctx context.Context) []done {
		failpoint.Hit(failpoint.RecordBefore)
		made, _ := d.client.Create(ctx, kind, drafts) // each has its error
		failpoint.Hit(failpoint.RecordWritten)
		out := make([]done, len(some))
		for i, r := range some {
			out[i] = done{r, made[i].Effect, made[i].Err}
		}
		return out
	}
}

func (d *delivery) update(r *netboxv1.Receipt, content hnp.Content) task {
	k, seen, why := keyOf(r), d.seen(r), d.why(r)
	identity := d.identity(k)
	return func(ctx context.Context) []done {
		failpoint.Hit(failpoint.RecordBefore)
		effect, err := d.client.Put(ctx, k.kind, identity, &seen, content, why)
		failpoint.Hit(failpoint.RecordWritten)
		return []done{{r, effect, err}}
	}
}

func (d *delivery) remove(r *netboxv1.Receipt) task {
	kind, seen, why := r.GetKind(), d.seen(r), d.why(r)
	return func(ctx context.Context) []done {
		failpoint.Hit(failpoint.RecordBefore)
		effect, err := d.client.Delete(ctx, kind, seen, why)
		failpoint.Hit(failpoint.RecordWritten)
		return []done{{r, effect, err}}
	}
}

// run does tasks, some at a time, and notes what becomes of each record. It ends early when something stands in the way
// of all of them. It returns the records that were written.
func (d *delivery) run(ctx context.Context, tasks []task) ([]*netboxv1.Receipt, error) {
	working, stop := context.WithCancel(ctx)
	defer stop()
	queue, results := make(chan task), make(chan []done, unnoted)
	go func() {
		defer close(queue)
		for _, t := range tasks {
			select {
			case <-working.Done():
				return
			case queue <- t:
			}
		}
	}()
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for t := range queue {
				results <- t(working)
			}
		})
	}
	go func() {
		running.Wait()
		close(results)
	}()
	return d.collect(ctx, results, stop)
}

// collect notes what became of records, as many at a time as there are, until there are no more.
func (d *delivery) collect(ctx context.Context, results <-chan []done, stop func()) ([]*netboxv1.Receipt, error) {
	var written []*netboxv1.Receipt
	var failed error
	for some := range results {
		for more := true; more; {
			for _, one := range some {
				wrote, err := d.note(ctx, one)
				if wrote {
					written = append(written, one.receipt)
				}
				failed = cmp.Or(failed, err)
			}
			select {
			case some, more = <-results:
			default:
				more = false
			}
		}
		if err := d.flush(ctx); err != nil && failed == nil {
			failed = err
		}
		if failed != nil {
			stop()
		}
	}
	return written, failed
}

// note notes what became of a record. It reports whether it was written, and an error that concerns all others too.
func (d *delivery) note(ctx context.Context, one done) (written bool, err error) {
	r := one.receipt
	d.deps.Metrics.count(one.effect, one.err)
	var said *hnp.Error
	switch {
	case one.err == nil:
		d.failures = 0
		if r.GetForced() {
			d.closeConflict(r, r.GetForcedBy(), "")
		}
		r.RequestId, r.Forced, r.Theirs, d.state.Untold = one.effect.RequestID, false, "", true
		if one.effect.Outcome == hnp.Deleted {
			d.doubt(r) // that it is not there is our doing, until it was seen
		} else {
			d.agree(r, one.effect.Record)
		}
		d.touch(r)
		d.ours.wrote(r, one.effect.RequestID)
		return true, nil
	case !errors.As(one.err, &said):
		return false, one.err
	}
	switch said.Reason {
	case hnp.Refused:
		r.Attempts++
		reason := netboxv1.Reason_REASON_REFUSED
		if said.Exception == pluginDefect {
			reason = netboxv1.Reason_REASON_PLUGIN_DEFECT
		}
		d.fail(r, netboxv1.State_STATE_UNDELIVERABLE, reason, said.Error())
		r.Problem.Fields = fieldsOf(said)
	case hnp.Forbidden:
		r.Attempts++
		d.fail(r, netboxv1.State_STATE_UNDELIVERABLE, netboxv1.Reason_REASON_FORBIDDEN, said.Error())
	case hnp.Changed, hnp.Gone:
		r.Attempts++
		return false, d.lookOnce(ctx, r, said)
	default:
		d.doubt(r)
		r.LastUpdated = "" // it is looked at before anything else is sent: of very many doubts the first are forgotten
		return false, d.bear(r, said)
	}
	return false, nil
}

const (
	// mostFailures is how many records in a row may make NetBox fail before nothing else is tried in a pass.
	mostFailures = 5
	// mostAttempts is how often a record that makes NetBox fail is tried before it is put aside.
	mostAttempts = 3
)

// bear decides about a record that was not written. When NetBox failed and answers others, that may be because of this
// record: it stops no other, and is put aside when it has done so too often. All else concerns the others too.
func (d *delivery) bear(r *netboxv1.Receipt, said *hnp.Error) error {
	if !said.Answers {
		return said
	}
	r.Attempts++
	if d.failures++; d.failures > mostFailures {
		return said
	}
	if r.GetAttempts() >= mostAttempts {
		d.fail(r, netboxv1.State_STATE_UNDELIVERABLE, netboxv1.Reason_REASON_NETBOX_FAILS, said.Error())
	}
	return nil
}

// pluginDefect is what NetBox says when it looks for a page that the plugin does not have (Q2).
const pluginDefect = "ImproperlyConfigured"

// lookOnce looks at a record that is said to be another one than was seen, unless that has been said too often: it
// would wait for ever, and nobody would know why.
func (d *delivery) lookOnce(ctx context.Context, r *netboxv1.Receipt, said *hnp.Error) error {
	attempts := r.GetAttempts()
	err := d.look(ctx, r)
	if err == nil && r.GetState() == netboxv1.State_STATE_PENDING && attempts >= mostAttempts {
		d.fail(r, netboxv1.State_STATE_UNDELIVERABLE, netboxv1.Reason_REASON_NETBOX_FAILS, said.Error())
	}
	return err
}

// look reads a record that is another one than was seen, and decides about it. What is left to be written waits for the
// next pass.
func (d *delivery) look(ctx context.Context, r *netboxv1.Receipt) error {
	var found hnp.Record
	record, err := d.find(ctx, r)
	switch {
	case err != nil:
		return err
	case record != nil:
		found = *record
	}
	d.settle(r, found)
	d.touch(r)
	return nil
}

// find returns the record that a receipt is about, nil when it is not there.
func (d *delivery) find(ctx context.Context, r *netboxv1.Receipt) (*hnp.Record, error) {
	if r.GetRecordId() == 0 {
		return d.client.Find(ctx, r.GetKind(), d.identity(keyOf(r)))
	}
	record, err := d.client.Get(ctx, r.GetKind(), r.GetRecordId())
	if record != nil && record.Identity() != d.identity(keyOf(r)) {
		record = nil // it has another name now
	}
	return record, err
}

func fieldsOf(said *hnp.Error) []*netboxv1.FieldMessages {
	var fields []*netboxv1.FieldMessages
	for field, messages := range said.Fields {
		fields = append(fields, &netboxv1.FieldMessages{Field: field, Messages: messages})
	}
	slices.SortFunc(fields, func(a, b *netboxv1.FieldMessages) int { return cmp.Compare(a.GetField(), b.GetField()) })
	return fields
}
