package conflictapi_test

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

const (
	vlan  = "spec.subnets.default.vlan"
	owner = `annotations."example.com/owner"`
)

// asked returns a resolution of the conflict with two places, as it was seen.
func asked(take string, choices ...*bridgev1.ConflictChoice) *bridgev1.ResolveConflictRequest {
	return &bridgev1.ResolveConflictRequest{
		FabricId: linked, ConflictId: "c-1", Version: "v-1", Take: take, Choices: choices,
	}
}

func choose(path, take string, value any) *bridgev1.ConflictChoice {
	choice := &bridgev1.ConflictChoice{Path: path, Take: take}
	if value != nil {
		choice.Value, _ = structpb.NewValue(value) // the tests give values that JSON knows
	}
	return choice
}

// taken writes what a resolution says, a choice after the other.
func taken(r *netboxv1.Resolution) string {
	var all []string
	for _, c := range r.GetChoices() {
		all = append(all, c.GetPath()+" "+c.GetTake()+" "+string(c.GetValue()))
	}
	return strings.Join(all, "; ")
}

// TestEachPathHasAChoice: one that is named, or what is taken at all others; in the order and the spelling of the
// conflict.
func TestEachPathHasAChoice(t *testing.T) {
	t.Parallel()
	null := &bridgev1.ConflictChoice{Path: vlan, Take: "value", Value: structpb.NewNullValue()}
	for want, request := range map[string]*bridgev1.ResolveConflictRequest{
		vlan + " value 9007199254740991; " + owner + " git ": asked("git", choose(vlan, "value", 1<<53-1)),

		vlan + " git ; " + owner + " git ":               asked("git"),
		vlan + " netbox ; " + owner + " git ":            asked("git", choose(vlan, "netbox", nil)),
		vlan + " value 7; " + owner + " netbox ":         asked("", choose(owner, "netbox", nil), choose(vlan, "value", 7)),
		vlan + " value 4294967295; " + owner + " git ":   asked("git", choose(vlan, "value", 4294967295)),
		vlan + " git ; " + owner + ` value "b"`:          asked("git", choose(owner, "value", "b")),
		vlan + " git ; " + owner + " value ":             asked("git", choose(owner, "value", nil)),
		vlan + " value null; " + owner + " netbox ":      asked("netbox", null),
		vlan + ` value {"a":[1]}; ` + owner + " netbox ": asked("netbox", choose(vlan, "value", map[string]any{"a": []any{1}})),
		vlan + " netbox ; " + owner + " netbox ":         asked("netbox", choose(`"spec".subnets."default".vlan`, "netbox", nil)),
	} {
		w := newWorld(t, twoPlaces())
		ctx := metadata.AppendToOutgoingContext(t.Context(),
			"x-requested-by", "Ada", "x-requested-by-email", "ada@example.com")
		answer, err := w.ResolveConflict(ctx, request)
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		given := w.outbox.asked
		if taken(given) != want || given.GetVersion() != "v-1" || given.GetConflictId() != "c-1" ||
			given.GetResolvedBy() != "Ada" || given.GetEmail() != "ada@example.com" {
			t.Errorf("asked for %s: %v, not %s", taken(given), given, want)
		}
		if c := answer.GetConflict(); c.GetState() != "resolved" || c.GetResolvedBy() != "Ada" || c.GetName() != "vpc-1" {
			t.Errorf("it is now %v", c)
		}
	}
}

// TestWhatCannotBeMeant is refused with the field, and what the paths are; nobody is asked to settle it.
func TestWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twoPlaces())
	for _, c := range []struct {
		request     *bridgev1.ResolveConflictRequest
		code        errs.Code
		field, says string
	}{
		{asked(""), errs.ConflictUnsettled, "choices", vlan + ", " + owner},
		{asked("", choose(vlan, "git", nil)), errs.ConflictUnsettled, "choices", "taken at " + owner},
		{
			asked("git", choose("spec.subnets", "git", nil)), errs.InvalidRequest, "choices[0].path",
			"choices[0].path is spec.subnets, where there is no conflict.",
		},
		{
			asked("git", choose(vlan, "git", nil), choose("spec[", "git", nil)), errs.InvalidRequest, "choices[1].path",
			"choices[1].path is no path",
		},
		{
			asked("git", choose(vlan, "git", nil), choose("spec.subnets.\"default\".vlan", "netbox", nil)),
			errs.InvalidRequest, "choices[1].path", "which an earlier one is for",
		},
		{
			asked("git", choose(vlan, "git", 7)), errs.InvalidRequest, "choices[0].value",
			"choices[0].value goes with take: value alone",
		},
		{
			asked("git", choose(vlan, "value", math.NaN())), errs.InvalidRequest, "choices[0].value",
			"choices[0].value has a value that JSON does not know",
		},
		{
			asked("git", choose(owner, "git", nil), choose(vlan, "value", map[string]any{"a": []any{1, float64(1 << 53)}})),
			errs.InvalidRequest, "choices[1].value.a[1]", "choices[1].value.a[1] is a number of 9007199254740992 or more",
		},
		{asked("hnp"), errs.InvalidRequest, "take", "take "},
	} {
		_, err := w.ResolveConflict(t.Context(), c.request)
		requireError(t, err, c.code, c.field)
		if e := errs.From(err); !strings.Contains(e.Message, c.says) {
			t.Errorf("%v: %s", c.request, e.Message)
		}
	}
	_, err := w.ResolveConflict(t.Context(), asked("git", choose("spec", "git", nil)))
	if e := errs.From(err); !strings.Contains(e.RemedyText(), vlan+", "+owner) {
		t.Errorf("the remedy is %s", e.RemedyText())
	}
	if w.outbox.asked != nil {
		t.Errorf("asked for %v", w.outbox.asked)
	}
}

