package errs_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
)

// TestTheWireKeepsAllButTheCause is the law of the codec.
func TestTheWireKeepsAllButTheCause(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raised := errs.New(errs.Code{
			ID: "FGD_4242", Name: "A_NAME", Remedy: "Do this.",
			Kind: errs.Kind(rapid.IntRange(int(errs.Internal), int(errs.Deadline)).Draw(t, "kind")),
		}, "%s", rapid.String().Draw(t, "message")).WithCause(errors.New("s3cret"))
		if remedy := rapid.String().Draw(t, "remedy"); remedy != "" {
			raised = raised.WithRemedy("%s", remedy)
		}
		for key, value := range rapid.MapOfN(rapid.StringMatching("[a-b_]{6,9}"), rapid.String(), 0, 3).Draw(t, "meta") {
			raised = raised.WithMeta(key, value)
		}
		raised = raised.WithRetryAfter(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "after")))
		raw, err := proto.Marshal(errs.ToStatus(raised).Proto())
		if err != nil {
			t.Fatal(err)
		}
		var wire spb.Status
		if err := proto.Unmarshal(raw, &wire); err != nil {
			t.Fatal(err)
		}
		got := errs.FromStatus(status.FromProto(&wire))
		if got.Code.Kind != raised.Code.Kind || got.Code.ID != raised.Code.ID || got.Code.Name != raised.Code.Name ||
			got.Message != raised.Message ||
			got.RemedyText() != raised.RemedyText() || got.RetryAfter != raised.RetryAfter ||
			!maps.Equal(got.Meta, raised.Meta) || got.Cause != nil {
			t.Fatalf("%+v became %+v", raised, got)
		}
	})
}

// TestTextsThatLeaveAreBounded: an error repeats what a caller sent, which may be long, or no text at all.
func TestTextsThatLeaveAreBounded(t *testing.T) {
	long := strings.Repeat("\xff雪", 1<<20)
	raised := errs.New(errs.InvalidRequest, "%s", long).WithRemedy("%s", long).WithMeta(errs.FieldKey, long)
	raw, err := errs.ToJSON(raised, "id", time.Time{})
	if err != nil || len(raw) > 30000 {
		t.Errorf("%d bytes of JSON, %v", len(raw), err)
	}
	got := errs.FromStatus(errs.ToStatus(raised))
	if size := proto.Size(errs.ToStatus(raised).Proto()); size > 40000 {
		t.Errorf("%d bytes of a status", size)
	}
	if got.Code.ID != errs.InvalidRequest.ID || !strings.HasPrefix(got.Message, "\ufffd雪\ufffd雪") ||
		got.Meta[errs.FieldKey] == "" {
		t.Errorf("became %.300v", got)
	}
	if raised.Message != long || raised.Meta[errs.FieldKey] != long {
		t.Error("the error itself was changed")
	}
}

func TestForeignErrorsGetAFaceOfOurs(t *testing.T) {
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		got := errs.FromStatus(status.New(code, "dial tcp 10.0.0.1:9091: refused"))
		if got.Code.ID == "" || got.RemedyText() == "" || got.Message == "" {
			t.Errorf("%s: %+v", code, got)
		}
	}
}

func FuzzFromStatus(f *testing.F) {
	for _, err := range []error{
		errs.New(errs.GitHubRateLimited, "Later.").WithRetryAfter(time.Minute).WithMeta("a", "b"),
		errors.New("x"),
	} {
		raw, err := proto.Marshal(errs.ToStatus(err).Proto())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var wire spb.Status
		if proto.Unmarshal(raw, &wire) != nil {
			return
		}
		got := errs.FromStatus(status.FromProto(&wire))
		if got.Code.ID == "" || got.Code.Kind < errs.Internal || got.Code.Kind > errs.Deadline {
			t.Errorf("%v became %+v", &wire, got)
		}
		_ = errs.ToStatus(got)
	})
}
