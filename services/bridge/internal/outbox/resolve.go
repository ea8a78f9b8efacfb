package outbox

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/services/bridge/internal/merge"
)

// resolutionPatience is how long a resolution may wait before it is begun: who asked for it has gone.
const resolutionPatience = time.Minute

// resolveAll settles conflicts as people want them, and answers them. One of which it is not known what became of it is
// gone on with later.
func (d *delivery) resolveAll(ctx context.Context, wanted map[string]*netboxv1.Resolution) error {
	for _, r := range d.receipts { // nobody remembers what for: it is looked at again
		offered := r.GetOffer().GetRequestId()
		if r.GetState() == netboxv1.State_STATE_HELD && offered != "" && wanted[offered] == nil {
			r.Offer = nil
			d.reopen(r)
		}
	}
	for _, id := range inTurn(wanted) {
		resolution := wanted[id]
		r, known, err := d.resolve(ctx, id, resolution)
		if !known {
			continue
		}
		if err := d.flush(ctx); err != nil {
			return err
		}
		if err := d.deps.Store.answer(ctx, d.linked.GetFabricId(), id, r, err); err != nil {
			return err
		}
	}
	return nil
}

// inTurn returns the names of wishes, the oldest first.
func inTurn(wanted map[string]*netboxv1.Resolution) []string {
	return slices.SortedFunc(maps.Keys(wanted), func(a, b string) int {
		return cmp.Or(wanted[a].GetAskedAt().AsTime().Compare(wanted[b].GetAskedAt().AsTime()), cmp.Compare(a, b))
	})
}

// resolve settles a conflict. The error is for who asked; known is false while nobody knows what becomes of it.
func (d *delivery) resolve(
	ctx context.Context, id string, wanted *netboxv1.Resolution,
) (r *netboxv1.Receipt, known bool, err error) {
	r = d.inConflict(wanted.GetConflictId())
	c := r.GetConflict()
	if !isOpen(c) && c.GetWishId() == id { // whoever has done it has died before they said so
		return r, true, nil
	}
	if !isOpen(c) || r.GetOffer().GetRequestId() != id { // else Git is asked already, whatever has changed since
		if err := refusal(r, wanted); err != nil {
			return nil, true, err
		}
		if d.deps.Now().Sub(wanted.GetAskedAt().AsTime()) > resolutionPatience {
			return nil, true, errs.New(errs.ConflictMoved, "It took too long until the resolution could be begun.")
		}
		if r.GetState() != netboxv1.State_STATE_HELD { // it is looked at: it may be the same conflict still
			return nil, false, nil
		}
		if err := d.unmoved(ctx, r); err != nil {
			return nil, true, err
		}
	}
	in, err := d.resolved(r, wanted)
	if err != nil {
		return nil, true, err
	}
	known, err = d.settleAs(ctx, id, in, wanted)
	return r, known, err
}

// inConflict returns the record that a conflict is about; nil when there is none.
func (d *delivery) inConflict(id string) *netboxv1.Receipt {
	for _, r := range d.receipts {
		if c := r.GetConflict(); c != nil && c.GetConflictId() == id {
			return r
		}
	}
	return nil
}

// refusal returns why a resolution can't be begun.
func refusal(r *netboxv1.Receipt, wanted *netboxv1.Resolution) error {
	switch c := r.GetConflict(); {
	case c == nil:
		return errs.New(errs.ConflictNotFound, "There is no conflict %s.", wanted.GetConflictId())
	case !isOpen(c):
		return errs.New(errs.ConflictMoved, "The conflict is settled already.").WithRemedy("Nothing is left to do.")
	case r.GetOffer() != nil:
		return errs.New(errs.ConflictMoved, "Somebody else settles the conflict at this moment.")
	case c.GetVersion() != wanted.GetVersion():
		return moved(c)
	}
	return nil
}

func moved(c *netboxv1.Conflict) error {
	return errs.New(errs.ConflictMoved, "What the conflict %s is about has changed since it was looked at.",
		c.GetConflictId())
}

// unmoved returns an error unless both sides say what they do in the conflict. What they say now is merged.
func (d *delivery) unmoved(ctx context.Context, r *netboxv1.Receipt) error {
	record, same, err := d.asSeen(ctx, r)
	if err != nil {
		return err
	}
	if record.ID != 0 {
		r.RecordId, r.LastUpdated = record.ID, record.LastUpdated
	}
	if same {
		return nil
	}
	d.notice(r, record)
	return moved(r.GetConflict())
}

