package conflictapi

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// open is the state of a conflict that nobody has settled, as the API says it.
const open = "open"

func stateOf(c *netboxv1.Conflict) string {
	return strings.ToLower(strings.TrimPrefix(c.GetState().String(), "CONFLICT_STATE_"))
}

func conflictToProto(r *netboxv1.Receipt) (*bridgev1.Conflict, error) {
	c := r.GetConflict()
	out := &bridgev1.Conflict{
		ConflictId: c.GetConflictId(), State: stateOf(c), Version: c.GetVersion(), Kind: r.GetKind(),
		Namespace: r.GetNamespace(), Name: r.GetName(), Path: r.GetWanted().GetPath(),
		RecordId: apiv1.Number(r.GetRecordId()), OpenedAt: c.GetOpenedAt(), BaseUnknown: c.GetBaseUnknown(),
		Git: fileChangeToProto(c.GetGitChangedBy()), Netbox: recordChangeToProto(c.GetNetboxChangedBy()),
		ResolvedBy: c.GetResolvedBy(), ResolvedAt: c.GetResolvedAt(), SyncId: c.GetSyncId(),
	}
	for _, p := range c.GetPaths() {
		path, err := pathToProto(p)
		if err != nil {
			return nil, fmt.Errorf("show the conflict %s at %s: %w", c.GetConflictId(), p.GetPath(), err)
		}
		out.Paths = append(out.Paths, path)
	}
	return out, nil
}

func pathToProto(p *netboxv1.ConflictPath) (*bridgev1.ConflictPath, error) {
	out := &bridgev1.ConflictPath{Path: p.GetPath(), Reason: p.GetReason(), Message: p.GetMessage()}
	for _, side := range []struct {
		from []byte
		into **structpb.Value
	}{{p.GetBase(), &out.Base}, {p.GetGit(), &out.Git}, {p.GetNetbox(), &out.Netbox}} {
		if len(side.from) == 0 {
			continue
		}
		*side.into = &structpb.Value{}
		if err := (*side.into).UnmarshalJSON(side.from); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func fileChangeToProto(by *fabricv1.FileAuthor) *bridgev1.ResourceChange {
	if by == nil {
		return nil
	}
	return &bridgev1.ResourceChange{
		Commit: by.GetCommit(), Name: by.GetName(), Email: by.GetEmail(), Subject: by.GetSubject(),
	}
}

func recordChangeToProto(by *netboxv1.Editor) *bridgev1.RecordChange {
	if by == nil {
		return nil
	}
	return &bridgev1.RecordChange{
		User: by.GetUser(), Email: by.GetEmail(), ChangedAt: by.GetAt(), RequestId: by.GetRequestId(),
		ChangeId: apiv1.Number(by.GetChangeId()),
	}
}
