package netboxapi

import (
	"cmp"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/netboxsetup"
	"fgdsync.dev/services/bridge/internal/outbox"
)

func checksToProto(found netboxsetup.Found) *bridgev1.CheckNetBoxResponse {
	out := &bridgev1.CheckNetBoxResponse{Ok: found.OK(), Version: found.Version}
	for _, c := range found.Checks {
		out.Checks = append(out.Checks, &bridgev1.NetBoxCheck{
			Name: c.Name, Status: string(c.Status), Message: c.Message, Remedy: c.Remedy,
		})
	}
	return out
}

func objectsToProto(objects []netboxsetup.Object) []*bridgev1.NetBoxObject {
	var out []*bridgev1.NetBoxObject
	for _, o := range objects {
		out = append(out, &bridgev1.NetBoxObject{Type: o.Type, Name: o.Name, Action: string(o.Action), Detail: o.Detail})
	}
	return out
}

// wordOf returns a value of an enum as the API says it.
func wordOf(name, prefix string) string { return strings.ToLower(strings.TrimPrefix(name, prefix)) }

func stateOf(state netboxv1.State) string { return wordOf(state.String(), "STATE_") }

func deliveryToProto(s status) *bridgev1.Delivery {
	d := s.Delivery
	count := func(state netboxv1.State) int32 { return apiv1.Number(int64(s.Count[state])) }
	out := &bridgev1.Delivery{
		NetboxUrl: d.GetUrl(), NetboxFabric: d.GetNetboxFabric(), WantedCommit: d.GetWantedCommit(),
		ProvenCommit: d.GetProvenCommit(), Problem: d.GetProblem(), Remedy: d.GetRemedy(), ComparedAt: d.GetComparedAt(),
		Proven: count(netboxv1.State_STATE_PROVEN), Pending: count(netboxv1.State_STATE_PENDING),
		Undeliverable: count(netboxv1.State_STATE_UNDELIVERABLE), Held: count(netboxv1.State_STATE_HELD),
		Merging: count(netboxv1.State_STATE_MERGING), WithoutModel: count(netboxv1.State_STATE_WITHOUT_MODEL),
		Suspended: s.suspended, PublishedCommit: s.published,
	}
	for _, r := range s.Receipts {
		if openConflict(r) != nil {
			out.Conflicts++
		}
	}
	if !s.UnprovenSince.IsZero() {
		out.UnprovenSince = timestamppb.New(s.UnprovenSince)
	}
	return out
}

// openConflict returns the conflict of a record that is open, nil when none is.
func openConflict(r *netboxv1.Receipt) *netboxv1.Conflict {
	if c := r.GetConflict(); c.GetState() == netboxv1.ConflictState_CONFLICT_STATE_OPEN {
		return c
	}
	return nil
}

func receiptToProto(r *netboxv1.Receipt, wantedCommit string) *bridgev1.Receipt {
	out := &bridgev1.Receipt{
		Kind: r.GetKind(), Namespace: r.GetNamespace(), Name: r.GetName(), Path: r.GetWanted().GetPath(),
		State: stateOf(r.GetState()), Deleted: r.GetWanted().GetDeleted(),
		BlobId: r.GetWanted().GetBlobId(), RecordId: apiv1.Number(r.GetRecordId()), LastUpdated: r.GetLastUpdated(),
		RequestId: r.GetRequestId(), VerifiedAt: r.GetVerifiedAt(), UnprovenSince: r.GetUnprovenSince(),
		Attempts: r.GetAttempts(), ConflictId: openConflict(r).GetConflictId(),
	}
	if !r.GetWanted().GetUnknown() {
		out.Commit = cmp.Or(r.GetWanted().GetChangedBy().GetCommit(), r.GetAgreed().GetCommit(), wantedCommit)
	}
	if p := r.GetProblem(); p != nil {
		out.Problem = &bridgev1.ReceiptProblem{
			Reason: wordOf(p.GetReason().String(), "REASON_"), Message: p.GetMessage(),
			Remedy: outbox.RemedyOf(p.GetReason()), User: p.GetUser(), ChangedAt: p.GetChangedAt(),
			Differing: p.GetDiffering(), DifferingTotal: p.GetDifferingTotal(),
		}
		for _, field := range p.GetFields() {
			out.Problem.Fields = append(out.Problem.Fields, &bridgev1.FieldProblem{
				Field: field.GetField(), Messages: field.GetMessages(),
			})
		}
	}
	return out
}
