package outbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// ownAnnotations begins the keys of annotations that stay in the file.
const ownAnnotations = "hnp.githedgehog.com/"

// unnamed is the kind of what a file is that is no valid resource, and not the file of one that is known.
const unnamed = "-"

// readTimeout is how long it may take to read what the files say: nothing else is done with the fabric meanwhile.
const readTimeout = 2 * time.Minute

// reading is what was read of the files of a fabric: all of them, or those that have changed.
type reading struct {
	complete bool
	owners   map[string]key // which resource a file was of before
	seen     map[key]bool   // what some file is of now
	paths    map[string]bool
	removed  map[string]*fabricv1.FileAuthor
	invalid  []*fabricv1.ChangedResource
}

func (d *delivery) newReading() *reading {
	r := &reading{
		owners: map[string]key{}, seen: map[key]bool{}, paths: map[string]bool{},
		removed: map[string]*fabricv1.FileAuthor{},
	}
	for k, receipt := range d.receipts {
		if path := receipt.GetWanted().GetPath(); path != "" {
			r.owners[path] = k
		}
	}
	return r
}

// read reads what is wanted: all of it, or what has changed since the commit that was wanted before. A valid file
// counts before an invalid one that names the same resource, wherever they stand.
func (d *delivery) read(ctx context.Context, published *fabricv1.PublishedState, whole bool) error {
	request := &fabricv1.ReadResourcesRequest{FabricId: d.linked.GetFabricId(), Commit: published.GetCommit()}
	if !whole {
		request.SinceCommit = d.state.GetWantedCommit()
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	r := d.newReading()
	err := rpc.Collect(ctx, d.deps.Resources.ReadResources, request, func(part *fabricv1.ReadResourcesResponse) error {
		r.complete = r.complete || part.GetComplete()
		for _, file := range part.GetRemoved() {
			r.removed[file.GetPath()] = file.GetChangedBy()
		}
		return d.wantAll(r, part.GetResources())
	})
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errs.New(errs.SyncTimeout, "The files of the fabric can't be read in time.").WithCause(err).
			WithRemedy("Look whether the orchestrator and the Git host answer; delivery goes on by itself.")
	}
	if err != nil {
		return fmt.Errorf("read the resources of fabric %d at %s: %w", request.GetFabricId(), request.GetCommit(), err)
	}
	for _, changed := range r.invalid {
		d.wantInvalid(d.receiptOfInvalid(r, changed), changed)
	}
	for k, receipt := range d.receipts {
		path := receipt.GetWanted().GetPath()
		author, gone := r.removed[path]
		if !r.seen[k] && (r.complete || gone || r.paths[path]) && !receipt.GetWanted().GetUnknown() {
			d.unwant(receipt, author, published)
		}
	}
	return nil
}

// wantAll notes what valid files say, and keeps the others for when it is known what all of those are.
func (d *delivery) wantAll(r *reading, resources []*fabricv1.ChangedResource) error {
	for _, changed := range resources {
		r.paths[changed.GetResource().GetPath()] = true
		if changed.GetResource().GetProblem() != nil {
			r.invalid = append(r.invalid, changed)
			continue
		}
		if err := d.want(r, changed); err != nil {
			return err
		}
	}
	return nil
}

func keyOfResource(resource *reportv1.ResourceContent) key {
	return key{resource.GetKey().GetKind(), resource.GetKey().GetNamespace(), resource.GetKey().GetName()}
}

// receipt returns the receipt of a record, a new one when there is none.
func (d *delivery) receipt(k key) *netboxv1.Receipt {
	if d.receipts[k] == nil {
		d.receipts[k] = &netboxv1.Receipt{Kind: k.kind, Namespace: k.namespace, Name: k.name}
	}
	return d.receipts[k]
}

// want notes what a valid file says.
func (d *delivery) want(r *reading, changed *fabricv1.ChangedResource) error {
	resource := changed.GetResource()
	k := keyOfResource(resource)
	if r.seen[k] { // a file beside the one that counts
		return nil
	}
	r.seen[k] = true
	content, err := contentOf(resource)
	if err != nil {
		return fmt.Errorf("decode %s: %w", resource.GetPath(), err)
	}
	receipt := d.receipt(k)
	if !slices.Contains(hnp.Kinds(), k.kind) {
		receipt.Wanted = &netboxv1.Wanted{
			Path: resource.GetPath(), BlobId: resource.GetBlobId(), ChangedBy: authorOf(receipt.GetWanted(), changed),
		}
		d.fail(receipt, netboxv1.State_STATE_WITHOUT_MODEL, netboxv1.Reason_REASON_NO_MODEL,
			"the plugin has no model of the kind "+k.kind)
		return nil
	}
	d.wantContent(receipt, changed, content)
	return nil
}

// authorOf returns who changed a file last. Of one that is the same as before that is known already: when it is read
// anew, the newest commits may not tell it any more, and somebody else would be named.
func authorOf(before *netboxv1.Wanted, changed *fabricv1.ChangedResource) *fabricv1.FileAuthor {
	resource := changed.GetResource()
	if before.GetChangedBy() != nil && before.GetPath() == resource.GetPath() &&
		before.GetBlobId() == resource.GetBlobId() {
		return before.GetChangedBy()
	}
	return changed.GetChangedBy()
}