// asSeen reports whether both sides say what they do in a conflict, and returns the record, which has no number when it
// is not there.
func (d *delivery) asSeen(ctx context.Context, r *netboxv1.Receipt) (record hnp.Record, same bool, err error) {
	sides, err := d.gitSides(ctx, []*netboxv1.Receipt{r})
	if err != nil {
		return record, false, err
	}
	found, err := d.find(ctx, r)
	if err != nil {
		return record, false, err
	}
	if found != nil {
		record = *found
	}
	k, c := keyOf(r), r.GetConflict()
	return record, sides[k].blob == c.GetGitBlobId() && digestOf(k, record) == c.GetNetboxDigest(), nil
}

// resolved returns a record with what a resolution has become of both sides.
func (d *delivery) resolved(r *netboxv1.Receipt, wanted *netboxv1.Resolution) (*incoming, error) {
	c := r.GetConflict()
	var sides merge.Sides
	for _, part := range []struct {
		raw  []byte
		into **merge.Content
	}{{c.GetBase(), &sides.Base}, {c.GetGit(), &sides.Git}, {c.GetNetbox(), &sides.NetBox}} {
		var err error
		if *part.into, err = unpacked(part.raw); err != nil {
			return nil, err
		}
	}
	choices := map[merge.Path]merge.Choice{}
	for _, choice := range wanted.GetChoices() {
		value, err := unpackedValue(choice.GetValue())
		if err != nil {
			return nil, errs.Field("choices", "The value for %s is no JSON.", choice.GetPath()).WithCause(err)
		}
		choices[merge.Path(choice.GetPath())] = merge.Choice{Take: merge.Taker(choice.GetTake()), Value: value}
	}
	content, err := d.chosen(r, sides, choices)
	if err != nil {
		return nil, err
	}
	return &incoming{
		receipt: r, netbox: sides.NetBox, git: &gitSide{content: sides.Git, blob: c.GetGitBlobId()},
		heard:  &netboxv1.Heard{Digest: c.GetNetboxDigest(), Content: c.GetNetbox(), Editor: c.GetNetboxChangedBy()},
		result: merge.Result{Content: content},
	}, nil
}

// chosen returns what a resource becomes by choices.
func (d *delivery) chosen(
	r *netboxv1.Receipt, sides merge.Sides, choices map[merge.Path]merge.Choice,
) (*merge.Content, error) {
	merger, err := merge.New(d.policies()...)
	if err != nil {
		return nil, err
	}
	accept := func(merge.Content) error { return nil }
	c := r.GetConflict()
	oneSided := c.GetBaseUnknown() && (sides.Git == nil) != (sides.NetBox == nil)
	if refusedWords(c) == "" && !oneSided {
		result, err := merger.Resolve(r.GetKind(), sides, accept, choices)
		return result.Content, err
	}
	// No merge has made this one: what comes of both is not valid, or it is not known what they agreed on.
	path := merge.Path(c.GetPaths()[0].GetPath())
	choice, given := choices[path]
	if !given || len(choices) != 1 {
		return nil, errs.Field("choices", "The choice is of %s, and nothing else.", path)
	}
	if path == merge.Whole {
		return takeWhole(sides, choice)
	}
	merged := merger.Merge(r.GetKind(), sides, accept).Content // what is beside the spec
	return takeSpec(*merged, sides, choice)
}

// takeWhole returns the content that is taken as a whole.
func takeWhole(sides merge.Sides, choice merge.Choice) (*merge.Content, error) {
	switch choice.Take {
	case merge.Git:
		return sides.Git, nil
	case merge.NetBox:
		return sides.NetBox, nil
	case merge.Given:
		return merge.ContentOf(choice.Value)
	case merge.Nobody:
	}
	return nil, errs.Field("choices", "The choice for %s is none of git, netbox and value.", merge.Whole)
}

