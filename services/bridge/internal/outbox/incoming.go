package outbox

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/services/bridge/internal/merge"
)

const (
	// foundGrace is for how long what a comparison found waits to be told too: then it is known who did it.
	foundGrace = time.Minute
	// mostHeard is how much is kept of a record that is not in Git yet. Of what is beyond that only the newest counts.
	mostHeard = 16
)

// bothWays reports whether what is changed in NetBox becomes what Git says.
func (d *delivery) bothWays() bool {
	return d.linked.GetNetbox().GetDirection() != fabricv1.Direction_DIRECTION_GIT_TO_NETBOX
}

// merging reports whether a record waits for Git to have what was made of it in NetBox.
func merging(r *netboxv1.Receipt) bool { return r.GetState() == netboxv1.State_STATE_MERGING }

// hear takes up what people made of records, in its order, and keeps it until Git has it. The caller holds mu.
func (d *delivery) hear(ctx context.Context, changes []hearing.Change) error {
	now, err := d.asTheyAre(ctx, changes)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if !slices.Contains(hnp.Kinds(), c.Kind) || c.Branch != "" || c.Superseded {
			continue
		}
		if was, is := d.nameBefore(c); is {
			d.hearOf(was, c, nil, now)
			c.Was = &hnp.Identity{} // it was another one
		}
		if c.Identity.Fabric != int64(d.state.GetNetboxFabric()) {
			continue
		}
		k := key{c.Kind, c.Identity.Namespace, c.Identity.Name}
		switch record, there := now[k]; {
		case c.Action == hnp.RecordDeleted:
			d.hearOf(k, c, nil, now)
		case c.After != nil && !c.Bare:
			d.hearOf(k, c, c.After, now)
		case there && record.ID == c.RecordID:
			content := record.Content(k.kind)
			d.hearOf(k, c, &content, now)
		}
	}
	return d.flush(ctx)
}

// nameBefore returns under which name a record was known that a change has given another one, or moved here or away.
// The feed does not say it: the number does.
func (d *delivery) nameBefore(c hearing.Change) (k key, is bool) {
	here := int64(d.state.GetNetboxFabric())
	if c.Was != nil && c.Was.Fabric == here {
		return key{c.Kind, c.Was.Namespace, c.Was.Name}, true
	}
	if c.Action != hnp.RecordUpdated {
		return key{}, false
	}
	now := key{c.Kind, c.Identity.Namespace, c.Identity.Name}
	for k, r := range d.receipts {
		if k.kind == c.Kind && r.GetRecordId() == c.RecordID && (k != now || c.Identity.Fabric != here) {
			return k, true
		}
	}
	return key{}, false
}

// asTheyAre reads the records that changes are about, as they are now.
func (d *delivery) asTheyAre(ctx context.Context, changes []hearing.Change) (map[key]hnp.Record, error) {
	numbers := map[string][]int64{}
	for _, c := range changes {
		if slices.Contains(hnp.Kinds(), c.Kind) && c.Branch == "" && !slices.Contains(numbers[c.Kind], c.RecordID) {
			numbers[c.Kind] = append(numbers[c.Kind], c.RecordID)
		}
	}
	now := map[key]hnp.Record{}
	for kind, some := range numbers {
		found, err := d.readBack(ctx, kind, some)
		if err != nil {
			return nil, err
		}
		for _, record := range found {
			if record.Fabric == int64(d.state.GetNetboxFabric()) {
				now[key{kind, record.Namespace, record.Name}] = record
			}
		}
	}
	return now, nil
}

// hearOf takes up what somebody made of a record; nil when it is gone.
func (d *delivery) hearOf(k key, c hearing.Change, content *hnp.Content, now map[key]hnp.Record) {
	r := d.receipts[k]
	switch {
	case r == nil && content == nil: // nobody has known it
		return
	case r != nil && !after(c.Entry, r.GetHeardEntry()): // it was told before
		return
	case buried(r) && content == nil:
		r.HeardEntry = c.Entry
		d.touch(r)
		return
	}
	record, there := now[k]
	stale := c.User != "" && c.User == d.ours.name() && d.isStale(r, record)
	if r != nil && (stale || d.isOver(r, c, content, record)) {
		r.HeardEntry = c.Entry
		d.touch(r)
		return
	}
	if r == nil || buried(r) {
		r = freshReceipt(k, r)
		d.receipts[k] = r
	}
	r.HeardEntry, r.Accounted = c.Entry, ""
	if r.RecordId, r.LastUpdated = record.ID, ""; there {
		if !record.AutoSync {
			r.Heard, r.Offer = nil, nil
			d.leave(r, record)
			return
		}
	}
	if content != nil && !content.Plain() {
		r.Heard, r.Offer = nil, nil
		d.notice(r, record)
		return
	}
	d.dropFound(r)
	heard := heardOf(k, c.Entry, content)
	heard.Editor, heard.SaidAt = editorOf(c), timestamppb.New(c.Time)
	heard.Created = content != nil && (c.Action == hnp.RecordCreated || c.Was != nil)
	d.await(r, heard)
}

