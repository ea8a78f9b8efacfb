package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/services/bridge/internal/merge"
)

const (
	// mostGroups is how many requests of NetBox are brought to Git in one pass: records are written in between.
	mostGroups = 10
	// mostEdits is how many resources one commit changes.
	mostEdits = 100
)

// incoming is what was made of a record, beside what Git has.
type incoming struct {
	receipt *netboxv1.Receipt
	heard   *netboxv1.Heard
	git     *gitSide
	netbox  *merge.Content // nil when the record is gone
	base    *merge.Content
	known   bool // what both sides agreed on
	result  merge.Result
}

// bring brings to Git what was made of records in NetBox: what one request made there in one commit, in the name of who
// made it. What can't be brought now is noted at its record, and stays in the way of no other. An error is of what
// stands in the way of all.
func (d *delivery) bring(ctx context.Context) error {
	if !d.bothWays() {
		d.giveUp()
	}
	if err := d.flush(ctx); err != nil {
		return err
	}
	if err := d.tellConflicts(ctx); err != nil || !d.bothWays() {
		return err
	}
	d.tried, d.unclear, d.short = map[key]bool{}, false, nil
	d.catchUp()
	for done := 0; done < mostGroups; {
		group := d.next()
		if len(group) == 0 {
			break
		}
		if !d.waits(group) {
			done++
		}
		if err := d.bringGroup(ctx, group); err != nil {
			return errors.Join(err, d.flush(ctx))
		}
		if ctx.Err() != nil || d.unclear {
			break
		}
	}
	d.catchUp()
	if err := d.flush(ctx); err != nil {
		return err
	}
	return d.tellConflicts(ctx)
}

// giveUp has records looked at that were on their way to Git, or in conflict, when somebody said that changes go from
// Git to NetBox alone.
func (d *delivery) giveUp() {
	for _, r := range d.receipts {
		if !merging(r) && !isOpen(r.GetConflict()) {
			continue
		}
		d.closeConflict(r, "", "")
		r.Heard, r.Offer, r.CommittedAt = nil, nil, nil
		if r.GetWanted().GetUnknown() {
			d.stranger(r, hnp.Record{})
			continue
		}
		d.lookAgain(r)
	}
}

// catchUp has records written again of which Git has what was made of them, as soon as that is what is wanted.
func (d *delivery) catchUp() {
	published := d.linked.GetPublished().GetCompletedAt().AsTime()
	if d.unsure || d.linked.GetPublished().GetCommit() != d.state.GetWantedCommit() {
		return
	}
	for _, r := range d.receipts {
		if merging(r) && len(r.GetHeard()) == 0 &&
			(r.GetCommittedAt() == nil || !published.Before(r.GetCommittedAt().AsTime())) {
			r.CommittedAt = nil
			if r.GetWanted().GetUnknown() { // its file has come and gone since
				r.Wanted = &netboxv1.Wanted{Deleted: true}
			}
			d.lookAgain(r)
		}
	}
}

// waits reports whether Git was asked for what a group of records says, in a pass before.
func (d *delivery) waits(group []*netboxv1.Receipt) bool {
	return isAsked(group[0].GetOffer(), group[0].GetHeard()[0])
}

// next returns the records that the oldest request changed which is not in Git yet.
func (d *delivery) next() []*netboxv1.Receipt {
	var first *netboxv1.Receipt
	for _, r := range d.receipts {
		if d.ready(r) && (first == nil || d.older(r, first)) {
			first = r
		}
	}
	if first == nil {
		return nil
	}
	var group []*netboxv1.Receipt
	for _, r := range d.receipts {
		if d.ready(r) && (r == first || together(r, first)) {
			group = append(group, r)
		}
	}
	slices.SortFunc(group, func(a, b *netboxv1.Receipt) int { return keyOf(a).compare(keyOf(b)) })
	return group[:min(len(group), mostEdits)]
}

// ready reports whether it is time to bring to Git what was made of a record.
func (d *delivery) ready(r *netboxv1.Receipt) bool {
	if !merging(r) || len(r.GetHeard()) == 0 || d.tried[keyOf(r)] {
		return false
	}
	found := r.GetHeard()[0].GetFoundAt()
	return found == nil || d.deps.Now().Sub(found.AsTime()) >= foundGrace
}

func (d *delivery) older(a, b *netboxv1.Receipt) bool {
	one, other := a.GetHeard()[0], b.GetHeard()[0]
	return cmp.Or(
		whenOf(one).Compare(whenOf(other)), keyOf(a).compare(keyOf(b)),
	) < 0
}