// TestOnlyWhatWasSeenIsSettled: not another version, not what is settled, and not what moves in between.
func TestOnlyWhatWasSeenIsSettled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twoPlaces())
	old := asked("git")
	old.Version = "v-0"
	_, err := w.ResolveConflict(t.Context(), old)
	requireError(t, err, errs.ConflictMoved, "")
	if e := errs.From(err); e.Meta["version"] != "v-1" {
		t.Errorf("the version now is told as %q", e.Meta["version"])
	}
	if w.outbox.asked != nil {
		t.Errorf("asked for %v", w.outbox.asked)
	}
	w.outbox.set(func(f *fakeOutbox) { f.refusal = errs.New(errs.ConflictMoved, "NetBox says something else by now.") })
	_, err = w.ResolveConflict(t.Context(), asked("git"))
	requireError(t, err, errs.ConflictMoved, "")
	w.outbox.set(func(f *fakeOutbox) { f.refusal = nil })
	for _, want := range []error{nil, errs.New(errs.ConflictMoved, "")} {
		_, err := w.ResolveConflict(t.Context(), asked("git"))
		if (err == nil) != (want == nil) || want != nil && !errs.HasCode(err, errs.ConflictMoved) {
			t.Errorf("%v, not %v", err, want)
		}
	}
}

// TestFewPathsAreNamed: an error about a conflict with very many stays one that can be read.
func TestFewPathsAreNamed(t *testing.T) {
	t.Parallel()
	r := twoPlaces()
	for range 30 {
		r.Conflict.Paths = append(r.Conflict.Paths, &netboxv1.ConflictPath{Path: "spec." + strings.Repeat("x",
			len(r.GetConflict().GetPaths()))})
	}
	_, err := newWorld(t, r).ResolveConflict(t.Context(), asked(""))
	requireError(t, err, errs.ConflictUnsettled, "choices")
	if e := errs.From(err); !strings.Contains(e.Message, " and 22 more.") {
		t.Errorf("the message is %s", e.Message)
	}
}

// TestAPreviewSettlesNothing: the same is asked for, of the same conflict, and refused alike.
func TestAPreviewSettlesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twoPlaces())
	request := asked("git", choose(vlan, "value", 7))
	request.ValidateOnly = true
	answer, err := w.ResolveConflict(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if c := answer.GetConflict(); c.GetState() != "open" || c.GetConflictId() != "c-1" || answer.GetDiff() != "--- a\n" ||
		len(answer.GetRecordFields()) != 1000 {
		t.Errorf("answered %v", answer)
	}
	if want := vlan + " value 7; " + owner + " git "; taken(w.outbox.tried) != want || w.outbox.asked != nil {
		t.Errorf("tried %v, and asked for %v", w.outbox.tried, w.outbox.asked)
	}
	w.outbox.set(func(f *fakeOutbox) { f.refusal = errs.New(errs.ConflictMoved, "NetBox says something else by now.") })
	_, err = w.ResolveConflict(t.Context(), request)
	requireError(t, err, errs.ConflictMoved, "")
	for code, change := range map[errs.Code]func(*bridgev1.ResolveConflictRequest){
		errs.ConflictMoved:     func(r *bridgev1.ResolveConflictRequest) { r.Version = "v-0" },
		errs.ConflictNotFound:  func(r *bridgev1.ResolveConflictRequest) { r.ConflictId = "c-9" },
		errs.ConflictUnsettled: func(r *bridgev1.ResolveConflictRequest) { r.Take = "" },
	} {
		wrong := proto.CloneOf(request)
		change(wrong)
		if _, err := w.ResolveConflict(t.Context(), wrong); !errs.HasCode(err, code) {
			t.Errorf("%v is answered with %v", wrong, err)
		}
	}
}
