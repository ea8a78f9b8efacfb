package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/test/browser"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/netboxtest"
)

const (
	extra  = "managed/vpcs/extra.yaml"
	others = "others.git" // a repository that no fabric has yet
)

// walker does everything by keyboard alone.
type walker struct {
	*worker

	netbox  *netboxserver.Server
	redis   *redis.Client
	first   string // the first sync
	scripts bool   // pages have them in this round
	pressed map[button]bool
}

// newWalker has a fabric that has been synced and is in a NetBox.
func newWalker(t *testing.T) *walker {
	t.Helper()
	const secret = "HEDGEHOG_FGD_NETBOX_TEST"
	kept, n := system.Redis(t), netboxtest.Start(t)
	w := &walker{netbox: n, redis: kept.Client(), pressed: map[button]bool{}}
	w.worker = &worker{site: newSiteWith(t, []string{
		"HEDGEHOG_FGD_REDIS_URL=" + kept.URL(), secret + "=" + netboxserver.Token,
		secret + "_HOSTS=" + strings.TrimPrefix(n.URL, "http://"),
	})}
	w.git.Create(t, others, "main", map[string]string{"pods/7/vpcs.yaml": fabric.VPC("vpc-1", 1)})
	w.first = w.register()
	w.ends(w.first, "completed")
	w.Call(http.MethodPatch, "/api/v1/fabrics/1", map[string]any{"netbox": map[string]any{
		"url": n.URL, "fabric": n.AddFabric("fabric-1"), "token_ref": "env:" + secret,
	}}, &struct{}{})
	w.delivered()
	return w
}

// press goes to a button of the page and presses it.
func (w *walker) press(template, action, says string) {
	w.t.Helper()
	b := button{template, action, says}
	w.pressed[b] = true
	w.TabTo(b.selector())
	w.Press("\r")
}

// enters goes to a field and types into it.
func (w *walker) enters(selector, text string) {
	w.t.Helper()
	w.TabTo(selector)
	w.Press(text)
}

// follows goes to a link and follows it.
func (w *walker) follows(selector, words string) {
	w.t.Helper()
	w.TabTo(selector)
	w.Press("\r")
	w.Sees(words)
}

// named returns a name that nothing of the other round has.
func (w *walker) named(what string) string {
	if w.scripts {
		return what + "-js"
	}
	return what + "-off"
}

// vpc is a VPC of this round, whose number nothing of the other one has.
func (w *walker) vpc(name string, number int) string {
	if w.scripts {
		number += 100
	}
	return fabric.VPC(w.named(name), number)
}

// commits has somebody push files of the directory.
func (w *walker) commits(files map[string]string) {
	w.t.Helper()
	in := map[string]string{}
	for path, text := range files {
		in[directory+"/"+path] = text
	}
	w.git.Commit(w.t, repository, "main", in)
}

// starts starts a sync.
func (w *walker) starts(options map[string]any) (sync string) {
	w.t.Helper()
	var started struct {
		SyncID string `json:"sync_id"`
	}
	w.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{"options": options}, &started)
	return started.SyncID
}

// syncs makes a sync, and waits until it has completed.
func (w *walker) syncs() {
	w.t.Helper()
	w.ends(w.starts(map[string]any{}), "completed")
}

// dryRun makes a dry run, and returns it when it has completed.
func (w *walker) dryRun() string {
	w.t.Helper()
	sync := w.starts(map[string]any{"validate_only": true})
	w.ends(sync, "completed")
	return sync
}

// walks are ways to every button of the console, in an order in which they can be gone one after another.
func walks() []func(w *walker) {
	return []func(w *walker){
		(*walker).walkIn, (*walker).walkRegistration, (*walker).walkSyncs, (*walker).walkPlan, (*walker).walkCancel,
		(*walker).walkCheck, (*walker).walkSuspension, (*walker).walkRepair, (*walker).walkQuarantine,
		(*walker).walkQuarantinedFile, (*walker).walkRestore, (*walker).walkResource, (*walker).walkDeadLetter,
		(*walker).walkConflict, (*walker).walkOut,
	}
}