// whenOf returns when something was done in NetBox, or found there.
func whenOf(h *netboxv1.Heard) time.Time {
	if at := h.GetEditor().GetAt(); at != nil {
		return at.AsTime()
	}
	return h.GetFoundAt().AsTime()
}

// together reports whether two records were changed by one request, or Git is asked for both at once already. Of what
// nobody told it is not known.
func together(a, b *netboxv1.Receipt) bool {
	if a.GetOffer() != nil || b.GetOffer() != nil {
		return a.GetOffer().GetRequestId() == b.GetOffer().GetRequestId()
	}
	one, other := a.GetHeard()[0].GetEditor(), b.GetHeard()[0].GetEditor()
	return one.GetRequestId() == other.GetRequestId() && one.GetUser() == other.GetUser()
}

// bringGroup brings to Git what a request made of records.
func (d *delivery) bringGroup(ctx context.Context, group []*netboxv1.Receipt) error {
	for _, r := range group {
		d.tried[keyOf(r)] = true
	}
	group = d.admit(ctx, group)
	if len(group) == 0 {
		return nil
	}
	sides, err := d.gitSides(ctx, group)
	if err != nil {
		d.postpone(group, err)
		return nil
	}
	var edits []*incoming
	for _, r := range group {
		in, err := d.mergeOne(r, sides[keyOf(r)])
		if err != nil {
			return err
		}
		if in != nil {
			edits = append(edits, in)
		}
	}
	if len(edits) == 0 {
		return d.flush(ctx)
	}
	return d.offer(ctx, edits)
}

// postpone notes why what was made of records is not in Git yet.
func (d *delivery) postpone(group []*netboxv1.Receipt, err error) {
	for _, r := range group {
		r.Attempts++
		r.Problem = &netboxv1.Problem{
			Reason: netboxv1.Reason_REASON_NOT_COMMITTED, Message: words(err), User: editor(r).GetUser(),
			ChangedAt: editor(r).GetAt(),
		}
		d.touch(r)
	}
}

// editor returns who made what is next to be brought to Git.
func editor(r *netboxv1.Receipt) *netboxv1.Editor {
	if len(r.GetHeard()) == 0 {
		return r.GetEditor()
	}
	return r.GetHeard()[0].GetEditor()
}

// mergeOne merges what was made of a record with what Git has. It returns nil when there is nothing for Git to do.
func (d *delivery) mergeOne(r *netboxv1.Receipt, git *gitSide) (*incoming, error) {
	h := r.GetHeard()[0]
	if h.GetFoundAt() != nil && d.doubted(r, h.GetDigest()) { // nobody was told to have done it: it was done late
		r.Heard, r.Offer = r.GetHeard()[1:], nil
		if h.GetDigest() == absent {
			d.makeAgain(r)
			return nil, nil
		}
		r.Agreed = &netboxv1.Agreed{Digest: h.GetDigest(), Content: h.GetContent()}
		d.lookAgain(r)
		return nil, nil
	}
	netbox, err := unpacked(h.GetContent())
	if err != nil {
		return nil, err
	}
	in := &incoming{receipt: r, heard: h, git: git, netbox: netbox}
	if in.base, in.known, err = d.base(r, h, git); err != nil {
		return nil, err
	}
	switch {
	case git.problem != "":
		d.refuse(in, "its file is not valid: "+git.problem)
		return nil, nil
	case !in.known && git.content == nil && netbox != nil:
		d.conflictWhole(in, "nobody knows whether the record was made in NetBox, or its file deleted in Git")
		return nil, nil
	case !in.known && git.content != nil && netbox == nil:
		d.conflictWhole(in, "nobody knows whether the record that was deleted in NetBox was the one of the file")
		return nil, nil
	}
	merger, err := merge.New(d.policies()...)
	if err != nil {
		return nil, err
	}
	in.result = merger.Merge(r.GetKind(), merge.Sides{Base: in.base, Git: git.content, NetBox: netbox}, d.verdict(in))
	if open := in.result.Open(); len(open) > 0 {
		d.conflict(in, open)
		return nil, nil
	}
	if merger.Equal(r.GetKind(), in.result.Content, git.content) && git.blob == wantedBlob(r) {
		d.accept(in, nil, "")
		return nil, nil
	}
	return in, nil
}

// wantedBlob returns the file that is wanted; nothing when there is to be none.
func wantedBlob(r *netboxv1.Receipt) string {
	if w := r.GetWanted(); !w.GetDeleted() && !w.GetUnknown() {
		return w.GetBlobId()
	}
	return ""
}

