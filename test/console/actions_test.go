package console

import (
	"fmt"
	"strings"
	"testing"

	"fgdsync.dev/test/browser"
	"fgdsync.dev/testkit/gitserver"
)

// seen has a page write down each stage that it shows as the one that runs, and whether it was loaded anew.
const seen = `window.seen = []; new MutationObserver(() => {
	const now = document.querySelector(".stages [aria-current], .headline .state")?.innerText;
	if (now && window.seen.at(-1) !== now) window.seen.push(now);
}).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true}); null`

// TestASyncIsSeenLive: a page that is open shows a sync from stage to stage to its record, and is loaded once.
func TestASyncIsSeenLive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	fetch, push := make(chan struct{}), make(chan struct{})
	held := make(chan struct{}, 1)
	s.git.Break(gitserver.Fault{On: gitserver.Fetch, Times: 1, Hold: fetch, Held: held})
	s.signIn(s.Token())
	sync := s.register()
	<-held
	s.git.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Hold: push, Held: held})
	s.Go("/syncs/" + sync)
	s.Sees("validation")
	browser.Value[any](s.Tab, seen)
	close(fetch)
	<-held
	s.Tab.Await("the push on the page", func() bool {
		return strings.Contains(strings.Join(browser.Value[[]string](s.Tab, "window.seen"), "|"), "github sync")
	})
	close(push)
	s.Sees("What it did") // the record, of the page that follows
	stages := browser.Value[[]string](s.Tab, "window.seen ?? []")
	if len(stages) < 3 {
		t.Errorf("%d changes are seen without loading the page: %q", len(stages), stages)
	}
}

// TestByKeyboardAlone: from signing in to a dry run, a file that is judged again, and a fabric that is suspended.
func TestByKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.ends(s.register(), "completed")
	s.Go("/")
	s.TabTo("#token")
	s.Press(s.Token() + "\r")
	s.Sees("fabric-1")
	s.pressTo("j", fabricLink)
	s.Press("\r")
	s.Sees("Directory")
	s.TabTo("button[name=dry_run]")
	s.Press("\r")
	s.Sees("Dry run")
	s.Sees("completed")
	s.Press("gf")
	s.Sees("Fabrics")
	s.Go("/fabrics/1/quarantine")
	s.TabTo("input[name=path]")
	s.Press(" ")
	s.TabTo("button[value=retry]")
	s.Press("\r")
	s.Sees("completed")
	s.Go("/fabrics/1")
	s.TabTo("#reason")
	s.Press("A test\r")
	s.Sees("Suspended")
	s.Press("?")
	s.Sees("to the next and to the last row")
}

// TestWithoutScripts: every action is a form, and pages that show what goes on are loaded again by themselves.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.ends(s.register(), "completed")
	s.Scripts(false)
	s.Go("/")
	s.Fill("#token", s.Token())
	s.Click("form button.primary")
	s.awaitPath("/")
	s.Go("/fabrics/1")
	s.Click("form[action$='/sync'] button.primary")
	s.Tab.Await("the page of a sync", func() bool { return strings.HasPrefix(s.Path(), "/syncs/") })
	s.ends(strings.TrimPrefix(s.Path(), "/syncs/"), "completed")
	s.Go("/fabrics/1")
	s.Fill("#reason", "A test")
	s.Click("form[action$='/suspend'] button")
	s.awaitPath("/fabrics/1")
	s.Click("form[action$='/resume'] button")
	s.Tab.Await("the page of a sync", func() bool { return strings.HasPrefix(s.Path(), "/syncs/") })
}

// pressTo presses a key until the focus is at what a selector names: Chromium may let the first keys on a page go.
func (s *site) pressTo(key, selector string) {
	s.t.Helper()
	s.Tab.Await("the focus at "+selector, func() bool {
		if browser.Value[bool](s.Tab, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return true
		}
		s.Press(key)
		return false
	})
}

// awaitPath waits until the browser is at a page.
func (s *site) awaitPath(path string) {
	s.t.Helper()
	s.Tab.Await("the page "+path, func() bool { return s.Path() == path })
}
