package netbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"fgdsync.dev/test/netbox/lab"
)

// user is who the pages are used by, as the author of a commit.
const user = lab.User + " <" + lab.User + "@example.com>"

// TestThePages: what people do with a fabric in NetBox, by mouse and by keyboard, from its first sync to the conflict
// that somebody settles. With -update the pages become the pictures of docs/netbox-plugin.md.
func TestThePages(t *testing.T) {
	t.Parallel()
	p := visit(t).signIn()
	p.linksAFabric()
	p.mendsAFile()
	p.settlesAConflict()
	p.looksWithoutTheService()
}

// linksAFabric has a fabric made, with its link: its first sync begins by itself.
func (p *person) linksAFabric() {
	p.t().Helper()
	p.open(links + "add/")
	p.usable()
	p.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("[role=tab]")].find(t => t.innerText.includes("New fabric")).click()`))
	p.fill(map[string]string{
		"new_fabric": "fabric-1", "repository_url": p.git.URL(repository), "gitops_directory": directory,
	})
	p.click("[name=_create]")
	p.sees("In sync")
	p.number = 1
	p.proven(47)
	p.sees("47")
	p.photograph("netbox-fabric")
	p.usable()
	p.open("/plugins/hedgehog/fabrics/1/")
	rows, err := chromedp.Run(p.tab, chromedp.Evaluate[int]("document.querySelectorAll('#resources tbody tr').length"))
	must(p.t(), err)
	if rows != 47 {
		p.t().Errorf("%d records are seen", rows)
	}
	p.click(fmt.Sprintf("a[href='%s1/']", links)) // from HNP's own page
	p.sees("Dry run")
}

// mendsAFile finds in the quarantine what somebody broke in Git, and has it tried again when it is mended: without a
// mouse.
func (p *person) mendsAFile() {
	p.t().Helper()
	broken := strings.Replace(p.git.Files(p.t(), repository, "main")[extra], "vlan: ", "vlan: none", 1)
	broken = strings.Replace(broken, "name: extra", "name: broken", 1)
	p.git.Commit(p.t(), repository, "main", map[string]string{directory + "/raw/broken.yaml": broken})
	p.open(links + "1/")
	p.press("form[action$='/sync/'] button", kb.Enter)
	p.sees("Completed")
	p.usable()
	p.open(links + "1/quarantine/")
	p.sees("unmanaged/broken.yaml")
	p.photograph("netbox-quarantine")
	p.usable()
	mended := strings.Replace(broken, "vlan: none", "vlan: ", 1)
	p.git.Commit(p.t(), repository, "main", map[string]string{directory + "/unmanaged/broken.yaml": mended})
	p.press("input[type=checkbox][name=path]", " ")
	p.press("button[formaction$='/retry/']:not([name=all])", kb.Enter)
	p.sees("Completed")
	p.open(links + "1/quarantine/")
	p.sees("Nothing is in quarantine")
	if said := p.git.Git(p.t(), repository, "log", "-1", "--format=%an <%ae>", "main"); strings.TrimSpace(said) != user {
		p.t().Errorf("what was mended is by %s", said)
	}
}

// settlesAConflict chooses between what Git and NetBox have, sees the line that it comes to, and settles it: without a
// mouse, and with each step to be seen.
func (p *person) settlesAConflict() {
	p.t().Helper()
	p.proven(48)
	record, spec, _ := p.vpc("extra")
	_, set := vlan(spec)
	p.way.answer(http.StatusServiceUnavailable, "away") // so that nobody hears of one side before the other is there, too
	p.edit("Another VLAN", "vpcs/extra.yaml", func(content string) string {
		return strings.Replace(content, "vlan: ", "vlan: 7", 1)
	})
	set(702)
	p.must(http.StatusOK, "PATCH", record+"?"+fields, map[string]any{"spec": spec})
	p.way.answer(0, "")
	var listed struct {
		Conflicts []struct {
			ConflictID string `json:"conflict_id"`
		}
	}
	p.Await("a conflict", func() bool {
		p.Call(http.MethodGet, fabricPath+"/conflicts", nil, &listed)
		return len(listed.Conflicts) == 1
	})
	commits := p.git.Commits(p.t(), repository, "main")
	p.open(links + "1/conflicts/")
	p.usable()
	p.press("a[href*='"+listed.Conflicts[0].ConflictID+"']", kb.Enter)
	p.sees("spec.subnets.default.vlan")
	p.press("input[value=git]", " ")
	p.do(chromedp.KeyEvent(kb.ArrowRight)) // from one side to the other
	p.isAt("input[value=netbox]:checked")
	p.press("button[hx-post*=preview]", " ")
	p.sees("What would change in Git")
	p.sees("702")
	p.photograph("netbox-conflict")
	p.usable()
	p.press("#fgd-conflict button[type=submit]:not([hx-post])", kb.Enter)
	p.sees("No conflicts are open")
	p.committed(commits, 1)
	said := p.git.Git(p.t(), repository, "log", "-1", "--format=%an <%ae>", "main")
	lines := strings.Count(p.git.Git(p.t(), repository, "show", "--unified=0", "--format=", "main", "--", extra), "\n+")
	if strings.TrimSpace(said) != user || lines != 2 {
		p.t().Errorf("%s changes %d lines", said, lines-1)
	}
	p.proven(48)
}

// looksWithoutTheService opens every page while nobody answers, or is there at all: each is there, and says so.
func (p *person) looksWithoutTheService() {
	p.t().Helper()
	p.service.hang(true)
	pages := []string{
		links, links + "1/", links + "1/syncs/", links + "1/quarantine/", links + "1/conflicts/", links + "1/drift/",
		links + "1/changes/", links + "1/edit/", "/plugins/fgd-sync/changes/", "/",
	}
	for _, page := range pages {
		loaded, answered := p.loads(page)
		p.t().Logf("%s was answered after %s, and there after %s, while FGD Sync hung", page, answered, loaded)
	}
	p.open(links + "1/drift/")
	p.sees("Try again")
	p.service.hang(false)
	p.service.answer(http.StatusBadGateway, "away")
	p.open(links + "1/drift/")
	p.sees("FGD Sync")
	p.usable()
}
