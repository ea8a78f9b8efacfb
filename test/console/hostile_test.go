package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"fgdsync.dev/test/browser"
	"fgdsync.dev/test/fabric"
)

const (
	// script is what a page must not run, in whatever it is put: a text, an attribute, an address.
	script = `<script>hacked=1</script>"'><img src=x onerror=hacked=1>`
	// turned is what turns the direction of what stands beside it.
	turned = "\u202egnp.\u2066\u2069"
	// mostSent bounds a page, in bytes.
	mostSent = 1 << 20
)

// hostileFiles are those of somebody who wants the worst for whoever looks at them.
func hostileFiles(folder string) map[string]string {
	server := func(name, description string) string {
		return "apiVersion: wiring.githedgehog.com/v1beta1\nkind: Server\nmetadata:\n  name: " + name +
			"\nspec:\n  description: '" + strings.ReplaceAll(description, "'", "''") + "'\n"
	}
	broken, word := "kind: VPC\nspec: [\n", strings.Repeat("W", 300)
	return map[string]string{
		folder + "/raw/text.yaml":                             server("text", script+turned),
		folder + "/raw/name.yaml":                             server(strings.Repeat("n", 200), "a long name"),
		folder + "/raw/line.yaml":                             server("line", strings.Repeat("x", 9<<20)),
		folder + "/raw/large.yaml":                            server("large", strings.Repeat("x", 10<<20)),
		folder + "/raw/" + turned + "<b onclick=hacked>.yaml": broken,
		folder + "/raw/" + strings.Repeat("f", 200) + ".yaml": broken,
		folder + "/raw/broken.yaml":                           "kind: " + script + turned + "\x1b[31m\u009b\nspec: [\n",
		folder + "/raw/nul.yaml":                              "kind: VPC\x00\n",
		folder + "/raw/word.yaml":                             "kind: VPC\nmetadata: {name: " + word + "}\n",
		`"` + folder + `/raw/bell\007.yaml"`:                  broken,
		folder + "/raw/vpc.yaml":                              fabric.VPC("vpc-1", 1),
	}
}

// TestHostileNamesAndFiles: the pages of a fabric whose names and files are hostile, on a phone. Nothing of them runs,
// nothing is turned, nothing has to be pushed to and fro.
func TestHostileNamesAndFiles(t *testing.T) {
	t.Parallel()
	const hostile, folder = "hostile.git", "pods/2"
	s := newSite(t)
	s.signIn(s.Token())
	s.git.Create(t, hostile, "main", map[string]string{folder + "/README.md": "# Pod 2\n"})
	s.git.CommitSaying(t, hostile, "main", script+turned+strings.Repeat("W", 300), hostileFiles(folder))
	var made struct {
		SyncID string `json:"sync_id"`
	}
	s.Call(http.MethodPost, "/api/v1/fabrics", map[string]any{
		"fabric_id": 2, "name": script + turned + strings.Repeat("W", 30), "repository_url": s.git.URL(hostile),
		"gitops_directory": folder,
	}, &made)
	s.ends(made.SyncID, "completed")
	pages := []string{
		"/", "/syncs", "/audit", "/fabrics/2", "/syncs/" + made.SyncID, "/syncs/" + made.SyncID + "/plan",
		"/fabrics/2/resources/one?kind=Server&namespace=default&name=text",
		"/fabrics/2/resources/one?kind=Server&namespace=default&name=line",
		"/fabrics/2/diff", "/fabrics/2/diff?view=side", "/fabrics/2/diff?to=HEAD~1",
	}
	for _, tab := range []string{"syncs", "resources", "topology", "quarantine", "conflicts", "history", "structure"} {
		pages = append(pages, "/fabrics/2/"+tab)
	}
	for _, path := range []string{"/", "/audit", "/sign-in", "/fabrics/2/resources", "/fabrics/2/diff"} {
		asked := url.Values{}
		for _, name := range []string{"search", "state", "principal", "next", "kind", "path", "to"} {
			asked.Set(name, script+turned)
		}
		pages = append(pages, path+"?"+asked.Encode())
	}
	var list struct{ Files []struct{ Path string } }
	s.Call(http.MethodGet, "/api/v1/fabrics/2/quarantine", nil, &list)
	for _, file := range list.Files {
		pages = append(pages, "/fabrics/2/quarantine/file?path="+url.QueryEscape(file.Path))
	}
	const inQuarantine = 6
	if len(list.Files) < inQuarantine {
		t.Errorf("%d files are in quarantine, of %d that are to be", len(list.Files), inQuarantine)
	}
	s.Paint("light", 360)
	for _, page := range pages {
		s.isHarmless(page)
	}
	for _, stray := range s.Strays() {
		t.Errorf("stray: %s", stray)
	}
}

// foreign are elements that no page of the console has by itself.
const foreign = `[...document.querySelectorAll("main script, main img, main b, [onerror], [onclick]")].
	map(e => e.outerHTML)`

// isHarmless looks at a page.
func (s *site) isHarmless(path string) {
	s.t.Helper()
	s.Go(path)
	if found := browser.Value[[]string](s.Tab, foreign); len(found) > 0 {
		s.t.Errorf("%s has %q", path, found)
	}
	if browser.Value[bool](s.Tab, "window.hacked !== undefined") {
		s.t.Errorf("%s runs what others wrote", path)
	}
	if text := s.Text(); strings.ContainsAny(text, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") ||
		!strings.Contains(text, "FGD Sync") || strings.Contains(text, "The page can't be shown") {
		s.t.Errorf("%s: %.2000s", path, text)
	}
	if wider := s.Wider(); wider > 0 {
		s.t.Errorf("%s is %d px wider than the window", path, wider)
	}
	const size = `performance.getEntriesByType("navigation")[0].decodedBodySize`
	if sent := browser.Value[int](s.Tab, size); sent > mostSent {
		s.t.Errorf("%s has %d bytes", path, sent)
	}
}
