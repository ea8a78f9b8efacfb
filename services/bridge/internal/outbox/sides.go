package outbox

import (
	"context"
	"fmt"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/filepage"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/bridge/internal/merge"
)

// gitSide is what Git has of a resource at the head of the branch, and had when both sides agreed last.
type gitSide struct {
	content *merge.Content // nil when it has none
	digest  string
	blob    string
	by      *fabricv1.FileAuthor
	problem string // of a file that is no valid resource
	page    string // of the file on its Git host

	before       *merge.Content // nil when it is not known, or there was none
	beforeDigest string
}

// fewResources is up to how many resources are read one by one; more are read with all others.
const fewResources = 4

// gitSides returns what Git has of resources now. One that it does not have has a side without content.
func (d *delivery) gitSides(ctx context.Context, receipts []*netboxv1.Receipt) (map[key]*gitSide, error) {
	sides := map[key]*gitSide{}
	for _, r := range receipts {
		sides[keyOf(r)] = &gitSide{}
	}
	take := func(changed *fabricv1.ChangedResource, pages *gitv1.FilePages) error {
		side := sides[keyOfResource(changed.GetResource())]
		if side == nil || side.content != nil { // a valid file counts before others
			return nil
		}
		return side.read(changed, pages)
	}
	if len(receipts) > fewResources {
		if err := d.readGit(ctx, "", nil, take); err != nil {
			return nil, err
		}
	}
	for _, r := range receipts {
		if len(receipts) <= fewResources {
			if err := d.readGit(ctx, "", r, take); err != nil {
				return nil, err
			}
		}
		if err := d.before(ctx, r, sides[keyOf(r)]); err != nil {
			return nil, err
		}
	}
	return sides, nil
}

// read takes over what a file says, and where its host shows it.
func (g *gitSide) read(changed *fabricv1.ChangedResource, pages *gitv1.FilePages) error {
	resource := changed.GetResource()
	g.blob, g.by = resource.GetBlobId(), changed.GetChangedBy()
	g.page = filepage.URL(pages, resource.GetPath(), 0)
	if p := resource.GetProblem(); p != nil {
		g.problem = p.GetMessage()
		return nil
	}
	content, err := contentOf(resource)
	if err != nil {
		return fmt.Errorf("decode %s: %w", resource.GetPath(), err)
	}
	g.content, g.digest, g.problem = mergeable(content), content.Digest(resource.GetKey().GetKind()), ""
	return nil
}

// readGit reads files at a commit, the head of the branch when it is empty: of one resource, or all.
func (d *delivery) readGit(
	ctx context.Context, commit string, of *netboxv1.Receipt,
	take func(*fabricv1.ChangedResource, *gitv1.FilePages) error,
) error {
	request := &fabricv1.ReadResourcesRequest{FabricId: d.linked.GetFabricId(), Commit: commit}
	if of != nil {
		request.Resource = &reportv1.ResourceKey{Kind: of.GetKind(), Namespace: of.GetNamespace(), Name: of.GetName()}
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var pages *gitv1.FilePages
	return rpc.Collect(ctx, d.deps.Resources.ReadResources, request, func(part *fabricv1.ReadResourcesResponse) error {
		if part.GetPages() != nil {
			pages = part.GetPages()
		}
		for _, changed := range part.GetResources() {
			if err := take(changed, pages); err != nil {
				return err
			}
		}
		return nil
	})
}

// before reads what Git had when both sides agreed last, where that is needed.
func (d *delivery) before(ctx context.Context, r *netboxv1.Receipt, side *gitSide) error {
	agreed := r.GetAgreed()
	if agreed.GetReadAt() == "" || len(agreed.GetContent()) > 0 || side.digest == agreed.GetDigest() {
		return nil
	}
	err := d.readGit(ctx, agreed.GetReadAt(), r, func(changed *fabricv1.ChangedResource, pages *gitv1.FilePages) error {
		var was gitSide
		if err := was.read(changed, pages); err != nil || keyOfResource(changed.GetResource()) != keyOf(r) {
			return err
		}
		side.before, side.beforeDigest = was.content, was.digest
		return nil
	})
	if errs.HasCode(err, errs.CommitNotFound) || errs.HasCode(err, errs.DirectoryNotFound) {
		return nil // history was rewritten
	}
	return err
}
