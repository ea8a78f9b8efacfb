package outbox

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// delivery is the records of one fabric in one NetBox, for as long as this bridge delivers there. What it knows is
// written down before it does anything, and after.
type delivery struct {
	deps   *Deps
	client *hnp.Client
	fence  int64

	mu       sync.Mutex // held by whoever looks at the records or changes them
	linked   *fabricv1.LinkedFabric
	state    *netboxv1.Delivery
	receipts map[key]*netboxv1.Receipt
	contents map[key]hnp.Content   // of records that are not proven, as far as they were read
	unnamed  map[key]hnp.Record    // held, and it is not known yet where they differ from their files
	unsure   bool                  // Redis had lost something: what is wanted has to be read whole
	changed  map[key]bool          // receipts that are to be written down
	failures int                   // of NetBox itself, in a row
	gone     []key                 // receipts that are to go
	stored   stored                // what Redis has
	unsaid   bool                  // what stands in the way may be in Redis otherwise than here
	fights   map[key]*rate.Limiter // of records that Git has won over
	budget   *rate.Limiter         // of requests that are brought to Git
	budgets  map[key]*rate.Limiter // of each record's
	tried    map[key]bool          // in this pass, to be brought to Git
	unclear  bool                  // in this pass, what became of an edit
	short    *shortfall            // in this pass; nil before it was looked
	emails   map[string]string     // of users of NetBox
	aware    bool                  // of who we are there, or that it does not say

	ours   ours
	summed atomic.Pointer[summary] // as it is, or is to be, written down; never nil
}

// open reads what is known of a fabric.
func open(
	ctx context.Context, deps *Deps, client *hnp.Client, fence int64, linked *fabricv1.LinkedFabric,
) (*delivery, error) {
	state, receipts, lost, err := deps.Store.load(ctx, linked.GetFabricId())
	if err != nil {
		return nil, err
	}
	d := &delivery{
		deps: deps, client: client, fence: fence, linked: linked, state: state, unsure: lost,
		receipts: map[key]*netboxv1.Receipt{}, contents: map[key]hnp.Content{}, changed: map[key]bool{},
		unnamed: map[key]hnp.Record{}, fights: map[key]*rate.Limiter{}, stored: anew(), unsaid: lost && state != nil,
		budget: perMinute(fabricEdits), budgets: map[key]*rate.Limiter{}, emails: map[string]string{},
		ours: ours{byKey: map[key]*own{}},
	}
	if !lost {
		d.stored = stored{state.GetRevision(), len(receipts)}
	}
	for _, r := range receipts {
		d.receipts[keyOf(r)] = r
		if r.GetState() == netboxv1.State_STATE_PENDING { // who asked for it may have died
			d.doubt(r)
		}
	}
	if !d.isHere() { // what is known of another one says nothing of this one
		d.restart()
	}
	d.ours.put(slices.Collect(maps.Values(d.receipts)), nil)
	d.sum()
	return d, nil
}

// isHere reports whether what is known is about this fabric, and the record that it is linked to now: another one may
// have had its number before.
func (d *delivery) isHere() bool {
	link := d.linked.GetNetbox()
	registered := d.linked.GetRegisteredAt() // who does not say it says nothing
	return d.state.GetUrl() == link.GetUrl() && d.state.GetNetboxFabric() == link.GetFabric() &&
		(registered == nil || proto.Equal(d.state.GetRegisteredAt(), registered))
}

// restart begins with nothing known.
func (d *delivery) restart() {
	for k := range d.receipts {
		d.drop(k)
	}
	d.state = &netboxv1.Delivery{
		FabricId: d.linked.GetFabricId(), Url: d.linked.GetNetbox().GetUrl(),
		NetboxFabric: d.linked.GetNetbox().GetFabric(), Revision: d.state.GetRevision(),
		RegisteredAt: d.linked.GetRegisteredAt(),
	}
	d.unsure = true
}

func (d *delivery) now() *timestamppb.Timestamp { return timestamppb.New(d.deps.Now()) }

// touch notes that a receipt has changed.
func (d *delivery) touch(r *netboxv1.Receipt) { d.changed[keyOf(r)] = true }

// drop forgets a record.
func (d *delivery) drop(k key) {
	delete(d.receipts, k)
	delete(d.contents, k)
	delete(d.unnamed, k)
	delete(d.changed, k)
	delete(d.fights, k)
	delete(d.budgets, k)
	d.gone = append(d.gone, k)
}

