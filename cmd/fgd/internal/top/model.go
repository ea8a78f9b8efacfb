package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Period is how long a picture is seen before the next one is asked for.
const Period = 2 * time.Second

// System is asked, and told, by who looks.
type System struct {
	Look   func() (*Picture, error)
	Show   func(syncID string) (*bridgev1.SyncStatus, error)
	Cancel func(syncID string) error
	Pause  func() // for a Period, or until nobody looks any more
}

// Model is what is seen on a terminal, and what keys do there.
type Model struct {
	// Interrupted says that Ctrl-C has ended it.
	Interrupted bool

	system  System
	picture *Picture
	chosen  string               // sync that the marker is at
	open    string               // sync that is shown; empty for the picture
	shown   *bridgev1.SyncStatus // how that is; nil until it is known
	asking  string               // the sync of which it is asked whether to cancel it; empty while nothing is asked
	said    string               // what came of the last thing that was asked for
	width   int
	height  int
}

// New returns a model that has seen nothing yet.
func New(system System) Model { return Model{system: system} }

// What comes back from the system.
type (
	looked struct {
		picture *Picture
		err     error
	}
	showed struct {
		status *bridgev1.SyncStatus
		err    error
	}
	cancelled struct {
		syncID string
		err    error
	}
	tick struct{}
)

// Init asks for the first picture.
func (m Model) Init() tea.Cmd { return m.look }

func (m Model) look() tea.Msg {
	picture, err := m.system.Look()
	return looked{picture, err}
}

// pause is in place of tea.Tick, which goes on when nobody looks any more.
func (m Model) pause() tea.Msg {
	m.system.Pause()
	return tick{}
}

// show asks how the sync is that is open.
func (m Model) show() tea.Cmd {
	id := m.open
	if id == "" {
		return nil
	}
	return func() tea.Msg {
		status, err := m.system.Show(id)
		return showed{status, err}
	}
}

// Update takes in what has happened, and returns what to do next.
func (m Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m.key(msg.String())
	case tick:
		return m, tea.Batch(m.look, m.show())
	case looked:
		m = m.seen(msg)
		return m, m.pause
	case showed:
		if msg.err != nil {
			m.said = problem(msg.err)
		} else if msg.status.GetSyncId() == m.open {
			m.shown = msg.status
		}
	case cancelled:
		m.said = "The sync " + msg.syncID + " was asked to end."
		if msg.err != nil {
			m.said = problem(msg.err)
		}
		return m, m.show()
	}
	return m, nil
}

// seen takes a picture in. The marker stays at its sync, or goes to the first one when that has ended.
func (m Model) seen(msg looked) Model {
	if msg.err != nil {
		m.said = problem(msg.err)
		return m
	}
	if m.picture == nil {
		m.said = ""
	}
	m.picture = msg.picture
	if ids := m.ids(); !slices.Contains(ids, m.chosen) {
		m.chosen = ""
		if len(ids) > 0 {
			m.chosen = ids[0]
		}
	}
	return m
}

func problem(err error) string {
	e := errs.From(err)
	return "✗ " + e.Code.ID + " " + e.Code.Name + ": " + printable.Line(e.Message)
}

// ids returns the syncs of the picture, in the order in which they are seen.
func (m Model) ids() (ids []string) {
	if m.picture == nil {
		return nil
	}
	for _, of := range append(slices.Clone(m.picture.Running), m.picture.Waiting...) {
		ids = append(ids, of.GetSyncId())
	}
	return ids
}

// key does what a key is for.
func (m Model) key(key string) (tea.Model, tea.Cmd) {
	if key == "ctrl+c" {
		m.Interrupted = true
		return m, tea.Quit
	}
	if m.asking != "" {
		return m.answer(key)
	}
	switch key {
	case "q":
		return m, tea.Quit
	case "esc", "left":
		m.open, m.shown, m.said = "", nil, ""
	case "up", "k":
		m.chosen = m.neighbour(-1)
	case "down", "j":
		m.chosen = m.neighbour(1)
	case "enter":
		if m.open == "" && m.chosen != "" {
			m.open, m.said = m.chosen, ""
			return m, m.show()
		}
	case "c":
		m.asking = m.target() // whatever the marker is at when it is answered
	}
	return m, nil
}

// neighbour returns the sync so many lines below that which is chosen, or that one where there is none.
func (m Model) neighbour(by int) string {
	ids := m.ids()
	at := slices.Index(ids, m.chosen) + by
	if m.open != "" || at < 0 || at >= len(ids) {
		return m.chosen
	}
	return ids[at]
}

