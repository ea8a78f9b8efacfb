package conflictapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// open is the state of a conflict that nobody has settled, as the API says it.
const open = "open"

// mostPaths is how many paths of a conflict are shown; as many may be named to settle it.
const mostPaths = 1000

func stateOf(c *netboxv1.Conflict) string {
	return strings.ToLower(strings.TrimPrefix(c.GetState().String(), "CONFLICT_STATE_"))
}

func conflictToProto(r *netboxv1.Receipt) *bridgev1.Conflict {
	c := r.GetConflict()
	out := &bridgev1.Conflict{
		ConflictId: c.GetConflictId(), State: stateOf(c), Version: c.GetVersion(), Kind: r.GetKind(),
		Namespace: r.GetNamespace(), Name: r.GetName(), Path: r.GetWanted().GetPath(),
		RecordId: apiv1.Number(r.GetRecordId()), OpenedAt: c.GetOpenedAt(), BaseUnknown: c.GetBaseUnknown(),
		Git: fileChangeToProto(c.GetGitChangedBy()), Netbox: recordChangeToProto(c.GetNetboxChangedBy()),
		ResolvedBy: c.GetResolvedBy(), ResolvedAt: c.GetResolvedAt(), SyncId: c.GetSyncId(),
		PathsTotal: apiv1.Number(int64(len(c.GetPaths()))), WebUrl: c.GetWebUrl(),
	}
	for _, p := range c.GetPaths()[:min(len(c.GetPaths()), mostPaths)] {
		out.Paths = append(out.Paths, pathToProto(p))
	}
	return out
}

func pathToProto(p *netboxv1.ConflictPath) *bridgev1.ConflictPath {
	return &bridgev1.ConflictPath{
		Path: p.GetPath(), Reason: p.GetReason(), Message: p.GetMessage(),
		Base: valueToProto(p.GetBase()), Git: valueToProto(p.GetGit()), Netbox: valueToProto(p.GetNetbox()),
	}
}

// valueToProto shows what a side has; nil for nothing. What can't be told as a value is told as the text that is kept,
// for anybody may write to a record, and one value must not keep people from all conflicts.
func valueToProto(kept []byte) *structpb.Value {
	if len(kept) == 0 {
		return nil
	}
	shown, err := decoded(kept)
	if err != nil {
		return structpb.NewStringValue(strings.ToValidUTF8(string(kept), "\ufffd"))
	}
	return shown
}

// mostNested is how many objects and lists a value that is told has inside each other. Messages that are nested much
// deeper are refused by those who read them; the specs of the known kinds have eight.
const mostNested = 100

func decoded(kept []byte) (*structpb.Value, error) {
	decoder := json.NewDecoder(bytes.NewReader(kept))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if nestedDeeper(value, mostNested) {
		return nil, fmt.Errorf("more than %d objects and lists are inside each other", mostNested)
	}
	return apiv1.ValueToAPI(value)
}

// nestedDeeper reports whether more than so many objects and lists are inside each other in a value.
func nestedDeeper(value any, than int) bool {
	var inside iter.Seq[any]
	switch value := value.(type) {
	case map[string]any:
		inside = maps.Values(value)
	case []any:
		inside = slices.Values(value)
	default:
		return false
	}
	if than == 0 {
		return true
	}
	for inner := range inside {
		if nestedDeeper(inner, than-1) {
			return true
		}
	}
	return false
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