// verdict returns what says whether what came of both sides may be. Git says it when it is offered that; what it has
// said of these very contents is known.
func (d *delivery) verdict(in *incoming) merge.Judge {
	return func(merge.Content) error {
		if c := in.receipt.GetConflict(); isOpen(c) && c.GetVersion() == in.version() && refusedWords(c) != "" {
			return errors.New(refusedWords(c))
		}
		return nil
	}
}

// policies returns who wins where both sides changed the same.
func (d *delivery) policies() []merge.Policy {
	link := d.linked.GetNetbox()
	var all []merge.Policy
	for _, p := range link.GetConflictPolicies() {
		all = append(all, merge.Policy{Kind: p.GetKind(), Prefix: merge.Path(p.GetPath()), Winner: winnerOf(p.GetWinner())})
	}
	everywhere := func(p merge.Policy) bool { return p.Kind == "" && p.Prefix == merge.Whole }
	if winner := winnerOf(link.GetConflictWinner()); !slices.ContainsFunc(all, everywhere) {
		all = append(all, merge.Policy{Prefix: merge.Whole, Winner: winner})
	}
	return all
}

// accept notes that Git has what was made of a record. From then on that is what both sides agreed on; what was
// completed is the sync that brought it there, nil where Git had it.
func (d *delivery) accept(in *incoming, completed *timestamppb.Timestamp, syncID string) {
	r := in.receipt
	d.deps.Metrics.edits.WithLabelValues(map[bool]string{true: "unchanged", false: "committed"}[completed == nil]).Inc()
	d.closeConflict(r, "", syncID)
	r.Heard, r.Offer, r.Problem, r.Attempts = r.GetHeard()[1:], nil, nil, 0
	if r.Agreed = nil; in.netbox != nil {
		r.Agreed = &netboxv1.Agreed{Digest: in.heard.GetDigest(), Content: in.heard.GetContent()}
	}
	if completed != nil {
		r.CommittedAt = completed
	}
	if at := in.heard.GetSaidAt(); at != nil {
		account(r, in.heard.GetDigest(), at.AsTime())
	}
	delete(d.tried, keyOf(r)) // what came after it is next
	d.touch(r)
}

// admit returns the records of a group that may be brought to Git: nothing goes that somebody has to look at first.
func (d *delivery) admit(ctx context.Context, group []*netboxv1.Receipt) []*netboxv1.Receipt {
	if d.waits(group) {
		return group
	}
	why, err := d.notMeant(ctx, group)
	switch {
	case err != nil:
		d.postpone(group, err)
		return nil
	case why != "":
		for _, r := range group {
			d.fail(r, netboxv1.State_STATE_HELD, netboxv1.Reason_REASON_MASS_DELETION, why)
		}
		return nil
	}
	return d.calm(group)
}

// notMeant returns why a group waits for somebody who means it: very many records are gone, or the fabric itself is.
func (d *delivery) notMeant(ctx context.Context, group []*netboxv1.Receipt) (string, error) {
	if !slices.ContainsFunc(group, func(r *netboxv1.Receipt) bool {
		return r.GetHeard()[0].GetDigest() == absent && !r.GetHeard()[0].GetConfirmed()
	}) {
		return "", nil
	}
	if err := d.checkFabric(ctx); err != nil {
		var none noFabricError
		if errors.As(err, &none) {
			return "NetBox does not have the fabric any more, and with it its records", nil
		}
		return "", err
	}
	if d.short == nil {
		found, err := d.shortfallNow(ctx)
		if err != nil {
			return "", err
		}
		d.short = &found
	}
	gone, of := d.short.gone, d.short.of
	if gone > fewDeletions && gone*100 > mostDeletionsPercent*of {
		return fmt.Sprintf("it is one of %d of %d records that are gone from NetBox", gone, of), nil
	}
	return "", nil
}

// shortfall is how many records are gone of those that Git has files of, and of how many.
type shortfall struct{ gone, of int }

// shortfallNow looks how many records are gone, whoever has told of it.
func (d *delivery) shortfallNow(ctx context.Context) (m shortfall, err error) {
	byKind := map[string][]*netboxv1.Receipt{}
	for _, r := range d.receipts {
		if r.GetWanted().GetUnknown() || r.GetWanted().GetDeleted() || r.GetAgreed() == nil {
			continue
		}
		byKind[r.GetKind()] = append(byKind[r.GetKind()], r)
	}
	for kind, some := range byKind {
		records, err := d.client.List(ctx, kind)
		if err != nil {
			return shortfall{}, err
		}
		here := map[key]bool{}
		for _, record := range of(records, int64(d.state.GetNetboxFabric())) {
			here[key{kind, record.Namespace, record.Name}] = true
		}
		for _, r := range some {
			if m.of++; !here[keyOf(r)] {
				m.gone++
			}
		}
	}
	return m, nil
}