// target returns the sync that c is about.
func (m Model) target() string { return cmp.Or(m.open, m.chosen) }

// answer takes the answer to whether a sync is to be cancelled; only y is a yes.
func (m Model) answer(key string) (tea.Model, tea.Cmd) {
	id := m.asking
	m.asking = ""
	if key != "y" && key != "Y" {
		m.said = "Nothing was done."
		return m, nil
	}
	return m, func() tea.Msg { return cancelled{id, m.system.Cancel(id)} }
}

// View returns what is seen.
func (m Model) View() tea.View {
	view := tea.NewView(strings.Join(m.lines(), "\n"))
	view.AltScreen = true
	view.WindowTitle = "fgd top"
	return view
}

const (
	strong = "\x1b[1m"
	plain  = "\x1b[0m"
)

// lines returns the lines of the screen, none longer than it is wide, and no more than it has.
func (m Model) lines() []string {
	head, body := []line{{text: "Asking how it is …"}}, []line{}
	switch {
	case m.open != "":
		head, body = []line{{text: "sync     " + m.open}}, m.detail()
	case m.picture != nil:
		head, body = m.picture.head(), m.picture.body(false)
	}
	body = m.window(body, m.height-len(head)-len(m.foot()))
	var out []string
	for _, l := range append(head, body...) {
		text := l.text
		if l.syncID != "" && l.syncID == m.chosen {
			text = ">" + text[1:]
		}
		text = fit(text, m.width)
		if l.isHead || l.syncID != "" && l.syncID == m.chosen {
			text = strong + text + plain
		}
		out = append(out, text)
	}
	for _, text := range m.foot() {
		out = append(out, fit(text, m.width))
	}
	return out
}

// window returns so many lines of the body, with that of the chosen sync among them.
func (m Model) window(body []line, height int) []line {
	if m.height == 0 || len(body) <= height {
		return body
	}
	height = max(height, 1)
	at := max(0, slices.IndexFunc(body, func(l line) bool { return l.syncID != "" && l.syncID == m.chosen }))
	from := min(max(0, at-height/2), len(body)-height)
	return body[from : from+height]
}

// foot returns what was said last, and what the keys do.
func (m Model) foot() []string {
	keys := "q quit   ↑↓ choose   Enter show   c cancel"
	if m.open != "" {
		keys = "q quit   Esc back   c cancel"
	}
	said := m.said
	if m.asking != "" {
		said, keys = "Cancel the sync "+m.asking+"?", "y yes   any other key: no"
	}
	return []string{"", said, keys}
}

// detail returns the lines of the sync that is open.
func (m Model) detail() []line {
	s := m.shown
	if s == nil {
		return []line{{text: "Asking how it is …"}}
	}
	p := s.GetProgress()
	took := time.Since(since(s))
	if s.GetCompletedAt() != nil {
		took = s.GetCompletedAt().AsTime().Sub(s.GetAcceptedAt().AsTime())
	}
	texts := []string{
		fmt.Sprintf("fabric   %s (%d)", fabricText(s), s.GetFabricId()),
		fmt.Sprintf("state    %s%s, %s", s.GetState(), dryRun(s), max(0, took).Round(time.Second)),
		fmt.Sprintf("stage    %s, %d %%", cmp.Or(p.GetCurrentStage(), "none"), p.GetPercentComplete()),
		fmt.Sprintf("files    %d of %d", p.GetFilesProcessed(), p.GetTotalFiles()),
		fmt.Sprintf("asked    by %s, %s", printable.Line(s.GetRequestedBy()), s.GetTrigger()),
		fmt.Sprintf("found    %d errors, %d warnings", max(int(s.GetErrorsTotal()), len(s.GetErrors())),
			max(int(s.GetWarningsTotal()), len(s.GetWarnings()))),
		"",
	}
	for _, finding := range append(slices.Clone(s.GetErrors()), s.GetWarnings()...) {
		texts = append(texts, findingText(finding))
	}
	lines := make([]line, 0, len(texts))
	for _, text := range texts {
		lines = append(lines, line{text: text})
	}
	return lines
}

func dryRun(s *bridgev1.SyncStatus) string {
	if s.GetValidateOnly() {
		return " (dry run)"
	}
	return ""
}

func findingText(f *bridgev1.Finding) string {
	place := printable.Line(f.GetFile())
	if place != "" {
		place += ": "
	}
	return place + f.GetCode() + " " + f.GetName() + ": " + printable.Line(f.GetMessage())
}
