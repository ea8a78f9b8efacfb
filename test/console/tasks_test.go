package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/netboxtest"
)

// worker is somebody who has nothing but the console, and the pages of a Git host.
type worker struct {
	*site

	steps int // links, fields and buttons, and changes at the Git host
}

// clicks presses what a selector finds, and waits for words of the page that follows.
func (w *worker) clicks(selector, words string) {
	w.t.Helper()
	w.steps++
	w.Click(selector)
	w.Sees(words)
}

// types fills a field.
func (w *worker) types(selector, text string) {
	w.t.Helper()
	w.steps++
	w.Fill(selector, text)
}

// fabricLink is the link to the fabric in the list of fabrics.
const fabricLink = `a[href="/fabrics/1"]`

// tab is a selector of a tab of the fabric.
func tab(name string) string { return fmt.Sprintf(`a[href="/fabrics/1/%s"]`, name) }

// task tries a task from the list of fabrics. docs/tasks.md says of each how many steps it takes: seven at most.
func task(t *testing.T, steps int, prepare, try func(w *worker), env ...string) {
	t.Helper()
	t.Parallel()
	w := &worker{site: newSiteWith(t, env)}
	w.ends(w.register(), "completed")
	if prepare != nil {
		prepare(w)
	}
	w.signIn(w.Token())
	try(w)
	if w.steps != steps {
		t.Errorf("it took %d steps, not the %d that are written down", w.steps, steps)
	}
}

// has reports whether a file of the directory has a text.
func (w *worker) has(path, text string) bool {
	return strings.Contains(w.git.Files(w.t, repository, "main")[directory+"/"+path], text)
}

// TestTaskADocumentWasRefused: why, and how it is mended.
func TestTaskADocumentWasRefused(t *testing.T) {
	task(t, 4, nil, func(w *worker) {
		w.clicks(tab("quarantine"), "unmanaged/broken.yaml")
		w.clicks(`a[href*="quarantine/file"]`, "unmanaged/broken.yaml:6:3")
		w.types("#content", fabric.VPC("mended", 9))
		w.clicks("form.mend button", "What it did")
		if !w.has("managed/vpcs/mended.yaml", "mended") {
			t.Error("the VPC is not there")
		}
	})
}

// TestTaskAFabricRunsAway: it is stopped.
func TestTaskAFabricRunsAway(t *testing.T) {
	task(t, 3, nil, func(w *worker) {
		w.clicks(fabricLink, "Directory")
		w.types("#reason", "It publishes every minute")
		w.clicks(`form[action$="/suspend"] button`, "It publishes every minute")
	})
}

// TestTaskAVPCIsGone: who deleted it, and how it comes back.
func TestTaskAVPCIsGone(t *testing.T) {
	const gone = "managed/vpcs/extra.yaml"
	var before string
	task(t, 6, func(w *worker) {
		before = w.git.Files(t, repository, "main")[directory+"/"+gone]
		w.git.CommitSaying(t, repository, "main", "Clean up", map[string]string{directory + "/" + gone: gitserver.Removed})
	}, func(w *worker) {
		w.clicks(fabricLink, "Directory")
		w.clicks(tab("history"), "Clean up")
		w.clicks(`main li:first-child a[href*="/diff"]`, "extra.yaml")
		w.clicks(`form[action$="/restore"] button`, "What it would do")
		w.clicks(`a[href$="/plan"]`, "Restore exactly this")
		w.clicks(`[aria-describedby=h-exactly]`, "What it did")
		if before == "" || !w.has(gone, before) {
			t.Error("it is not what it was")
		}
	})
}

// TestTaskAConflict: somebody settles it, and both sides say the same.
func TestTaskAConflict(t *testing.T) {
	const path, secret = "managed/vpcs/extra.yaml", "HEDGEHOG_FGD_NETBOX_TEST"
	n := netboxtest.Start(t)
	task(t, 6, func(w *worker) {
		w.Call(http.MethodPatch, "/api/v1/fabrics/1", map[string]any{"netbox": map[string]any{
			"url": n.URL, "fabric": n.AddFabric("fabric-1"), "token_ref": "env:" + secret,
		}}, &struct{}{})
		w.delivered()
		text := w.git.Files(t, repository, "main")[directory+"/"+path]
		w.git.Commit(t, repository, "main", map[string]string{directory + "/" + path: setVLAN(text, "601")})
		must(t, n.SetVLAN(t.Context(), "alice", "extra", 602))
		w.System.Await("a conflict", func() bool { return w.conflicts() == 1 })
	}, func(w *worker) {
		w.clicks(fabricLink, "Directory")
		w.clicks(tab("conflicts"), "extra")
		w.clicks(`main a[href*="/conflicts/"]`, "601")
		w.steps++
		w.Click(`input[value=netbox]`)
		w.clicks(`button[value=preview]`, "What it comes to")
		w.clicks(`button[value=settle]`, "What it did")
		w.System.Await("both sides to say the same", func() bool { return w.has(path, "vlan: 602") && w.conflicts() == 0 })
	}, secret+"="+netboxserver.Token, secret+"_HOSTS="+strings.TrimPrefix(n.URL, "http://"))
}

// TestTaskANewRepository: it is connected, and published once somebody has looked.
func TestTaskANewRepository(t *testing.T) {
	const other, secret = "other.git", "HEDGEHOG_FGD_GIT_OTHER"
	host := gitserver.Start(t, gitserver.Options{User: "x-access-token", Password: "a-password-nobody-guesses"})
	host.Create(t, other, "main", map[string]string{"pods/7/vpcs.yaml": fabric.VPC("vpc-1", 1)})
	task(t, 7, nil, func(w *worker) {
		w.clicks(`a[href="/fabrics/new"]`, "Connect a repository")
		w.types("#name", "pod-7")
		w.types("#repository_url", host.URL(other))
		w.types("#gitops_directory", "pods/7")
		w.types("#credentials_ref", "env:"+secret)
		before := host.Commits(t, other, "main")
		w.clicks(`button[value=register]`, "Suspended")
		if host.Commits(t, other, "main") != before {
			t.Error("something was published before anybody said so")
		}
		w.clicks(`form[action$="/resume"] button`, "pod-7")
		w.System.Await("the VPC", func() bool {
			return host.Files(t, other, "main")["pods/7/managed/vpcs/vpc-1.yaml"] != ""
		})
	}, secret+"=a-password-nobody-guesses", secret+"_HOSTS="+host.Address())
}

// delivered waits until NetBox shows what the files say.
func (w *worker) delivered() {
	w.t.Helper()
	w.System.Await("the records", func() bool {
		var answer struct{ Delivery struct{ Proven, Pending int } }
		w.Call(http.MethodGet, "/api/v1/fabrics/1/receipts?limit=1", nil, &answer)
		return answer.Delivery.Proven > 0 && answer.Delivery.Pending == 0
	})
}

// conflicts returns how many are open.
func (w *worker) conflicts() int {
	var list struct{ Conflicts []struct{} }
	w.Call(http.MethodGet, "/api/v1/fabrics/1/conflicts?state=open", nil, &list)
	return len(list.Conflicts)
}

// setVLAN returns the text of a VPC with another VLAN.
func setVLAN(text, vlan string) string {
	head, rest, _ := strings.Cut(text, "vlan: ")
	_, tail, _ := strings.Cut(rest, "\n")
	return head + "vlan: " + vlan + "\n" + tail
}
