package state

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// A record is stored in two parts: what lists show, and the details, which may be a thousand times as large.

// Brief returns a sync without its details, with their numbers. It shares the rest with the whole one.
func Brief(s *syncv1.Sync) *syncv1.Sync {
	out := leaveOut(s, "errors", "warnings", "result", "edit_set", "edited")
	out.Result = BriefResult(s.GetResult())
	if !s.GetFolded() {
		out.ErrorsTotal, out.WarningsTotal = int32(len(s.GetErrors())), int32(len(s.GetWarnings()))
	}
	return out
}

// Shown returns a sync without what has pages of its own, the diff and the lists of the plan, and without what was
// asked of it. It shares the rest with the whole one.
func Shown(s *syncv1.Sync) *syncv1.Sync {
	out := leaveOut(s, "result", "edit_set")
	out.Result = BriefResult(s.GetResult())
	return out
}

// BriefResult returns a result without what can be long: the diff with what belongs to it, and the lists of the plan.
func BriefResult(r *syncv1.Result) *syncv1.Result {
	if r == nil {
		return nil
	}
	out := leaveOut(r, "diff", "plan", "same_meaning")
	if r.GetPlan() != nil {
		out.Plan = &syncv1.Plan{Counts: r.GetPlan().GetCounts()}
	}
	return out
}

// leaveOut returns a message with all but some fields, also those of a newer program. It shares them.
func leaveOut[M proto.Message](m M, fields ...protoreflect.Name) M {
	out := m.ProtoReflect().New()
	m.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if !slices.Contains(fields, field.Name()) {
			out.Set(field, value)
		}
		return true
	})
	out.SetUnknown(m.ProtoReflect().GetUnknown())
	return out.Interface().(M)
}

// details returns what Brief leaves out.
func details(s *syncv1.Sync) *syncv1.Sync {
	out := &syncv1.Sync{
		Errors: s.GetErrors(), Warnings: s.GetWarnings(), EditSet: s.GetEditSet(), Edited: s.GetEdited(),
	}
	if diff, plan := s.GetResult().GetDiff(), s.GetResult().GetPlan(); diff != "" || plan != nil {
		out.Result = &syncv1.Result{Diff: diff, SameMeaning: s.GetResult().GetSameMeaning()}
		if plan != nil {
			out.Result.Plan = &syncv1.Plan{Actions: plan.GetActions(), Orphans: plan.GetOrphans()}
		}
	}
	return out
}

// encode returns the two parts of a record.
func encode(s *syncv1.Sync) (brief, rest []byte, err error) {
	if brief, err = proto.Marshal(Brief(s)); err != nil {
		return nil, nil, fmt.Errorf("encode sync: %w", err)
	}
	if rest, err = proto.Marshal(details(s)); err != nil {
		return nil, nil, fmt.Errorf("encode details of a sync: %w", err)
	}
	return brief, rest, nil
}
