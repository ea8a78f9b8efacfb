package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
	"google.golang.org/protobuf/types/known/structpb"
	"sigs.k8s.io/yaml"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Conflicts prints the conflicts of a fabric, and how to look at one.
func Conflicts(s *Screen, fabricID int32, conflicts []*bridgev1.Conflict) {
	if len(conflicts) == 0 {
		s.printf("There is no such conflict.\n")
		return
	}
	rows := explained{screen: s, whole: []int{0, 2}}
	rows.add("WHERE", "CONFLICT", "RESOURCE", "STATE")
	for _, c := range conflicts {
		rows.add(whereText(c), printable.Line(c.GetConflictId()), conflictOf(c), c.GetState())
	}
	rows.end()
	s.printf("Look at one: fgd conflicts show %d %s\n", fabricID, printable.Line(conflicts[0].GetConflictId()))
}

func conflictOf(c *bridgev1.Conflict) string {
	return printable.Line(resource(c.GetKind(), c.GetNamespace(), c.GetName()))
}

// mostPaths is how many paths of a conflict a line names.
const mostPaths = 3

func whereText(c *bridgev1.Conflict) string {
	var names []string
	for _, p := range c.GetPaths()[:min(len(c.GetPaths()), mostPaths)] {
		names = append(names, printable.Line(p.GetPath()))
	}
	text := strings.Join(names, ", ")
	if more := int(c.GetPathsTotal()) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if by := c.GetGit().GetName(); by != "" {
		text += "; in Git by " + printable.Line(by)
	}
	if by := c.GetNetbox().GetUser(); by != "" {
		text += "; in NetBox by " + printable.Line(by)
	}
	return text + "; since " + when(c.GetOpenedAt())
}

// Conflict prints a conflict: who changed what, what each side has at each path, and as the last line the command that
// settles it as it is shown.
func Conflict(s *Screen, fabricID int32, c *bridgev1.Conflict) {
	f := s.facts()
	conflictFacts(f, c)
	f.end()
	for _, p := range c.GetPaths() {
		s.printf("\n")
		s.line(s.strong, printable.Line(p.GetPath()), ": "+reasonText(p))
		s.sides(p)
	}
	if more := int(c.GetPathsTotal()) - len(c.GetPaths()); more > 0 {
		s.printf("\nand %d more paths, which --take is for too\n", more)
	}
	s.printf("\n")
	if c.GetState() != "open" {
		s.printf("Nothing is left to do: it is settled.\n")
		return
	}
	s.line(s.faint, "", "Take git or netbox at every path; for single ones add --set PATH=git, PATH=netbox or PATH=JSON:")
	s.printf("fgd conflicts resolve %d %s --version %s --take git\n", fabricID, printable.Line(c.GetConflictId()),
		printable.Line(c.GetVersion()))
}

