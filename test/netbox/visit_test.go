package netbox

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/netbox/lab"
	"fgdsync.dev/testkit/gitserver"
)

// axe is what says whether a page can be used by those who do not see it, or have no mouse.
var axe = flag.String("axe", "", "the file axe.min.js of axe-core, without which pages are not looked at with it")

const links = "/plugins/fgd-sync/links/"

// visited is a NetBox with the plugin of this project, the system that it asks, and a repository with a fabric that
// nobody has registered.
type visited struct {
	*shown

	service *way // from NetBox to the system
}

// visit starts one.
func visit(t *testing.T) *visited {
	t.Helper()
	needLab(t)
	binaries, err := programs()
	must(t, err)
	service, token := newWay(t), filepath.Join(t.TempDir(), "fgd-sync.token")
	n := start(t, lab.WithPluginConfig(map[string]any{
		"url": "http://" + service.address(), "token_ref": "file:" + token,
	}))
	w := wayTo(t, n.URL)
	v := &visited{&shown{netbox: n, way: w, git: gitserver.Start(t, gitserver.Options{})}, service}
	v.git.Create(t, repository, "main", fabric.PreInit(directory))
	v.System = binaries.Up(t, []string{tokenName + "=" + n.Token, tokenName + "_HOSTS=" + w.address()})
	v.Call(http.MethodPatch, "/api/v1/netbox",
		map[string]any{"url": "http://" + w.address(), "token_ref": "env:" + tokenName}, &struct{}{})
	var made struct{ Text string }
	v.Call(http.MethodPost, "/api/v1/tokens", map[string]any{
		"name": "netbox", "speaks_for_people": true, "grants": []any{map[string]any{"role": "admin", "all_fabrics": true}},
	}, &made)
	must(t, os.WriteFile(token, []byte(made.Text+"\n"), 0o600))
	service.lead(t, v.Base)
	v.serveStatic()
	return v
}

// person is somebody who uses the pages.
type person struct {
	*visited

	tab     context.Context
	address string         // of NetBox
	foreign map[fault]bool // what NetBox's own pages break
}

// signIn has the administrator sign in.
func (v *visited) signIn() *person {
	v.t().Helper()
	p := &person{visited: v, tab: browser(v.t()), address: "http://" + v.way.address()}
	p.open("/login/")
	p.do(
		chromedp.SendKeys(chromedp.CSS("#id_username"), lab.User),
		chromedp.SendKeys(chromedp.CSS("#id_password"), lab.Password),
		chromedp.Submit(chromedp.CSS("#id_password")),
		chromedp.WaitNotPresent(chromedp.CSS("#id_password")),
	)
	return p
}

func (p *person) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t().Helper()
	if err := chromedp.Do(p.tab, steps...); err != nil {
		p.t().Fatalf("%v\n%s", err, p.text())
	}
}

// open goes to a page.
func (p *person) open(path string) {
	p.t().Helper()
	p.do(chromedp.Navigate(p.address + path))
}

// click clicks on what a selector names.
func (p *person) click(selector string) {
	p.t().Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.ScrollIntoView(chromedp.CSS(selector)),
		chromedp.Click(chromedp.CSS(selector)))
}

// fill writes into fields of a form.
func (p *person) fill(values map[string]string) {
	p.t().Helper()
	for name, value := range values {
		field := chromedp.CSS(fmt.Sprintf("[name=%q]", name))
		p.do(chromedp.WaitVisible(field), chromedp.Clear(field), chromedp.SendKeys(field, value))
	}
}

// text is what stands on the page.
func (p *person) text() string {
	text, err := chromedp.Run(p.tab, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return "" // between two pages there is none
	}
	return text
}

// sees waits until something stands on the page.
func (p *person) sees(words string) {
	p.t().Helper()
	seen := false
	defer func() {
		if !seen {
			p.t().Log(p.text())
		}
	}()
	p.Await(words+" on the page", func() bool {
		seen = strings.Contains(p.text(), words)
		return seen
	})
}

// path is where the browser is.
func (p *person) path() string {
	p.t().Helper()
	at, err := chromedp.Run(p.tab, chromedp.Location())
	must(p.t(), err)
	return strings.TrimPrefix(at, p.address)
}

// press goes to the control that a selector names, from control to control with the tabulator, and presses a key there.
func (p *person) press(selector, key string) {
	p.t().Helper()
	const most = 150
	for range most {
		if p.at(selector) {
			p.isSeen(selector)
			p.do(chromedp.KeyEvent(key))
			return
		}
		p.do(chromedp.KeyEvent(kb.Tab))
	}
	p.t().Fatalf("no key leads to %s", selector)
}

// at reports whether the keys go to a control that a selector names.
func (p *person) at(selector string) bool {
	p.t().Helper()
	at, err := chromedp.Run(p.tab, chromedp.Evaluate[bool](fmt.Sprintf("document.activeElement.matches(%q)", selector)))
	must(p.t(), err)
	return at
}

// isAt fails unless the keys go to a control that a selector names, and people see that.
func (p *person) isAt(selector string) {
	p.t().Helper()
	if !p.at(selector) {
		p.t().Fatalf("the keys do not go to %s", selector)
	}
	p.isSeen(selector)
}