// TestEveryActionByKeyboardAlone: all that the console can do, with and without JavaScript. A form that comes has a
// walk here. A viewer sees none of them, wherever there is something to do.
func TestEveryActionByKeyboardAlone(t *testing.T) {
	t.Parallel()
	w := newWalker(t)
	for _, scripts := range []bool{true, false} {
		w.scripts = scripts
		w.Scripts(scripts)
		clear(w.pressed)
		for _, walk := range walks() {
			walk(w)
		}
		all := buttons(t)
		for b := range all {
			if !w.pressed[b] {
				t.Errorf("%s: nobody walks to %+v", w.named("round"), b)
			}
		}
		for b := range w.pressed {
			if !all[b] {
				t.Errorf("%s: there is no %+v", w.named("round"), b)
			}
		}
	}
	w.Scripts(true)
	w.seesNoAction()
	for _, stray := range w.Strays() {
		t.Errorf("stray: %s", stray)
	}
}

func (w *walker) walkIn() {
	w.Go("/")
	w.enters("#token", w.Token())
	w.press("sign-in.html", "/sign-in", "")
	w.Sees("fabric-1")
	if w.scripts {
		w.tryKeys()
	}
}

// tryKeys presses the keys that save a mouse.
func (w *walker) tryKeys() {
	w.pressTo("j", fabricLink)
	w.Press("\r")
	w.Sees("Directory")
	w.Press("gf")
	w.Sees("Last success")
	w.Press("?")
	w.Sees("to the next and to the last row")
}

func (w *walker) walkOut() {
	w.Go("/me")
	w.press("layout.html", "/sign-out", "")
	w.Sees("It begins with")
}

func (w *walker) walkRegistration() {
	w.Go("/fabrics/new")
	w.enters("#name", "pod-7")
	w.enters("#fabric_id", "7")
	w.enters("#repository_url", w.git.URL(others))
	w.enters("#gitops_directory", "pods/7")
	w.press("register.html", "/fabrics/new", "action=check")
	w.Sees("The host answers")
	w.press("register.html", "/fabrics/new", "action=register")
	w.Sees("Suspended")
	w.System.Await("the fabric to be forgotten", func() bool { // once its dry run has ended
		status, _ := w.Try(http.MethodDelete, "/api/v1/fabrics/7", nil)
		return status == http.StatusOK
	})
}

func (w *walker) walkSyncs() {
	w.Go("/")
	w.press("fabrics.html", "/fabrics/*/sync", "")
	w.Sees("What it did")
	w.Go("/fabrics/1")
	w.press("part-fabric.html", "/fabrics/*/sync", "dry_run=1")
	w.Sees("What it would do")
	w.Go("/fabrics/1")
	w.press("part-fabric.html", "/fabrics/*/sync", "")
	w.Sees("What it did")
}

// walkPlan does what a dry run has shown, and nothing when somebody has pushed meanwhile.
func (w *walker) walkPlan() {
	for _, moved := range []bool{true, false} {
		w.commits(map[string]string{"raw/a.yaml": w.vpc("first", 401)})
		w.Go("/syncs/" + w.dryRun() + "/plan")
		if moved {
			w.commits(map[string]string{"raw/b.yaml": w.vpc("second", 402)})
		}
		w.press("plan.html", "/fabrics/*/sync", "")
		if moved {
			w.Sees("FGD_3031 PLAN_OUTDATED")
			continue
		}
		w.Sees("What it did")
	}
}

// walkCancel ends a sync that waits for the Git host. Where there are no scripts its page is loaded again and again.
func (w *walker) walkCancel() {
	fetch, held := make(chan struct{}), make(chan struct{}, 1)
	w.git.Break(gitserver.Fault{On: gitserver.Fetch, Hold: fetch, Held: held})
	w.commits(map[string]string{"raw/late.yaml": w.vpc("late", 403)})
	sync := w.starts(map[string]any{})
	<-held
	w.Go("/syncs/" + sync)
	cancel := button{"sync.html", "/syncs/*/cancel", ""}
	w.pressed[cancel] = true
	w.Tab.Await("the sync to be cancelled", func() bool {
		switch {
		case strings.Contains(w.Text(), "cancelled"):
			return true
		case w.IsAt(cancel.selector()):
			w.Press("\r")
		default:
			w.Press(kb.Tab)
		}
		return false
	})
	close(fetch)
	w.git.Mend()
	w.ends(sync, "cancelled")
}