// accountedFor is for how long after a record was seen the change can be dated that made it so.
const accountedFor = time.Minute

// isOver reports whether a change is of before what is accounted for, or is what that came from: it is told late.
func (d *delivery) isOver(r *netboxv1.Receipt, c hearing.Change, content *hnp.Content, now hnp.Record) bool {
	at, says := r.GetAccountedAt(), absent
	if content != nil {
		says = content.Digest(r.GetKind())
	}
	isSo := content != nil && says == digestOf(keyOf(r), now)
	if at == nil || isSo && says != r.GetAccounted() && says != r.GetAgreed().GetDigest() { // whatever its date
		return false
	}
	return c.Time.Before(at.AsTime()) ||
		says == r.GetAccounted() && c.Time.Before(at.AsTime().Add(accountedFor))
}

// account notes what a record said that is accounted for, and when. Nothing is dated back.
func account(r *netboxv1.Receipt, says string, at time.Time) {
	if at.Before(r.GetAccountedAt().AsTime()) {
		return
	}
	r.Accounted, r.AccountedAt = says, timestamppb.New(at)
}

// isStale reports whether a record says what both sides agree on, whatever was heard of it: what we wrote before that
// was forgotten since.
func (d *delivery) isStale(r *netboxv1.Receipt, record hnp.Record) bool {
	says := digestOf(keyOf(r), record)
	return len(r.GetHeard()) == 0 && (says == r.GetAgreed().GetDigest() || says == absent && r.GetAgreed() == nil)
}

// askWhoWeAre asks NetBox for the name of our user there, until it answers.
func (d *delivery) askWhoWeAre(ctx context.Context) {
	if d.aware || !d.bothWays() {
		return
	}
	who, err := d.client.Caller(ctx)
	if d.aware = err == nil || !hnp.Is(err, hnp.Away); !d.aware {
		return
	}
	d.ours.mu.Lock()
	defer d.ours.mu.Unlock()
	d.ours.user = who.Username
}

// freshReceipt returns the receipt of a record that somebody has made. Of one that was gone before it remembers what is
// not to be taken for somebody's change.
func freshReceipt(k key, gone *netboxv1.Receipt) *netboxv1.Receipt {
	return &netboxv1.Receipt{
		Kind: k.kind, Namespace: k.namespace, Name: k.name, Wanted: &netboxv1.Wanted{Unknown: true},
		AccountedAt: gone.GetAccountedAt(), Written: gone.GetWritten(), Doubted: gone.GetDoubted(),
		DoubtedAt: gone.GetDoubtedAt(),
	}
}

// dropFound forgets what a comparison found of a record, which is told now. What Git is asked for already stays.
func (d *delivery) dropFound(r *netboxv1.Receipt) {
	var asked *netboxv1.Heard
	if len(r.GetHeard()) > 0 && r.GetOffer() != nil {
		asked = r.GetHeard()[0]
	}
	r.Heard = slices.DeleteFunc(r.GetHeard(), func(h *netboxv1.Heard) bool { return h.GetFoundAt() != nil && h != asked })
}

// heardOf returns what is kept of what was heard; no content for a record that is gone.
func heardOf(k key, entry string, content *hnp.Content) *netboxv1.Heard {
	if content == nil {
		return &netboxv1.Heard{Entry: entry, Digest: absent}
	}
	return &netboxv1.Heard{Entry: entry, Digest: content.Digest(k.kind), Content: packed(mergeable(*content))}
}

func editorOf(c hearing.Change) *netboxv1.Editor {
	if c.User == "" && c.RequestID == "" {
		return nil
	}
	editor := &netboxv1.Editor{User: c.User, At: timestamppb.New(c.Time), Email: c.Email, RequestId: c.RequestID}
	if number, is := strings.CutPrefix(c.ID, "log:"); is {
		editor.ChangeId, _ = strconv.ParseInt(number, 10, 64) // it was made of a number
	}
	return editor
}

// await keeps what was made of a record until Git has it. Somebody who has to decide about it first still has to,
// unless it is another thing now.
func (d *delivery) await(r *netboxv1.Receipt, heard *netboxv1.Heard) {
	last := len(r.GetHeard()) - 1
	if last >= 0 && sameRequest(r.GetHeard()[last], heard) && (last > 0 || r.GetOffer() == nil) {
		heard.Created = heard.GetCreated() || r.GetHeard()[last].GetCreated()
		r.Heard = r.GetHeard()[:last]
	}
	r.Heard = append(r.GetHeard(), heard)
	if extra := len(r.GetHeard()) - mostHeard; extra > 0 { // what is next may be on its way already
		r.Heard = slices.Delete(r.GetHeard(), mostHeard-1, mostHeard-1+extra)
	}
	held, gone := r.GetState() == netboxv1.State_STATE_HELD, heard.GetDigest() == absent
	storm := r.GetProblem().GetReason() == netboxv1.Reason_REASON_STORM
	if held && (storm || isMass(r) && gone) {
		d.touch(r)
		return
	}
	d.merge(r)
}

