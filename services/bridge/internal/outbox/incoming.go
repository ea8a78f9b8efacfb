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
		if c.Was != nil && c.Was.Fabric == int64(d.state.GetNetboxFabric()) {
			d.hearOf(key{c.Kind, c.Was.Namespace, c.Was.Name}, c, nil, now)
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
	if r == nil && content == nil {
		return // nobody has known it
	}
	if r == nil || buried(r) {
		r = &netboxv1.Receipt{
			Kind: k.kind, Namespace: k.namespace, Name: k.name, Wanted: &netboxv1.Wanted{Unknown: true},
			HeardEntry: r.GetHeardEntry(),
		}
		d.receipts[k] = r
	}
	if !after(c.Entry, r.GetHeardEntry()) {
		return // it was told before
	}
	r.HeardEntry = c.Entry
	record, there := now[k]
	if isOver(r, c, content) || c.User != "" && c.User == d.ours.name() && d.isStale(r, record) {
		return
	}
	r.Accounted = ""
	if r.RecordId, r.LastUpdated = record.ID, ""; there {
		if !record.AutoSync {
			r.Heard = nil
			d.leave(r, record)
			return
		}
	}
	r.Heard = slices.DeleteFunc(r.GetHeard(), func(h *netboxv1.Heard) bool { return h.GetFoundAt() != nil })
	heard := heardOf(k, c.Entry, content)
	heard.Editor, heard.SaidAt = editorOf(c), timestamppb.New(c.Time)
	heard.Created = content != nil && (c.Action == hnp.RecordCreated || c.Was != nil)
	d.await(r, heard)
}

// accountedFor is for how long after a record was seen the change can be dated that made it so.
const accountedFor = time.Minute

// isOver reports whether a change is of before what is accounted for, or is what that came from: it is told late.
func isOver(r *netboxv1.Receipt, c hearing.Change, content *hnp.Content) bool {
	at := r.GetAccountedAt()
	if at == nil {
		return false
	}
	says := absent
	if content != nil {
		says = content.Digest(r.GetKind())
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
	r.Heard = append(r.GetHeard(), heard)
	if extra := len(r.GetHeard()) - mostHeard; extra > 0 { // what is next may be on its way already
		r.Heard = slices.Delete(r.GetHeard(), mostHeard-1, mostHeard-1+extra)
	}
	if reason := r.GetProblem().GetReason(); r.GetState() == netboxv1.State_STATE_HELD &&
		(reason == netboxv1.Reason_REASON_STORM || isMass(r)) {
		d.touch(r)
		return
	}
	d.merge(r)
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
	if c := r.GetConflict(); isOpen(c) && c.GetNetboxDigest() == heard.GetDigest() { // who did it is known
		heard.Editor, heard.Entry = c.GetNetboxChangedBy(), r.GetHeardEntry()
	} else {
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