// receiptOfInvalid returns which receipt says that a file is invalid: that of the resource that the file was of; that
// of the one that it names, where no other file is of that; else one of its own.
func (d *delivery) receiptOfInvalid(r *reading, changed *fabricv1.ChangedResource) *netboxv1.Receipt {
	path, k := changed.GetResource().GetPath(), keyOfResource(changed.GetResource())
	owner, had := r.owners[path]
	switch {
	case had && !r.seen[owner]:
		k = owner
	case k.name == "" || !slices.Contains(hnp.Kinds(), k.kind) || r.seen[k] || d.hasFile(r, k):
		k = key{kind: unnamed, name: strings.ReplaceAll(path, "/", "|")}
	}
	r.seen[k] = true
	return d.receipt(k)
}

// hasFile reports whether a resource has a file that is none of those that were read, or is known of NetBox alone.
func (d *delivery) hasFile(r *reading, k key) bool {
	wanted := d.receipts[k].GetWanted()
	if wanted.GetUnknown() {
		return !merging(d.receipts[k]) // a file that was made of it is its own
	}
	_, gone := r.removed[wanted.GetPath()]
	return wanted.GetPath() != "" && !gone && !r.complete
}

// wantInvalid notes that a file is no valid resource: what NetBox has of it stays. What is held stays held.
func (d *delivery) wantInvalid(r *netboxv1.Receipt, changed *fabricv1.ChangedResource) {
	resource := changed.GetResource()
	r.Wanted = &netboxv1.Wanted{
		Path: resource.GetPath(), BlobId: resource.GetBlobId(), ChangedBy: authorOf(r.GetWanted(), changed),
		Invalid: true, Digest: r.GetWanted().GetDigest(),
	}
	delete(d.contents, keyOf(r))
	if r.GetState() == netboxv1.State_STATE_HELD && !isMass(r) || merging(r) {
		d.touch(r)
		return
	}
	d.fail(r, netboxv1.State_STATE_UNDELIVERABLE, netboxv1.Reason_REASON_INVALID_FILE,
		resource.GetProblem().GetMessage())
}

// wantContent notes what a record is to say. A record that says it already is proven as it was; one that somebody
// changed in NetBox is looked at again before anything is written.
func (d *delivery) wantContent(r *netboxv1.Receipt, changed *fabricv1.ChangedResource, content hnp.Content) {
	resource, k := changed.GetResource(), keyOf(r)
	digest, before := content.Digest(k.kind), r.GetWanted()
	r.Wanted = &netboxv1.Wanted{
		Path: resource.GetPath(), BlobId: resource.GetBlobId(), Digest: digest, ChangedBy: authorOf(before, changed),
	}
	if d.contents[k] = content; merging(r) || r.GetOffer() != nil {
		d.touch(r)
		return
	}
	same := before.GetDigest() == digest && !before.GetDeleted() && !before.GetInvalid() && !before.GetUnknown()
	switch {
	case r.GetState() == netboxv1.State_STATE_PROVEN && same && r.GetAgreed() != nil:
		if !proto.Equal(before, r.GetWanted()) { // a comment, or where it stands
			r.Agreed.BlobId = resource.GetBlobId()
			r.Agreed.Commit = cmp.Or(r.GetWanted().GetChangedBy().GetCommit(), r.GetAgreed().GetCommit())
			r.Agreed.ReadAt = d.linked.GetPublished().GetCommit()
			d.touch(r)
		}
		delete(d.contents, k)
		return
	case same && r.GetState() != netboxv1.State_STATE_UNSPECIFIED:
		d.touch(r)
	case r.GetState() == netboxv1.State_STATE_HELD && !isMass(r):
		d.lookAgain(r)
	case before.GetInvalid(): // what NetBox has may be another thing than it was
		r.LastUpdated = ""
		d.pend(r)
	default:
		d.pend(r)
	}
}

// unwant notes that a resource is gone.
func (d *delivery) unwant(r *netboxv1.Receipt, by *fabricv1.FileAuthor, published *fabricv1.PublishedState) {
	if r.GetWanted().GetDeleted() {
		return
	}
	if !slices.Contains(hnp.Kinds(), r.GetKind()) {
		d.drop(keyOf(r))
		return
	}
	if by == nil {
		by = &fabricv1.FileAuthor{Commit: published.GetCommit()}
	}
	r.Wanted.Deleted, r.Wanted.ChangedBy, r.Wanted.Path, r.Wanted.Invalid = true, by, "", false
	delete(d.contents, keyOf(r))
	if merging(r) || r.GetOffer() != nil {
		d.touch(r)
		return
	}
	if r.GetProblem().GetReason() == netboxv1.Reason_REASON_DELETED_IN_NETBOX { // one that is there again is another one
		r.RecordId, r.Agreed = 0, nil
	}
	d.lookAgain(r) // nothing goes that somebody has changed in NetBox
}

// contentOf returns what a resource says, as far as a record has it.
func contentOf(resource *reportv1.ResourceContent) (content hnp.Content, err error) {
	for _, part := range []struct {
		raw  []byte
		into *map[string]any
	}{
		{resource.GetSpec(), &content.Spec},
		{resource.GetLabels(), &content.Labels},
		{resource.GetAnnotations(), &content.Annotations},
	} {
		if len(part.raw) == 0 {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(part.raw))
		decoder.UseNumber()
		if err := decoder.Decode(part.into); err != nil {
			return content, err
		}
	}
	for name := range content.Annotations {
		if strings.HasPrefix(name, ownAnnotations) {
			delete(content.Annotations, name)
		}
	}
	return content, nil
}