// sameRequest reports whether two changes of a record were made by one request.
func sameRequest(a, b *netboxv1.Heard) bool {
	id := a.GetEditor().GetRequestId()
	return id != "" && id == b.GetEditor().GetRequestId()
}

// merge has a record merged.
func (d *delivery) merge(r *netboxv1.Receipt) {
	r.State, r.Problem, r.Attempts, r.Forced = netboxv1.State_STATE_MERGING, nil, 0, false
	d.unproven(r)
}

// notice notes that a record says what nobody told of. A record without a number is not there.
func (d *delivery) notice(r *netboxv1.Receipt, record hnp.Record) {
	k := keyOf(r)
	r.RecordId, r.LastUpdated = record.ID, ""
	if record.ID == 0 {
		heard := heardOf(k, "", nil)
		heard.SaidAt = d.now()
		d.found(r, heard)
		return
	}
	content := record.Content(k.kind)
	switch {
	case !content.Plain():
		d.fail(r, netboxv1.State_STATE_HELD, netboxv1.Reason_REASON_REFUSED_BY_GIT,
			"its spec, labels or annotations are no object, which no file can have")
		r.Theirs = content.Digest(k.kind)
	case !record.AutoSync:
		d.leave(r, record)
	default:
		heard := heardOf(k, "", &content)
		heard.SaidAt = saidAt(record)
		d.found(r, heard)
	}
}

func (d *delivery) found(r *netboxv1.Receipt, heard *netboxv1.Heard) {
	if all := r.GetHeard(); len(all) > 0 && all[len(all)-1].GetDigest() == heard.GetDigest() {
		d.merge(r)
		return
	}
	switch c := r.GetConflict(); {
	case isOpen(c) && c.GetNetboxDigest() == heard.GetDigest(): // who did it is known
		heard.Editor, heard.Entry = c.GetNetboxChangedBy(), r.GetHeardEntry()
	case r.GetEditor() != nil && r.GetTheirs() == heard.GetDigest():
		heard.Editor, heard.Entry = r.GetEditor(), r.GetHeardEntry()
	default:
		heard.FoundAt = d.now()
	}
	d.await(r, heard)
}

// saidAt returns when a record was last changed; nothing where NetBox does not say.
func saidAt(record hnp.Record) *timestamppb.Timestamp {
	at, err := time.Parse(time.RFC3339Nano, record.LastUpdated)
	if err != nil {
		return nil
	}
	return timestamppb.New(at)
}

// leave leaves a record alone that is not synced by itself.
func (d *delivery) leave(r *netboxv1.Receipt, record hnp.Record) {
	says := record.Content(r.GetKind()).Digest(r.GetKind())
	if says == r.GetWanted().GetDigest() && !r.GetWanted().GetDeleted() {
		d.prove(r, record)
		return
	}
	d.fail(r, netboxv1.State_STATE_HELD, netboxv1.Reason_REASON_AUTO_SYNC_OFF,
		"somebody changed the record in NetBox, and its auto_sync is off")
	r.Theirs = says
}

// after reports whether an entry of a stream is after another one; one that is none is.
func after(entry, other string) bool {
	a, aIs := entryOf(entry)
	b, bIs := entryOf(other)
	return !aIs || !bIs || slices.Compare(a, b) > 0
}

func entryOf(entry string) ([]uint64, bool) {
	at, number, _ := strings.Cut(entry, "-")
	first, err := strconv.ParseUint(at, 10, 64)
	second, err2 := strconv.ParseUint(cmp.Or(number, "0"), 10, 64)
	return []uint64{first, second}, err == nil && err2 == nil
}

// base returns what both sides agreed on last about a record. Where that is not known, known is false; where there was
// no such resource, it is nil.
func (d *delivery) base(
	r *netboxv1.Receipt, h *netboxv1.Heard, git *gitSide,
) (base *merge.Content, known bool, err error) {
	agreed := r.GetAgreed()
	switch {
	case agreed == nil:
		return nil, h.GetCreated() && git.content == nil, nil
	case len(agreed.GetContent()) > 0:
		base, err = unpacked(agreed.GetContent())
		return base, err == nil, err
	case git.content != nil && git.digest == agreed.GetDigest():
		return git.content, true, nil
	}
	return git.before, git.before != nil && git.beforeDigest == agreed.GetDigest(), nil
}
