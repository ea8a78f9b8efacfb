// Package browser looks at pages in a real Chromium: by mouse, by keyboard, in the light and in the dark, wide and
// narrow, with and without JavaScript, and as axe-core does for those who do not see them.
package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	// whole bounds what a test does in a browser.
	whole = 15 * time.Minute
	// patience is how long something may take to be on a page.
	patience = 30 * time.Second
)

// Tab is a tab of a browser in which nobody is signed in.
type Tab struct {
	t       testing.TB
	ctx     context.Context //nolint:containedctx // that of the browser
	address string

	mu       sync.Mutex
	foreign  []string // requests that left the site
	refusals []string // of the content security policy, and errors of scripts
}

// Open opens a tab at a site, until the test ends.
func Open(t testing.TB, address string) *Tab {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("there is no Chromium (make netbox-deps installs it): %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-quic", true))
	ctx, stop := context.WithTimeout(t.Context(), whole)
	t.Cleanup(stop)
	allocator, end := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(end)
	tab := &Tab{t: t, address: address}
	opened, leave := chromedp.NewContext(allocator)
	t.Cleanup(leave)
	tab.ctx = opened
	tab.must(chromedp.Listen(tab.ctx, tab.hear))
	_, err = chromedp.Call(tab.ctx, network.Enable, network.EnableParams{})
	tab.must(err)
	return tab
}

func (p *Tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, p.address) && !strings.HasPrefix(e.Request.URL, "data:") {
			p.foreign = append(p.foreign, e.Request.URL)
		}
	case *log.EventEntryAdded:
		if e.Entry.Source == "security" || e.Entry.Source == "javascript" {
			p.refusals = append(p.refusals, e.Entry.Text)
		}
	}
}

func (p *Tab) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.Text())
	}
}

// Do takes steps.
func (p *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	p.must(chromedp.Do(ctx, steps...))
}

// Go goes to a page.
func (p *Tab) Go(path string) {
	p.t.Helper()
	p.Do(chromedp.Navigate(p.address + path))
}

// Click clicks on what a selector names.
func (p *Tab) Click(selector string) {
	p.t.Helper()
	p.Do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.ScrollIntoView(chromedp.CSS(selector)),
		chromedp.Click(chromedp.CSS(selector)))
}

// Fill writes into a field.
func (p *Tab) Fill(selector, value string) {
	p.t.Helper()
	field := chromedp.CSS(selector)
	p.Do(chromedp.WaitVisible(field), chromedp.Clear(field), chromedp.SendKeys(field, value))
}

// Press presses keys at what has the focus.
func (p *Tab) Press(keys string) {
	p.t.Helper()
	p.Do(chromedp.KeyEvent(keys))
}

// TabTo goes from control to control with the tabulator until it is at the one that a selector names.
func (p *Tab) TabTo(selector string) {
	p.t.Helper()
	const most = 150
	for range most {
		if p.IsAt(selector) {
			return
		}
		p.Press(kb.Tab)
	}
	p.t.Fatalf("no key leads to %s\n%s", selector, p.Text())
}

// IsAt reports whether the focus is at what a selector names; it is not between two pages.
func (p *Tab) IsAt(selector string) bool {
	return p.holds(fmt.Sprintf("document.activeElement?.matches(%q) ?? false", selector))
}

// Text returns what stands on the page; nothing between two pages.
func (p *Tab) Text() string {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return ""
	}
	return text
}

// Sees waits until something stands on the page, and the page is there with its scripts.
func (p *Tab) Sees(words string) {
	p.t.Helper()
	p.Await(fmt.Sprintf("%q on the page", words), func() bool { return p.isWhole() && strings.Contains(p.Text(), words) })
}

// wholePage is so when a page is there with all that belongs to it, and has been painted: until then
// Chromium lets keys go.
const wholePage = `document.readyState === "complete" &&
	performance.getEntriesByName("first-contentful-paint").length > 0`

// isWhole reports whether the page is there with all that belongs to it, and takes keys.
func (p *Tab) isWhole() bool { return p.holds(wholePage) }

// holds reports whether an expression of JavaScript is true on the page; between two pages nothing is.
func (p *Tab) holds(expression string) bool {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	is, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
	return err == nil && is
}

// Await waits until something is so.
func (p *Tab) Await(what string, is func() bool) {
	p.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !is() {
		select {
		case <-tick.C:
		case <-end:
			p.t.Fatalf("waited in vain for %s at %s:\n%s", what, p.Path(), p.Text())
		}
	}
}

// Value returns what an expression of JavaScript comes to.
func Value[T any](p *Tab, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	p.must(err)
	return value
}

// Path returns where the browser is.
func (p *Tab) Path() string {
	p.t.Helper()
	at, err := chromedp.Run(p.ctx, chromedp.Location())
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(at, p.address)
}

// Paint has pages drawn in a scheme, light or dark, in a window of so many pixels.
func (p *Tab) Paint(scheme string, width int64) {
	p.t.Helper()
	const height = 900
	p.Do(chromedp.EmulateViewport(width, height))
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		},
	})
	p.must(err)
}

// Scripts says whether pages may have scripts from now on.
func (p *Tab) Scripts(may bool) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: !may})
	p.must(err)
}

// Photograph returns a picture of the whole page, as JPEG.
func (p *Tab) Photograph() []byte {
	p.t.Helper()
	const quality = 80
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(quality))
	p.must(err)
	return picture
}

// violation is what axe has against a page.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML string }
}

// Axe returns what axe-core has seriously against the page as it is drawn. Program is the file of axe-core.
func (p *Tab) Axe(program string) []string {
	p.t.Helper()
	text, err := os.ReadFile(program)
	p.must(err)
	p.Do(chromedp.MouseEvent("mouseMoved", 0, 0)) // what is under the mouse has other colours
	Value[any](p, string(text)+"; null")
	var found []violation
	said := Value[string](p, `axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`)
	p.must(json.Unmarshal([]byte(said), &found))
	var serious []string
	for _, v := range found {
		if v.Impact != "serious" && v.Impact != "critical" {
			continue
		}
		for _, node := range v.Nodes {
			serious = append(serious, fmt.Sprintf("%s (%s): %.300s", v.Help, v.ID, node.HTML))
		}
	}
	return serious
}

// Wider returns by how many pixels the page is wider than its window: so much one has to push it to and fro.
func (p *Tab) Wider() int64 {
	p.t.Helper()
	return Value[int64](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth")
}

// Strays returns the requests that left the site, and what was refused to its pages or broke in their scripts.
func (p *Tab) Strays() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(append([]string{}, p.foreign...), p.refusals...)
}

// Host returns the host of the site.
func (p *Tab) Host() string {
	at, err := url.Parse(p.address)
	p.must(err)
	return at.Host
}
