package apiv1_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// object reads JSON as the API does.
func object(t interface{ Fatal(args ...any) }, text string) *structpb.Struct {
	out := &structpb.Struct{}
	if err := out.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestNumbersThatMayBeRounded: a change with one is refused, by the name of its field, however it is asked for.
func TestNumbersThatMayBeRounded(t *testing.T) {
	t.Parallel()
	const beyond = `{"a":{"b":[1,{"c":9007199254740993}]}}`
	put := &bridgev1.ResourceEdit{Change: &bridgev1.ResourceEdit_Content{
		Content: &bridgev1.ResourceContent{Spec: object(t, `{"a":1}`), Labels: object(t, beyond)},
	}}
	patch := &bridgev1.ResourceEdit{Change: &bridgev1.ResourceEdit_Patch{Patch: object(t, `{"spec":`+beyond+`}`)}}
	_, ofPut := apiv1.EditFromAPI(put)
	_, ofPatch := apiv1.EditFromAPI(patch)
	_, ofBatch := apiv1.EditsFromAPI([]*bridgev1.ResourceEdit{{Change: &bridgev1.ResourceEdit_Delete{Delete: true}}, put})
	for field, err := range map[string]error{
		"content.labels.a.b[1].c": ofPut, "patch.spec.a.b[1].c": ofPatch, "edits[1].content.labels.a.b[1].c": ofBatch,
	} {
		if !errs.HasCode(err, errs.InvalidRequest) || errs.From(err).Meta[errs.FieldKey] != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestNumbersAreExactOrRefused: what comes out is the number that was sent, for all whole numbers.
func TestNumbersAreExactOrRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		near := rapid.SampledFrom([]int64{0, 1 << 53, -1 << 53, math.MaxInt64 - 10, math.MinInt64 + 10}).Draw(t, "near")
		sent := near + rapid.Int64Range(-3, 3).Draw(t, "off")
		raw, err := json.Marshal(map[string]int64{"n": sent})
		if err != nil {
			t.Fatal(err)
		}
		set, err := apiv1.EditFromAPI(&bridgev1.ResourceEdit{
			Change: &bridgev1.ResourceEdit_Patch{Patch: object(t, string(raw))},
		})
		if small := sent < 1<<53 && sent > -1<<53; small != (err == nil) {
			t.Fatalf("%d: %v", sent, err)
		}
		if err != nil {
			return
		}
		var got map[string]int64
		if err := json.Unmarshal(set.GetEdits()[0].GetMergePatch(), &got); err != nil || got["n"] != sent {
			t.Fatalf("%d came out as %s, %v", sent, set.GetEdits()[0].GetMergePatch(), err)
		}
	})
}

// TestWhatCanNotBeToldIsNotShown: a file with such a number is shown without what it says, and says why.
func TestWhatCanNotBeToldIsNotShown(t *testing.T) {
	t.Parallel()
	for spec, field := range map[string]string{
		`{"a":[9007199254740991]}`: "", `{"a":[9007199254740993]}`: "spec.a[0] ", `{"a":-1e30}`: "spec.a ",
		`{"a":1e400}`: "spec ",
	} {
		shown := apiv1.ResourceToAPI(&fabricv1.ChangedResource{Resource: &reportv1.ResourceContent{
			Path: "managed/vpcs/a.yaml", BlobId: "1", Spec: []byte(spec), Labels: []byte(`{"x":"y"}`),
		}})
		problem := shown.GetProblem()
		if (problem == nil) != (field == "") || (shown.GetContent() == nil) != (field != "") || shown.GetBlobId() != "1" ||
			!strings.HasPrefix(problem.GetMessage(), field) || problem != nil && problem.GetFile() == "" {
			t.Errorf("%s is shown as %v", spec, shown)
		}
	}
}