// save writes down what has changed, in the order of its keys: in the ledger, then in Redis. How the delivery is can be
// seen, whether that succeeds or not.
func (d *delivery) save(ctx context.Context) error {
	put := make([]*netboxv1.Receipt, 0, len(d.changed))
	d.state.Revision, d.state.Receipts = max(d.state.GetRevision()+1, d.fence), int32(len(d.receipts))
	d.state.OpenConflicts = d.openConflicts()
	for k := range d.changed {
		d.receipts[k].Revision = d.state.GetRevision()
		put = append(put, d.receipts[k])
	}
	sortReceipts(put)
	d.gone = slices.DeleteFunc(d.gone, func(k key) bool { return d.receipts[k] != nil })
	d.sum()
	c := change{d.fence, d.state, put, d.gone}
	if err := d.deps.Store.keep(c); err != nil {
		return err
	}
	if err := d.store(ctx, c); err != nil {
		return err
	}
	d.ours.put(put, d.gone)
	clear(d.changed)
	d.gone, d.unsaid = nil, false
	return nil
}

// openConflicts returns of how many receipts a conflict is open.
func (d *delivery) openConflicts() int32 {
	open := int32(0)
	for _, r := range d.receipts {
		if isOpen(r.GetConflict()) {
			open++
		}
	}
	return open
}

// store has Redis get a change, or all that there is where it has lost something, or may have.
func (d *delivery) store(ctx context.Context, c change) (err error) {
	if d.stored != anew() {
		d.stored, err = d.deps.Store.store(ctx, c, d.stored)
		if !errors.Is(err, errLost) {
			return err
		}
	}
	c.put, c.gone = slices.Collect(maps.Values(d.receipts)), nil
	sortReceipts(c.put)
	d.stored, err = d.deps.Store.store(ctx, c, anew())
	return err
}

func sortReceipts(receipts []*netboxv1.Receipt) {
	slices.SortFunc(receipts, func(a, b *netboxv1.Receipt) int { return keyOf(a).compare(keyOf(b)) })
}

// sum has the metrics see how the delivery is, whatever it waits for.
func (d *delivery) sum() {
	s := summarize(d.state, maps.Values(d.receipts))
	d.summed.Store(&s)
}

// pass brings NetBox to what Git says, as far as that can be done now. It reports an error when something stands in the
// way of all of it; what NetBox does not take of single records is in their receipts.
func (d *delivery) pass(ctx context.Context, linked *fabricv1.LinkedFabric, asked Asked) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.linked = linked
	if !d.isHere() {
		d.restart()
	}
	d.failures = 0
	err := d.step(ctx, asked)
	return errors.Join(err, d.explain(context.WithoutCancel(ctx), err))
}

// step does what a pass does.
func (d *delivery) step(ctx context.Context, asked Asked) error {
	if err := d.take(ctx, asked); err != nil {
		return err
	}
	d.askWhoWeAre(ctx)
	if err := d.resolveAll(ctx, asked.Resolutions); err != nil {
		return err
	}
	if err := d.bring(ctx); err != nil {
		return err
	}
	if err := d.write(ctx); err != nil {
		return err
	}
	if d.allProven() && d.state.GetProvenCommit() != d.state.GetWantedCommit() {
		d.state.ProvenCommit = d.state.GetWantedCommit()
		if err := d.save(ctx); err != nil {
			return err
		}
	}
	return d.tell(ctx)
}

// allProven reports whether NetBox has what Git says, each record proven, as far as there can be one; and nothing else
// that is known of: it may be the record of a file that is gone, of which Redis has lost that it was made here.
func (d *delivery) allProven() bool {
	for _, r := range d.receipts {
		if !asGitSays(r) {
			return false
		}
	}
	return true
}

// asGitSays reports whether NetBox has of a resource what Git says, as far as it can.
func asGitSays(r *netboxv1.Receipt) bool {
	return r.GetState() == netboxv1.State_STATE_PROVEN || r.GetState() == netboxv1.State_STATE_WITHOUT_MODEL
}

// explain notes why nothing is delivered, once; and that something is again. What can't be noted is noted with the next
// pass. A lease that is over is nobody's business.
func (d *delivery) explain(ctx context.Context, err error) error {
	problem, remedy := explain(err)
	same := d.state.GetProblem() == problem && d.state.GetRemedy() == remedy
	if errors.Is(err, context.Canceled) || same && !d.unsaid {
		return nil
	}
	d.state.Problem, d.state.Remedy, d.state.ProblemCode, d.unsaid = problem, remedy, codeOf(err), true
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	failed := d.save(ctx)
	if !errors.Is(failed, errLedger) {
		return failed
	}
	d.state.Problem, d.state.Remedy = explain(failed)
	d.state.ProblemCode = codeOf(failed)
	d.sum()
	said := d.deps.Store.say(ctx, d.fence, d.state)
	d.unsaid = said != nil
	if errors.Is(err, errLedger) { // it is told already
		return said
	}
	return errors.Join(failed, said)
}