func (w *walker) walkCheck() {
	w.Go("/fabrics/1")
	w.press("fabric.html", "/fabrics/*/check", "")
	w.Sees("It takes the credentials")
}

func (w *walker) walkSuspension() {
	w.Go("/fabrics/1")
	w.enters("#reason", "A test")
	w.press("fabric.html", "/fabrics/*/suspend", "")
	w.Sees("A test")
	w.press("fabric.html", "/fabrics/*/resume", "")
	w.Sees("What it did")
}

func (w *walker) walkRepair() {
	w.commits(map[string]string{"raw/.gitkeep": gitserver.Removed})
	w.Go("/fabrics/1/structure")
	w.press("structure.html", "/fabrics/*/repair", "")
	w.Sees("What it did")
	w.Go("/fabrics/1/structure")
	if text := w.Text(); strings.Contains(text, "Repair") {
		w.t.Errorf("it is not repaired: %s", text)
	}
}

// broken puts a document into quarantine, and returns the name of its file there.
func (w *walker) broken(name string) string {
	name = w.named(name) + ".yaml"
	w.commits(map[string]string{"raw/" + name: "kind: VPC\nspec: [\n"})
	w.syncs()
	return "unmanaged/" + name
}

func (w *walker) walkQuarantine() {
	bad := w.broken("listed")
	choose := func() {
		w.Go("/fabrics/1/quarantine")
		w.TabTo(fmt.Sprintf("input[value=%q]", bad))
		w.Press(" ")
	}
	choose()
	w.press("quarantine.html", "/fabrics/*/quarantine", "action=retry")
	w.Sees("What it did")
	w.Go("/fabrics/1/quarantine")
	w.press("quarantine.html", "/fabrics/*/quarantine", "action=retry_all")
	w.Sees("What it did")
	choose()
	w.press("quarantine.html", "/fabrics/*/quarantine", "action=release")
	w.Sees("What it did")
	w.isReleased(bad)
}

func (w *walker) walkQuarantinedFile() {
	bad := w.broken("alone")
	page := "/fabrics/1/quarantine/file?path=" + bad
	w.Go(page)
	w.enters("#content", "# By keyboard\n")
	w.press("quarantined-file.html", "/fabrics/*/quarantine/file", "")
	w.Sees("What it did")
	if !w.has(bad, "# By keyboard") {
		w.t.Errorf("%s is not what was typed", bad)
	}
	w.Go(page)
	w.press("quarantined-file.html", "/fabrics/*/quarantine", "action=retry")
	w.Sees("What it did")
	w.Go(page)
	w.press("quarantined-file.html", "/fabrics/*/quarantine", "action=release")
	w.Sees("What it did")
	w.isReleased(bad)
}

// isReleased holds that a file is back where it came from, and takes it away.
func (w *walker) isReleased(path string) {
	w.t.Helper()
	origin := "raw/" + strings.TrimPrefix(path, "unmanaged/")
	if !w.has(origin, "kind: VPC") || w.has(path, "kind: VPC") {
		w.t.Errorf("%s is not put back", path)
	}
	w.commits(map[string]string{origin: gitserver.Removed})
}

func (w *walker) walkRestore() {
	gone := "managed/vpcs/" + w.named("first") + ".yaml"
	before := w.git.Files(w.t, repository, "main")[directory+"/"+gone]
	w.commits(map[string]string{gone: gitserver.Removed})
	w.Go("/fabrics/1/diff?to=HEAD")
	w.press("diff.html", "/fabrics/*/restore", "dry_run=1")
	w.Sees("What it would do")
	w.follows(`a[href$="/plan"]`, "Restore exactly this")
	w.press("plan.html", "/fabrics/*/restore", "")
	w.Sees("What it did")
	if before == "" || !w.has(gone, before) {
		w.t.Errorf("%s is not back", gone)
	}
}

