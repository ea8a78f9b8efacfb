package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// NetBox prints the NetBox of the installation, and how those are that fabrics are linked to.
func NetBox(s *Screen, n *bridgev1.GetNetBoxResponse) {
	InstallationNetBox(s, n.GetUrl(), n.GetTokenRef())
	if len(n.GetConnections()) == 0 {
		s.printf("No fabric is linked to a NetBox.\n")
		return
	}
	t := newTable(s, 1, 2)
	t.cells("NETBOX", "STATE", "VERSION", "FABRICS", "WHY")
	for _, c := range n.GetConnections() {
		t.cells(printable.Line(c.GetUrl()), c.GetState(), cmp.Or(printable.Line(c.GetVersion()), "-"), fabricsOf(c),
			printable.Line(c.GetReason()))
	}
	t.end()
}

func fabricsOf(c *bridgev1.NetBoxConnection) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(c.GetFabricIds()), " ", ", "), "[]")
}

// StillLinked says which fabrics are linked to a NetBox, or to that of the installation, that delivery has no token
// for.
func StillLinked(w io.Writer, n *bridgev1.GetNetBoxResponse, url string) {
	url = strings.TrimRight(cmp.Or(url, n.GetUrl()), "/")
	for _, c := range n.GetConnections() {
		if c.GetUrl() == url {
			fmt.Fprintf(w, "Linked to it, and delivered no more without the token: fabrics %s (fgd fabric update FABRIC "+
				"--no-netbox ends a link).\n", fabricsOf(c))
		}
	}
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
func NetBoxObjects(s *Screen, objects []*bridgev1.NetBoxObject, planned bool) {
	done := "WAS"
	if planned {
		done = "WOULD BE"
	}
	if len(objects) == 0 {
		s.printf("Nothing is there that belongs to FGD Sync.\n")
		return
	}
	t := newTable(s, 2)
	t.cells("WHAT", "NAME", done, "")
	for _, o := range objects {
		t.cells(strings.ReplaceAll(o.GetType(), "_", " "), printable.Line(o.GetName()), o.GetAction(),
			printable.Line(o.GetDetail()))
	}
	t.end()
}

// Receipts prints what of a fabric's resources is proven to be in NetBox.
func Receipts(s *Screen, r *bridgev1.ListReceiptsResponse) {
	rows := explained{screen: s, whole: []int{2, 3, 4}}
	rows.add("WHY", "RESOURCE", "STATE", "RECORD", "COMMIT", "SEEN")
	for _, one := range r.GetReceipts() {
		record := "-"
		if one.GetRecordId() != 0 {
			record = strconv.Itoa(int(one.GetRecordId()))
		}
		rows.add(problemText(one.GetProblem()), resourceOf(one), stateText(one), record,
			cmp.Or(short(one.GetCommit()), "-"), when(one.GetVerifiedAt()))
	}
	rows.end()
	remedies(s, r.GetReceipts())
	delivery(s, r.GetDelivery())
}

func resourceOf(r *bridgev1.Receipt) string {
	return printable.Line(resource(r.GetKind(), r.GetNamespace(), r.GetName()))
}

func stateText(r *bridgev1.Receipt) string {
	switch {
	case r.GetDeleted() && r.GetState() == "proven":
		return "gone"
	case r.GetDeleted():
		return r.GetState() + ", to go"
	}
	return r.GetState()
}

// explained is a table whose rows may have a longer text each. It is the last column; on a terminal, which breaks no
// line between the words of a column, it is below its row.
type explained struct {
	screen *Screen
	whole  []int // columns that are not cut
	rows   [][]any
	texts  []string
}

func (e *explained) add(text string, cells ...any) {
	e.rows, e.texts = append(e.rows, cells), append(e.texts, text)
}

func (e *explained) end() {
	below := e.screen.width > 0
	t := newTable(e.screen, e.whole...)
	for i, row := range e.rows {
		if !below {
			row = append(row, e.texts[i])
		}
		t.cells(row...)
	}
	for row, line := range t.lines() {
		e.screen.printf("%s\n", line)
		if below && row > 0 && e.texts[row] != "" {
			e.screen.line(e.screen.faint, hanging, e.texts[row])
		}
	}
}

// mostHeld is how many records are named that would be overwritten.
const mostHeld = 20

// overwritable are the reasons for which a record is held that a word overwrites.
var overwritable = []string{ //nolint:gochecknoglobals // read only
	"changed_in_netbox", "deleted_in_netbox", "keeps_changing", "conflict", "refused_by_git", "auto_sync_off",
	"not_committed",
}

// Overwritten prints which records are held and become what Git says.
func Overwritten(s *Screen, receipts []*bridgev1.Receipt) {
	held := slices.DeleteFunc(slices.Clone(receipts), func(r *bridgev1.Receipt) bool {
		return !slices.Contains(overwritable, r.GetProblem().GetReason())
	})
	if len(held) == 0 {
		s.printf("No record is held that would be overwritten.\n")
		return
	}
	s.line(s.warn, "Overwritten: ", fmt.Sprintf("%s what Git says, and what was changed in NetBox is lost.",
		counted(len(held))))
	for _, r := range held[:min(len(held), mostHeld)] {
		s.line(s.faint, hanging, resourceOf(r)+": "+problemText(r.GetProblem()))
	}
	if more := len(held) - mostHeld; more > 0 {
		s.printf("%sand %d more: fgd netbox receipts FABRIC --state held\n", hanging, more)
	}
}

func counted(held int) string {
	if held == 1 {
		return "one held record becomes"
	}
	return fmt.Sprintf("%d held records become", held)
}

// DeliveryAsked prints that a delivery was asked for, which goes on by itself.
func DeliveryAsked(s *Screen, fabricID int32, d *bridgev1.Delivery) {
	s.printf("Asked for; look again with fgd netbox receipts %d.\n", fabricID)
	if d.GetProblem() != "" {
		s.line(s.bad, "Nothing is delivered yet: ", printable.Line(d.GetProblem())+" "+printable.Line(d.GetRemedy()))
	}
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
		said := printable.Line(field.GetField()) + ": " + printable.Line(strings.Join(field.GetMessages(), " "))
		if !strings.Contains(text, said) { // the message has most of them
			text += "; " + said
		}
	}
	if places := p.GetDiffering(); len(places) > 0 {
		text += "; it differs in " + printable.Line(strings.Join(places, ", "))
		if more := int(p.GetDifferingTotal()) - len(places); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
	}
	if p.GetUser() != "" {
		text += "; by " + printable.Line(p.GetUser())
		if p.GetChangedAt() != nil {
			text += " at " + when(p.GetChangedAt())
		}
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

// delivery prints how the delivery of a fabric is.
func delivery(s *Screen, d *bridgev1.Delivery) {
	f := s.facts()
	f.add("NetBox", "%s, fabric %d", printable.Line(d.GetNetboxUrl()), d.GetNetboxFabric())
	f.add("records", "%d proven, %d pending, %d merging, %d undeliverable, %d held", d.GetProven(), d.GetPending(),
		d.GetMerging(), d.GetUndeliverable(), d.GetHeld())
	if n := d.GetWithoutModel(); n > 0 {
		f.add("without model", "%d resources, which NetBox has no record for; nobody has to do anything", n)
	}
	if n := d.GetConflicts(); n > 0 {
		f.styled(s.warn, "conflicts", "%d open: fgd conflicts list", n)
	}
	nothing := "nothing yet: no sync has completed"
	if d.GetSuspended() {
		nothing = "nothing yet: the fabric is suspended"
		f.styled(s.warn, "suspended", "nothing new comes before somebody resumes the fabric: fgd fabric resume")
	}
	f.add("published", "%s", cmp.Or(d.GetPublishedCommit(), "nothing yet"))
	f.add("wanted", "%s", cmp.Or(d.GetWantedCommit(), nothing))
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
func NetBoxSetUp(s *Screen, a *bridgev1.SetUpNetBoxResponse, planned bool, file string) {
	NetBoxObjects(s, a.GetObjects(), planned)
	switch {
	case planned:
	case !slices.ContainsFunc(a.GetObjects(), isNewToken):
		s.printf("No token was made; --new-token makes one.\n")
	case file != "":
		s.printf("The token is in %s. Let token_ref lead the bridge there.\n", printable.Line(file))
	}
	if a.GetToken() != "" {
		s.printf("# The token. It is not shown again; put it where the bridge finds it (token_ref), with the list of "+
			"its hosts.\n%s\n", a.GetToken())
	}
	if a.GetWebhookSecret() != "" {
		s.printf("# The secret of the webhook. Until the bridge has it, it is shown each time: set netbox_webhook_secret "+
			"in the configuration, or HEDGEHOG_FGD_NETBOX_WEBHOOK_SECRET, and start the bridge again.\n%s\n", a.GetWebhookSecret())
	}
}

func isNewToken(o *bridgev1.NetBoxObject) bool {
	return o.GetType() == "token" && o.GetAction() == "created"
}