const saveTimeout = 5 * time.Second

// pend has a record written: at once, and with what was wrong with it forgotten.
func (d *delivery) pend(r *netboxv1.Receipt) {
	r.State, r.Problem, r.Attempts = netboxv1.State_STATE_PENDING, nil, 0
	d.unproven(r)
}

// unproven notes since when a record is not proven.
func (d *delivery) unproven(r *netboxv1.Receipt) {
	if r.GetUnprovenSince() == nil {
		r.UnprovenSince = d.now()
	}
	d.touch(r)
}

// fail notes that a record is not delivered, and why.
func (d *delivery) fail(r *netboxv1.Receipt, state netboxv1.State, reason netboxv1.Reason, message string) {
	r.State, r.Problem = state, &netboxv1.Problem{Reason: reason, Message: message}
	if state == netboxv1.State_STATE_HELD && !isMass(r) {
		r.Problem.User, r.Problem.ChangedAt = r.GetEditor().GetUser(), r.GetEditor().GetAt()
	}
	if r.GetForced() { // it was meant for what the record said then
		r.Forced, r.LastUpdated = false, ""
	}
	if state == netboxv1.State_STATE_WITHOUT_MODEL { // nobody can do anything about it
		r.UnprovenSince = nil
		d.touch(r)
		return
	}
	d.unproven(r)
}

// prove notes that a record was seen as it should be.
func (d *delivery) prove(r *netboxv1.Receipt, seen hnp.Record) {
	if r.GetWanted().GetInvalid() { // what it says is what its file said before
		d.fail(r, netboxv1.State_STATE_UNDELIVERABLE, netboxv1.Reason_REASON_INVALID_FILE,
			"the file is not valid; the errors of the last sync say why")
		return
	}
	d.agree(r, seen)
	d.closeConflict(r, forcedBy(r), "")
	r.Heard, r.Offer, r.CommittedAt = nil, nil, nil
	r.State, r.Problem, r.Attempts, r.UnprovenSince = netboxv1.State_STATE_PROVEN, nil, 0, nil
	r.VerifiedAt, r.Forced, r.Theirs = d.now(), false, ""
	delete(d.contents, keyOf(r))
}

// forcedBy returns who had a record overwritten; empty when nobody has.
func forcedBy(r *netboxv1.Receipt) string {
	if !r.GetForced() {
		return ""
	}
	return r.GetForcedBy()
}

// bury notes that a record was seen to be gone. That is remembered for a while.
func (d *delivery) bury(r *netboxv1.Receipt) {
	d.closeConflict(r, forcedBy(r), "")
	r.State, r.Problem, r.Attempts, r.UnprovenSince = netboxv1.State_STATE_PROVEN, nil, 0, nil
	r.RecordId, r.LastUpdated, r.Agreed, r.Forced, r.VerifiedAt = 0, "", nil, false, d.now()
	r.Editor, r.Theirs = nil, ""
	r.Heard, r.Offer, r.CommittedAt = nil, nil, nil
	d.touch(r)
}

// buried reports whether a record is gone, as it should be.
func buried(r *netboxv1.Receipt) bool {
	return r.GetWanted().GetDeleted() && r.GetState() == netboxv1.State_STATE_PROVEN
}

// agree notes that a record says what is wanted.
func (d *delivery) agree(r *netboxv1.Receipt, record hnp.Record) {
	r.RecordId, r.LastUpdated = record.ID, record.LastUpdated
	r.Agreed = &netboxv1.Agreed{
		BlobId: r.GetWanted().GetBlobId(), Digest: r.GetWanted().GetDigest(), Commit: d.commitOf(r),
		ReadAt: d.state.GetWantedCommit(),
	}
	if at := saidAt(record); at != nil {
		account(r, r.GetWanted().GetDigest(), at.AsTime())
	}
	r.Editor = nil
	d.touch(r)
}

// commitOf returns the commit that changed the file of a record last; the wanted one where that is not known.
func (d *delivery) commitOf(r *netboxv1.Receipt) string {
	return cmp.Or(r.GetWanted().GetChangedBy().GetCommit(), d.state.GetWantedCommit())
}

// identity is which record of NetBox it is.
func (d *delivery) identity(k key) hnp.Identity {
	return hnp.Identity{Fabric: int64(d.state.GetNetboxFabric()), Namespace: k.namespace, Name: k.name}
}

// gitWins reports whether a record that somebody changed in NetBox becomes what Git says, whatever it was.
func (d *delivery) gitWins() bool {
	return !d.bothWays() && d.linked.GetNetbox().GetConflictWinner() == fabricv1.Winner_WINNER_GIT_WINS
}
