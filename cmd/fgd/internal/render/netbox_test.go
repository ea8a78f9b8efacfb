package render_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/app"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/testkit/terminal"
)

func someReceipts() *bridgev1.ListReceiptsResponse {
	return &bridgev1.ListReceiptsResponse{
		Receipts: []*bridgev1.Receipt{
			{Kind: "Server", Namespace: "default", Name: "gone", State: "proven", Deleted: true},
			{Kind: "Server", Namespace: "default", Name: "a", State: "held", RecordId: 7, Problem: &bridgev1.ReceiptProblem{
				Reason: "changed_in_netbox", Message: "the record says something else than its file",
				Differing: []string{"spec.ports[0].speed", "spec.description"}, DifferingTotal: 5, User: "grace",
				ChangedAt: &timestamppb.Timestamp{Seconds: 1},
			}},
			{Kind: "Server", Namespace: "default", Name: "b", State: "undeliverable", Problem: &bridgev1.ReceiptProblem{
				Reason: "refused", Message: "NetBox answers 400: name: Enter a valid name.",
				Fields: []*bridgev1.FieldProblem{{Field: "name", Messages: []string{"Enter a valid name."}}},
			}},
		},
		Delivery: &bridgev1.Delivery{
			NetboxUrl: "https://netbox.example.com", NetboxFabric: 7, Suspended: true, WithoutModel: 3,
			PublishedCommit: "5ea0f1e9b3c1d7a2468ace013579bdf02468ace1",
		},
	}
}

// TestReceipts say what is gone, what differs and who did it, that the fabric is suspended, and nothing twice.
func TestReceipts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	render.Receipts(screen(&out), someReceipts())
	for _, part := range []string{
		"default/gone  gone ", "it differs in spec.ports[0].speed, spec.description and 3 more; by grace at 1970-01-01T00:00:01Z",
		"nothing yet: the fabric is suspended", "without model  3 resources",
		"published      5ea0f1e9b3c1d7a2468ace013579bdf02468ace1",
		"fgd fabric resume",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, &out)
		}
	}
	if strings.Contains(out.String(), "to go") || strings.Count(out.String(), "Enter a valid name.") != 1 {
		t.Errorf("printed\n%s", &out)
	}
}

// TestReceiptsOnATerminal break between words.
func TestReceiptsOnATerminal(t *testing.T) {
	t.Parallel()
	shown := terminal.Open(t, 80)
	render.Receipts(render.NewScreen(shown.File, app.Lookup([]string{"NO_COLOR=1"})), someReceipts())
	text := shown.Text()
	for line := range strings.Lines(text) {
		if len(strings.TrimSpace(line)) > 80 {
			t.Errorf("a line is too long: %q", line)
		}
	}
	if !strings.Contains(text, "\n  changed_in_netbox: the record says") {
		t.Errorf("shown is\n%s", text)
	}
}

// TestReceiptsTellOfConflicts, and of what is on its way to Git, with the words of the API.
func TestReceiptsTellOfConflicts(t *testing.T) {
	t.Parallel()
	r := &bridgev1.ListReceiptsResponse{Delivery: &bridgev1.Delivery{Merging: 3, Held: 5, Conflicts: 1}}
	for _, reason := range []string{"conflict", "refused_by_git", "auto_sync_off", "storm", "not_committed"} {
		r.Receipts = append(r.Receipts, &bridgev1.Receipt{
			Kind: "VPC", Namespace: "default", Name: "of-" + reason, State: "held",
			Problem: &bridgev1.ReceiptProblem{Reason: reason, Message: "why", Remedy: "What to do about it."},
		})
	}
	r.Receipts = append(r.Receipts, &bridgev1.Receipt{Kind: "VPC", Namespace: "default", Name: "a", State: "merging"})
	var out bytes.Buffer
	render.Receipts(screen(&out), r)
	for _, part := range []string{
		"0 proven, 0 pending, 3 merging, 0 undeliverable, 5 held\n", "conflicts  1 open: fgd conflicts list\n",
		"default/a                  merging", "storm: why", "auto_sync_off: What to do about it.\n",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, &out)
		}
	}
	out.Reset()
	render.Overwritten(screen(&out), r.GetReceipts())
	if !strings.Contains(out.String(), "4 held records") || strings.Contains(out.String(), "of-storm") {
		t.Errorf("printed\n%s", &out)
	}
}

// TestWhatWillBeOverwritten is named, up to some; what no word overwrites is not.
func TestWhatWillBeOverwritten(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	receipts := someReceipts().GetReceipts()
	render.Overwritten(screen(&out), receipts)
	if !strings.Contains(out.String(), "one held record becomes") ||
		!strings.Contains(out.String(), "default/a: changed") ||
		strings.Contains(out.String(), "default/b") {
		t.Errorf("printed\n%s", &out)
	}
	out.Reset()
	for range 30 {
		receipts = append(receipts, receipts[1])
	}
	render.Overwritten(screen(&out), receipts)
	if !strings.Contains(out.String(), "31 held records") || !strings.Contains(out.String(), "and 11 more") {
		t.Errorf("printed\n%s", &out)
	}
	out.Reset()
	render.DeliveryAsked(screen(&out), 35, nil)
	if out.String() != "Asked for; look again with fgd netbox receipts 35.\n" {
		t.Errorf("printed\n%s", &out)
	}
}