// takeSpec returns a content with the spec that is taken.
func takeSpec(content merge.Content, sides merge.Sides, choice merge.Choice) (*merge.Content, error) {
	switch choice.Take {
	case merge.Git:
		content.Spec = sides.Git.Spec
	case merge.NetBox:
		content.Spec = sides.NetBox.Spec
	default:
		object, is := choice.Value.JSON.(map[string]any)
		if choice.Take != merge.Given || choice.Value.Present && !is {
			return nil, errs.Field("choices", "The choice for %s is none of git, netbox and an object.", merge.Spec)
		}
		content.Spec = object
	}
	return &content, nil
}

// settleAs has Git make the edit that a resolution comes to, if there is one, and notes that the conflict is settled.
func (d *delivery) settleAs(
	ctx context.Context, id string, in *incoming, wanted *netboxv1.Resolution,
) (known bool, err error) {
	r := in.receipt
	merger, err := merge.New()
	if err != nil {
		return true, err
	}
	var done *syncv1.Sync
	if !merger.Equal(r.GetKind(), in.result.Content, in.git.content) {
		r.Offer = &netboxv1.Offer{RequestId: id, Digest: in.heard.GetDigest(), Settles: true}
		d.touch(r)
		if err := d.save(ctx); err != nil {
			return false, err
		}
		failpoint.Hit(failpoint.EditOffered)
		done, err = d.deps.Edit(ctx, d.linked.GetFabricId(), id, settlement(in, wanted))
		failpoint.Hit(failpoint.EditEnded)
		if known, err := d.settled(r, done, err); !known || err != nil {
			return known, err
		}
	}
	if r.GetWanted().GetUnknown() && in.result.Content == nil { // the record goes
		r.Wanted = &netboxv1.Wanted{Deleted: true}
	}
	d.closeConflict(r, wanted.GetResolvedBy(), done.GetSyncId())
	r.Conflict.WishId = id
	d.merge(r)
	r.Heard = append([]*netboxv1.Heard{in.heard}, r.GetHeard()...)
	d.accept(in, done.GetCompletedAt(), done.GetSyncId())
	d.catchUp()
	return true, nil
}

// settlement returns the edit that a resolution comes to, in the name of who settles the conflict.
func settlement(in *incoming, wanted *netboxv1.Resolution) *editv1.EditSet {
	return &editv1.EditSet{
		Author: &editv1.Author{Name: wanted.GetResolvedBy(), Email: wanted.GetEmail()},
		Edits:  []*editv1.Edit{editOf(in)},
	}
}

// settled says what became of an edit that a resolution needs: known is false while nobody knows, or while it waits for
// somebody to merge it. One that was not made leaves the conflict as it was.
func (d *delivery) settled(r *netboxv1.Receipt, done *syncv1.Sync, err error) (known bool, _ error) {
	pull := done.GetResult().GetPullRequest()
	switch {
	case done == nil && err != nil && !isFinal(err):
		return false, nil
	case err != nil:
	case pull.GetState() == gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN:
		return false, nil
	case pull.GetState() == gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED:
		err = errs.New(errs.EditRefused, "The pull request of the resolution was closed without being merged: %s",
			pull.GetUrl())
	default:
		return true, nil
	}
	r.Offer = nil
	d.reopen(r) // a sync may have told of other contents meanwhile
	return true, err
}

// reopen has a record that is in conflict merged again.
func (d *delivery) reopen(r *netboxv1.Receipt) {
	c := r.GetConflict()
	r.Heard = append([]*netboxv1.Heard{{
		Entry: r.GetHeardEntry(), Editor: c.GetNetboxChangedBy(), Content: c.GetNetbox(), Digest: c.GetNetboxDigest(),
		Counted: true,
	}}, r.GetHeard()...)
	d.merge(r)
}

// isFinal reports whether an error that no sync has is the same however often it is asked.
func isFinal(err error) bool {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.NotFound, errs.Precondition, errs.Unauthenticated, errs.PermissionDenied:
		return true
	default:
		return false
	}
}

// Resolve has a conflict settled by whichever bridge delivers the fabric, and waits until it is or can't be. It returns
// the record.
func (o *Outbox) Resolve(
	ctx context.Context, fabricID int32, wanted *netboxv1.Resolution,
) (*netboxv1.Receipt, error) {
	wanted = proto.CloneOf(wanted)
	wanted.AskedAt = o.deps.nowStamp()
	return o.deps.Store.askToResolve(ctx, fabricID, wanted)
}
