package console

import (
	"fmt"
	"strings"
	"testing"
)

// TestEveryPage: each page in the light and in the dark, wide and narrow: nothing serious for axe, nothing to be pushed
// to and fro, no request to anybody else, nothing refused by the content security policy.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sync := s.register()
	s.ends(sync, "completed")
	pages := map[string]string{
		"fabrics": "/", "register": "/fabrics/new", "filtered": "/?state=degraded&search=fabric",
		"all-syncs": "/syncs", "overview": "/fabrics/1",
		"syncs": "/fabrics/1/syncs", "resources": "/fabrics/1/resources",
		"resource":   "/fabrics/1/resources/one?kind=VPC&namespace=default&name=extra",
		"quarantine": "/fabrics/1/quarantine", "quarantined": "/fabrics/1/quarantine/file?path=unmanaged/broken.yaml",
		"history": "/fabrics/1/history", "diff": "/fabrics/1/diff", "structure": "/fabrics/1/structure",
		"conflicts": "/fabrics/1/conflicts", "topology": "/fabrics/1/topology",
		"sync": "/syncs/" + sync, "plan": "/syncs/" + sync + "/plan",
		"health": "/health", "dead-letters": "/dead-letters", "audit": "/audit", "me": "/me", "nowhere": "/fabrics/99",
	}
	s.look("sign-in", "/sign-in")
	s.signIn(s.Token())
	for name, path := range pages {
		s.look(name, path)
	}
	for _, stray := range s.Strays() {
		t.Errorf("stray: %s", stray)
	}
}

// pictures are the pages that the docs show, by name.
var pictures = map[string]string{ //nolint:gochecknoglobals // read only
	"fabrics": "fabrics", "overview": "fabric", "topology": "topology",
}

// look looks at a page in each way.
func (s *site) look(name, path string) {
	s.t.Helper()
	for _, width := range []int64{360, 1280} {
		for _, scheme := range []string{"dark", "light"} {
			s.Paint(scheme, width)
			s.Go(path)
			at := fmt.Sprintf("%s, %s, %d px", name, scheme, width)
			for _, fault := range s.Axe(*axe) {
				s.t.Errorf("%s: %s", at, fault)
			}
			if wider := s.Wider(); wider > 0 {
				s.t.Errorf("%s: %d px wider than the window", at, wider)
			}
		}
	}
	if of := pictures[name]; of != "" {
		s.keep(of) // wide, and in the light
	}
	if text := s.Text(); strings.Contains(text, "The page can't be shown") {
		s.t.Errorf("%s: %s", name, text)
	}
}
