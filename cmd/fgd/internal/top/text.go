package top

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// line is one of a picture. One of a sync has its ID, so that it can be chosen.
type line struct {
	text   string
	syncID string
	isHead bool
}

// Text returns the picture as it is printed where nobody looks: whole lines, with the whole IDs of syncs.
func (p *Picture) Text() string {
	var b strings.Builder
	for _, l := range append(p.head(), p.body(true)...) {
		b.WriteString(strings.TrimRight(l.text, " ") + "\n")
	}
	return b.String()
}

// head returns the lines that are always seen.
func (p *Picture) head() []line {
	healthy := 0
	for _, c := range p.Health.GetComponents() {
		if c.GetStatus() == "healthy" {
			healthy++
		}
	}
	return []line{
		{text: fmt.Sprintf("system   %s, %s, version %s, %s", p.Server, p.Health.GetStatus(),
			printable.Line(p.Health.GetVersion()),
			p.At.UTC().Format("15:04:05 UTC"))},
		{text: fmt.Sprintf("fabrics  %d%s", p.Fabrics, countsText(p.Counts))},
		{text: fmt.Sprintf("syncs    %d running, %d waiting%s", len(p.Running), len(p.Waiting), p.more())},
		{text: fmt.Sprintf("parts    %d of %d healthy", healthy, len(p.Health.GetComponents()))},
	}
}

func (p *Picture) more() string {
	if more := int(p.Active) - len(p.Running) - len(p.Waiting); more > 0 {
		return fmt.Sprintf(", and %d more that run or wait", more)
	}
	return ""
}

func countsText(c *bridgev1.FabricCounts) string {
	var parts []string
	for _, state := range []struct {
		name  string
		count int32
	}{
		{"failing", c.GetFailing()},
		{"overdue", c.GetOverdue()},
		{"degraded", c.GetDegraded()},
		{"suspended", c.GetSuspended()},
		{"running", c.GetRunning()},
		{"ok", c.GetOk()},
	} {
		if state.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", state.count, state.name))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// body returns the lines of syncs and components.
func (p *Picture) body(whole bool) []line {
	lines := p.components()
	for _, list := range []struct {
		title string
		syncs []*bridgev1.SyncStatus
	}{{"RUNNING", p.Running}, {"WAITING", p.Waiting}} {
		if len(list.syncs) == 0 {
			continue
		}
		lines = append(lines, line{}, line{text: row(list.title, "STAGE", "TIME", "FILES", "SYNC"), isHead: true})
		for _, one := range list.syncs {
			lines = append(lines, line{text: p.rowOf(one, whole), syncID: one.GetSyncId()})
		}
	}
	return lines
}

func row(fabric, stage, took, files, sync string) string {
	return fmt.Sprintf("  %s  %s  %s  %s  %s", pad(fabric, 20), pad(stage, 16), pad(took, 8), pad(files, 12), sync)
}

// shortID is how much of the ID of a sync is seen on a terminal: enough to tell those apart that begin at about the
// same time, which is how IDs begin.
const shortID = 13

func (p *Picture) rowOf(s *bridgev1.SyncStatus, whole bool) string {
	id := s.GetSyncId()
	if !whole {
		id = id[:min(len(id), shortID)]
	}
	files, stage := "", cmp.Or(s.GetProgress().GetCurrentStage(), s.GetState())
	if total := s.GetProgress().GetTotalFiles(); total > 0 {
		files = fmt.Sprintf("%d of %d", s.GetProgress().GetFilesProcessed(), total)
	}
	if waits(s) {
		stage = s.GetState()
	}
	return row(fabricText(s), stage, p.age(since(s)), files, id)
}

func fabricText(s *bridgev1.SyncStatus) string {
	return printable.Line(cmp.Or(s.GetFabricName(), fmt.Sprint(s.GetFabricId())))
}

// age says for how long something goes on. Clocks may differ, so that it may seem to begin later.
func (p *Picture) age(from time.Time) string {
	return max(0, p.At.Sub(from)).Round(time.Second).String()
}

// components returns those that are not healthy, and the Git hosts, whose calls are what syncs wait for most.
func (p *Picture) components() []line {
	lines := []line{{}, {text: "  " + pad("COMPONENT", 26) + "  STATUS     WHY", isHead: true}}
	for _, c := range p.Health.GetComponents() {
		if c.GetStatus() == "healthy" && c.GetName() != "git-hosts" {
			continue
		}
		name := c.GetName()
		if c.GetService() != "" {
			name += " of " + c.GetService()
		}
		text := fmt.Sprintf("  %s  %s  %s", pad(printable.Line(name), 26), pad(c.GetStatus(), 9),
			printable.Line(c.GetReason()))
		lines = append(lines, line{text: strings.TrimRight(text, " ")})
	}
	if len(lines) == 2 { //nolint:mnd // the blank and the head
		return nil
	}
	return lines
}

// pad returns a text that is exactly so many columns wide; of a longer one the end is left out.
func pad(text string, columns int) string {
	text = fit(text, columns)
	return text + strings.Repeat(" ", columns-uniseg.StringWidth(text))
}

// fit returns as much of a text as so many columns hold; 0 is no bound.
func fit(text string, columns int) string {
	if columns <= 0 || uniseg.StringWidth(text) <= columns {
		return text
	}
	var b strings.Builder
	width := 0
	for g := uniseg.NewGraphemes(text); g.Next(); {
		if width += g.Width(); width > columns-1 {
			break
		}
		b.WriteString(g.Str())
	}
	return b.String() + "…"
}