func (w *walker) walkResource() {
	before := w.git.Files(w.t, repository, "main")[directory+"/"+extra]
	w.commits(map[string]string{extra: setVLAN(before, "777")})
	const page = "/fabrics/1/resources/one?kind=VPC&namespace=default&name=extra"
	w.Go(page)
	w.press("resource.html", "/fabrics/*/restore", "dry_run=1")
	w.Sees("What it would do")
	w.Go(page)
	w.press("resource.html", "/fabrics/*/restore", "")
	w.Sees("What it did")
	if !w.has(extra, before) {
		w.t.Error("it is not what it was")
	}
}

// walkDeadLetter has work handled again that was given up: what is left of a sync that was never done.
func (w *walker) walkDeadLetter() {
	must(w.t, w.redis.XAdd(w.t.Context(), &redis.XAddArgs{Stream: "fgd:{1}:dead-letters", Values: []any{
		"e", "\x0a\x24" + w.first + "\x10\x01", "origin", "fgd:{1}:work", "entry", "1-1", "deliveries", "20",
		"error", "never done",
	}}).Err())
	w.Go("/dead-letters")
	w.press("dead-letters.html", "/dead-letters", "")
	w.Sees("No work was given up")
}

func (w *walker) walkConflict() {
	w.System.Await("NetBox to show everything", func() bool {
		var answer struct {
			Delivery struct {
				Proven    string `json:"proven_commit"`
				Published string `json:"published_commit"`
			}
		}
		w.Call(http.MethodGet, "/api/v1/fabrics/1/receipts?limit=1", nil, &answer)
		return answer.Delivery.Proven == answer.Delivery.Published
	})
	vlan := 611
	if w.scripts {
		vlan = 601
	}
	text := w.git.Files(w.t, repository, "main")[directory+"/"+extra]
	w.commits(map[string]string{extra: setVLAN(text, fmt.Sprint(vlan))})
	must(w.t, w.netbox.SetVLAN(w.t.Context(), "alice", "extra", vlan+1))
	w.System.Await("a conflict", func() bool { return w.conflicts() == 1 })
	w.Go("/fabrics/1/conflicts?state=open")
	w.follows(`main a[href*="/conflicts/"]`, "Another value")
	w.TabTo("input[name=take-0]")
	w.Press(kb.ArrowDown) // from Git to NetBox
	w.press("conflict.html", "/fabrics/*/conflicts/*", "action=preview")
	w.Sees("What it comes to")
	w.press("conflict.html", "/fabrics/*/conflicts/*", "action=settle")
	w.Sees("What it did")
	w.System.Await("both sides to say the same", func() bool {
		return w.has(extra, fmt.Sprintf("vlan: %d", vlan+1)) && w.conflicts() == 0
	})
}

// seesNoAction signs in as a viewer, and looks wherever somebody else has something to do.
func (w *walker) seesNoAction() {
	w.t.Helper()
	bad := w.broken("viewed")
	w.commits(map[string]string{"new.yaml": fabric.VPC("third", 404), "raw/.gitkeep": gitserver.Removed})
	dry := w.dryRun()
	var made struct{ Text string }
	w.Call(http.MethodPost, "/api/v1/tokens", map[string]any{
		"name": "viewer", "grants": []map[string]any{{"role": "viewer", "all_fabrics": true}},
	}, &made)
	w.signIn(made.Text)
	for _, path := range []string{
		"/", "/fabrics/1", "/fabrics/1/structure", "/fabrics/1/quarantine", "/fabrics/1/quarantine/file?path=" + bad,
		"/fabrics/1/diff", "/fabrics/1/resources/one?kind=VPC&namespace=default&name=extra", "/syncs/" + dry + "/plan",
		"/fabrics/new", "/dead-letters",
	} {
		w.Go(path)
		signOut := 1
		if forms := browser.Value[int](w.Tab, "document.querySelectorAll('form[method=post]').length"); forms != signOut {
			w.t.Errorf("a viewer sees %d forms at %s", forms-signOut, path)
		}
	}
}