// isSeen fails unless the control that the keys go to is in the window, and drawn otherwise than without them.
func (p *person) isSeen(selector string) {
	p.t().Helper()
	seen, err := chromedp.Run(p.tab, chromedp.Evaluate[bool](`(() => {
		document.head.insertAdjacentHTML("beforeend", "<style id=still>* { transition: none !important }</style>");
		const control = document.activeElement, style = getComputedStyle(control), box = control.getBoundingClientRect();
		const drawn = () => ["outline", "boxShadow"].map(name => style[name]).join();
		const within = box.top >= 0 && box.bottom <= innerHeight && box.width > 0, focused = drawn();
		control.blur();
		const differs = drawn() !== focused;
		control.focus({focusVisible: true});
		document.getElementById("still").remove();
		return within && differs;
	})()`))
	must(p.t(), err)
	if !seen {
		p.t().Errorf("nobody sees that the keys go to %s", selector)
	}
}

// photograph takes a picture of the page for the docs, with -update.
func (p *person) photograph(name string) {
	p.t().Helper()
	const quality = 80
	picture, err := chromedp.Run(p.tab, chromedp.FullScreenshot(quality))
	must(p.t(), err)
	if len(picture) == 0 {
		p.t().Errorf("there is no picture of %s", name)
	}
	if *update {
		must(p.t(), os.WriteFile(filepath.Join("..", "..", "docs", name+".jpg"), picture, 0o600))
	}
}

// violation is what axe has against a page.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML string }
}

// fault is a rule that an element of a page breaks. Elements with the same tag and classes are alike.
type fault struct{ rule, tag, classes string }

// usable holds the page against the rules for those who do not see it, in the light and in the dark. What NetBox's own
// pages break too, with the same kind of element, is NetBox's.
func (p *person) usable() {
	p.t().Helper()
	if *axe == "" {
		return
	}
	at := p.path()
	if p.foreign == nil {
		p.foreign = map[fault]bool{}
		site := p.ask(http.MethodPost, "/api/dcim/sites/", map[string]any{"name": "A site", "slug": "site"}).id()
		of := fmt.Sprintf("/dcim/sites/%d/", site)
		for _, page := range []string{"/dcim/sites/add/", of, of + "edit/", "/dcim/sites/", "/"} {
			p.open(page)
			p.audit(func(f fault, _ string) { p.foreign[f] = true })
		}
		p.open(at)
		p.Await("the page to be whole again", func() bool { return !strings.Contains(p.text(), "Asking FGD Sync") })
	}
	p.audit(func(f fault, said string) {
		if !p.foreign[f] {
			p.t().Errorf("%s, %s", at, said)
		}
	})
}

// audit tells what is serious on a page, in both themes.
func (p *person) audit(tell func(f fault, said string)) {
	p.t().Helper()
	program, err := os.ReadFile(*axe)
	must(p.t(), err)
	// What is under the mouse, and what has the focus, has other colours, of NetBox's own.
	p.do(chromedp.MouseEvent("mouseMoved", 0, 0))
	_, err = chromedp.Run(p.tab, chromedp.Evaluate[any](string(program)+`;
		document.activeElement?.blur();
		document.head.insertAdjacentHTML("beforeend", "<style>* { transition: none !important; animation: none !important }</style>"); null`))
	must(p.t(), err)
	for _, theme := range []string{"dark", "light"} {
		said, err := chromedp.Run(p.tab, chromedp.Evaluate[string](fmt.Sprintf(`
			document.documentElement.setAttribute("data-bs-theme", %q);
			document.body.setAttribute("data-bs-theme", %q);
			axe.run("#page-content", {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`, theme, theme),
			chromedp.EvalAwaitPromise))
		must(p.t(), err)
		var found []violation
		must(p.t(), json.Unmarshal([]byte(said), &found))
		for _, v := range found {
			if v.Impact != "serious" && v.Impact != "critical" {
				continue
			}
			for _, node := range v.Nodes {
				tell(kindOf(v.ID, node.HTML), fmt.Sprintf("%s: %s (%s): %.300s", theme, v.Help, v.ID, node.HTML))
			}
		}
	}
}

// kindOf returns the fault of an element that breaks a rule.
func kindOf(rule, html string) fault {
	start, _, _ := strings.Cut(html, ">")
	tag, _, _ := strings.Cut(strings.TrimPrefix(start, "<"), " ")
	_, after, _ := strings.Cut(start, ` class="`)
	classes, _, _ := strings.Cut(after, `"`)
	return fault{rule, strings.TrimSpace(tag), strings.Join(strings.Fields(classes), " ")}
}

// loads says how long a page takes until it is there, and how long NetBox takes of that.
func (p *person) loads(path string) (loaded, answered time.Duration) {
	p.t().Helper()
	began := time.Now()
	p.open(path)
	loaded = time.Since(began)
	took, err := chromedp.Run(p.tab, chromedp.Evaluate[float64](
		`(t => t.responseEnd - t.requestStart)(performance.getEntriesByType("navigation")[0])`))
	must(p.t(), err)
	return loaded.Round(time.Millisecond), time.Duration(took) * time.Millisecond
}
