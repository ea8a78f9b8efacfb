package render

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// NetBox prints the NetBox of the installation, and how those are that fabrics are linked to.
func NetBox(w io.Writer, n *bridgev1.GetNetBoxResponse) {
	InstallationNetBox(w, n.GetUrl(), n.GetTokenRef())
	if len(n.GetConnections()) == 0 {
		fmt.Fprintln(w, "No fabric is linked to a NetBox.")
		return
	}
	t := newTable(w)
	t.cells("NETBOX", "STATE", "VERSION", "FABRICS", "WHY")
	for _, c := range n.GetConnections() {
		fabrics := strings.Trim(strings.ReplaceAll(fmt.Sprint(c.GetFabricIds()), " ", ", "), "[]")
		t.cells(printable.Line(c.GetUrl()), c.GetState(), cmp.Or(printable.Line(c.GetVersion()), "-"), fabrics,
			printable.Line(c.GetReason()))
	}
	t.end()
}

// InstallationNetBox prints which NetBox a link takes that names none.
func InstallationNetBox(w io.Writer, url, tokenRef string) {
	if url == "" {
		fmt.Fprintln(w, "The installation has no NetBox of its own: each link names one.")
		return
	}
	fmt.Fprintf(w, "A link that names no NetBox takes %s, with the token at %s.\n", printable.Line(url),
		cmp.Or(printable.Line(tokenRef), "no place that is known"))
}

// NetBoxChecked prints what was found in a NetBox.
func NetBoxChecked(s *Screen, c *bridgev1.CheckNetBoxResponse) {
	f := s.facts()
	for _, check := range c.GetChecks() {
		style := s.good
		switch check.GetStatus() {
		case "warning":
			style = s.warn
		case "failed":
			style = s.bad
		case "skipped":
			style = s.faint
		}
		f.styled(style, check.GetName(), "%s: %s", check.GetStatus(), printable.Line(check.GetMessage()))
		if check.GetRemedy() != "" {
			f.add("", "%s", printable.Line(check.GetRemedy()))
		}
	}
	f.end()
	if c.GetOk() {
		s.printf("Records can be delivered.\n")
	} else {
		s.printf("Records can't be delivered before what failed is mended.\n")
	}
}

// NetBoxObjects prints what was done with the objects that delivery needs, or would be.
func NetBoxObjects(w io.Writer, objects []*bridgev1.NetBoxObject, planned bool) {
	done := "WAS"
	if planned {
		done = "WOULD BE"
	}
	t := newTable(w)
	t.cells("WHAT", "NAME", done, "")
	for _, o := range objects {
		t.cells(strings.ReplaceAll(o.GetType(), "_", " "), printable.Line(o.GetName()), o.GetAction(),
			printable.Line(o.GetDetail()))
	}
	t.end()
	if len(objects) == 0 {
		fmt.Fprintln(w, "Nothing is there that belongs to FGD Sync.")
	}
}

// Receipts prints what of a fabric's resources is proven to be in NetBox.
func Receipts(s *Screen, r *bridgev1.ListReceiptsResponse) {
	t := newTable(s)
	t.cells("RESOURCE", "STATE", "RECORD", "COMMIT", "SEEN", "WHY")
	for _, one := range r.GetReceipts() {
		record := "-"
		if one.GetRecordId() != 0 {
			record = strconv.Itoa(int(one.GetRecordId()))
		}
		state := one.GetState()
		if one.GetDeleted() {
			state += ", to go"
		}
		t.cells(printable.Line(resource(one.GetKind(), one.GetNamespace(), one.GetName())), state, record,
			cmp.Or(short(one.GetCommit()), "-"), when(one.GetVerifiedAt()), problemText(one.GetProblem()))
	}
	t.end()
	remedies(s, r.GetReceipts())
	Delivery(s, r.GetDelivery())
}

// shortCommit is how many digits of a commit are shown where there is little room.
const shortCommit = 8

func short(commit string) string { return commit[:min(len(commit), shortCommit)] }

func problemText(p *bridgev1.ReceiptProblem) string {
	if p == nil {
		return ""
	}
	text := p.GetReason() + ": " + printable.Line(p.GetMessage())
	for _, field := range p.GetFields() {
		text += "; " + printable.Line(field.GetField()) + ": " + printable.Line(strings.Join(field.GetMessages(), " "))
	}
	return text
}

// remedies prints what to do about each kind of problem, once.
func remedies(s *Screen, receipts []*bridgev1.Receipt) {
	told := map[string]bool{}
	for _, r := range receipts {
		if p := r.GetProblem(); p.GetRemedy() != "" && !told[p.GetReason()] {
			told[p.GetReason()] = true
			s.line(s.faint, p.GetReason()+": ", p.GetRemedy())
		}
	}
}

// Delivery prints how the delivery of a fabric is.
func Delivery(s *Screen, d *bridgev1.Delivery) {
	f := s.facts()
	f.add("NetBox", "%s, fabric %d", printable.Line(d.GetNetboxUrl()), d.GetNetboxFabric())
	f.add("records", "%d proven, %d pending, %d undeliverable, %d held", d.GetProven(), d.GetPending(),
		d.GetUndeliverable(), d.GetHeld())
	f.add("wanted", "%s", cmp.Or(d.GetWantedCommit(), "nothing yet: no sync has completed"))
	f.add("proven", "%s", cmp.Or(d.GetProvenCommit(), "nothing yet"))
	f.add("compared", "%s", when(d.GetComparedAt()))
	if d.GetUnprovenSince() != nil {
		f.styled(s.warn, "waits since", "%s", when(d.GetUnprovenSince()))
	}
	if d.GetProblem() != "" {
		f.styled(s.bad, "problem", "%s", printable.Line(d.GetProblem()))
		f.add("remedy", "%s", printable.Line(d.GetRemedy()))
	}
	f.end()
}

// NetBoxSetUp prints what was done in a NetBox, and the secrets that were made: each alone on its line.
func NetBoxSetUp(w io.Writer, a *bridgev1.SetUpNetBoxResponse, planned bool, file string) {
	NetBoxObjects(w, a.GetObjects(), planned)
	if file != "" && !planned {
		fmt.Fprintf(w, "A token that was made now is in %s.\n", file)
	}
	if a.GetToken() != "" {
		fmt.Fprintf(w, "%s\n# the token. It is not shown again; put it where the bridge finds it (token_ref), with the list of "+
			"its hosts.\n", a.GetToken())
	}
	if a.GetWebhookSecret() != "" {
		fmt.Fprintf(w, "%s\n# the secret of the webhook. It is not shown again; set it as netbox_webhook_secret.\n",
			a.GetWebhookSecret())
	}
}