func conflictFacts(f *facts, c *bridgev1.Conflict) {
	f.add("conflict", "%s, opened at %s", printable.Line(c.GetConflictId()), when(c.GetOpenedAt()))
	f.add("resource", "%s", conflictOf(c))
	f.add("file", "%s", orNone(printable.Line(c.GetPath())))
	record := "none"
	if c.GetRecordId() != 0 {
		record = fmt.Sprint(c.GetRecordId())
	}
	f.add("record", "%s", record)
	f.add("Git", "%s", fileChangeText(c.GetGit()))
	f.add("NetBox", "%s", recordChangeText(c.GetNetbox()))
	if c.GetBaseUnknown() {
		f.styled(f.screen.warn, "base", "not known: nobody heard how the record came to be, and nobody guesses")
	}
	if c.GetState() != "open" {
		f.styled(f.screen.good, "settled", "%s", settledText(c))
	}
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func fileChangeText(by *bridgev1.ResourceChange) string {
	if by.GetCommit() == "" {
		return "not known who changed the file"
	}
	return fmt.Sprintf("changed by %s in %s: %s", who(by.GetName(), by.GetEmail()), short(by.GetCommit()),
		printable.Line(by.GetSubject()))
}

func recordChangeText(by *bridgev1.RecordChange) string {
	if by.GetUser() == "" {
		return "not known who changed the record"
	}
	text := "changed by " + who(by.GetUser(), by.GetEmail())
	if by.GetChangedAt() != nil {
		text += " at " + when(by.GetChangedAt())
	}
	if by.GetRequestId() != "" {
		text += ", request " + printable.Line(by.GetRequestId())
	}
	return text
}

func who(name, email string) string {
	if email == "" {
		return printable.Line(name)
	}
	return printable.Line(name) + " <" + printable.Line(email) + ">"
}

func settledText(c *bridgev1.Conflict) string {
	text := "both sides say the same"
	if c.GetResolvedBy() != "" {
		text = "by " + printable.Line(c.GetResolvedBy())
	}
	if c.GetResolvedAt() != nil {
		text += " at " + when(c.GetResolvedAt())
	}
	if c.GetSyncId() != "" {
		text += ", sync " + printable.Line(c.GetSyncId())
	}
	return text
}

func reasonText(p *bridgev1.ConflictPath) string {
	text := printable.Line(p.GetReason())
	switch p.GetReason() {
	case "both_changed":
		text = "both sides changed it"
	case "both_added":
		text = "both sides added it"
	case "one_removed":
		text = "one side removed what the other changed"
	case "merge_invalid":
		text = "each side is good, and what comes of both is not"
	}
	if p.GetMessage() != "" {
		text += ": " + printable.Line(p.GetMessage())
	}
	return text
}

// sides prints what each side has at a path: beside each other where there is room for it, else below each other.
func (s *Screen) sides(p *bridgev1.ConflictPath) {
	columns := [][]string{s.linesOf(p.GetBase()), s.linesOf(p.GetGit()), s.linesOf(p.GetNetbox())}
	headings := []string{"BASE", "GIT", "NETBOX"}
	width := (s.width - len(columns)*len(hanging)) / len(columns)
	if width < narrowest {
		for i, lines := range columns {
			s.below(headings[i], lines)
		}
		return
	}
	rows := 0
	for i, lines := range columns {
		columns[i] = folded(lines, width)
		rows = max(rows, len(columns[i]))
	}
	s.printf("%s\n", s.faint.Sprint(row(headings, width)))
	for i := range rows {
		cells := make([]string, len(columns))
		for j, lines := range columns {
			if i < len(lines) {
				cells[j] = lines[i]
			}
		}
		s.printf("%s\n", row(cells, width))
	}
}

// row returns cells beside each other.
func row(cells []string, width int) string {
	var line strings.Builder
	for _, cell := range cells {
		line.WriteString(hanging + cell + strings.Repeat(" ", max(0, width-uniseg.StringWidth(cell))))
	}
	return strings.TrimRight(line.String(), " ")
}

// below prints what a side has under the name of the side.
func (s *Screen) below(heading string, lines []string) {
	for i, line := range lines {
		if i > 0 {
			heading = ""
		}
		s.printf("%s\n", strings.TrimRight(fmt.Sprintf("%s%-8s%s", hanging, strings.ToLower(heading), line), " "))
	}
}

// linesOf returns a value as it is typed: objects and lists as YAML, all else as JSON.
func (s *Screen) linesOf(v *structpb.Value) []string {
	if v == nil {
		return []string{"(nothing)"}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v.AsInterface())
	text := out.Bytes()
	if err == nil && (len(v.GetStructValue().GetFields()) > 0 || len(v.GetListValue().GetValues()) > 0) {
		text, err = yaml.JSONToYAML(text)
	}
	if err != nil {
		return []string{"(" + printable.Line(err.Error()) + ")"}
	}
	return strings.Split(strings.TrimRight(s.harmless(string(text)), "\n"), "\n")
}

// folded breaks lines to a width, wherever that is: a column has no room for what is longer.
func folded(lines []string, width int) []string {
	var out []string
	for _, line := range lines {
		var piece strings.Builder
		used := 0
		for _, part := range unbroken(strings.ReplaceAll(line, "\t", " "), width) {
			wide := uniseg.StringWidth(part)
			if used+wide > width {
				out, used = append(out, piece.String()), 0
				piece.Reset()
			}
			piece.WriteString(part)
			used += wide
		}
		out = append(out, piece.String())
	}
	return slices.Clip(out)
}

// unbroken returns the parts of a line that stay whole: what is read as one character, but for one with so many marks
// that it is wider than a column.
func unbroken(line string, width int) []string {
	var parts []string
	for clusters := uniseg.NewGraphemes(line); clusters.Next(); {
		if uniseg.StringWidth(clusters.Str()) > width {
			parts = append(parts, strings.Split(clusters.Str(), "")...)
			continue
		}
		parts = append(parts, clusters.Str())
	}
	return parts
}

// ConflictResolved prints what came of a conflict that somebody has settled.
func ConflictResolved(s *Screen, answer *bridgev1.ResolveConflictResponse) {
	c, f := answer.GetConflict(), s.facts()
	f.add("conflict", "%s of %s", printable.Line(c.GetConflictId()), conflictOf(c))
	f.styled(s.good, "settled", "%s", settledText(c))
	f.end()
}

// ConflictPreview prints what a resolution would change: where in the record, and the diff of the file.
func ConflictPreview(s *Screen, answer *bridgev1.ResolveConflictResponse) {
	c, f := answer.GetConflict(), s.facts()
	f.add("conflict", "%s of %s, not settled: this is a dry run", printable.Line(c.GetConflictId()), conflictOf(c))
	f.add("record", "%s", recordFieldsText(c, answer.GetRecordFields()))
	if answer.GetDiff() == "" {
		f.add("file", "stays as it is")
		f.end()
		return
	}
	f.end()
	s.printf("\n")
	diff(s, answer.GetDiff(), false)
}

// recordFieldsText says where a record would change.
func recordFieldsText(c *bridgev1.Conflict, paths []string) string {
	switch {
	case len(paths) == 0:
		return "stays as it is"
	case paths[0] != ".":
		return "changes at " + printable.Line(strings.Join(paths, ", "))
	case c.GetRecordId() != 0:
		return "is deleted"
	}
	return "is made"
}
