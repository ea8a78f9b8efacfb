package netbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"fgdsync.dev/test/netbox/lab"
)

// browserTimeout bounds what a test does in a browser.
const browserTimeout = 2 * time.Minute

// browser runs Chromium, in which nobody is signed in, until the test ends.
func browser(t *testing.T) context.Context {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("there is no Chromium (make netbox-deps installs it): %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.WindowSize(1280, 900))
	ctx, stop := context.WithTimeout(t.Context(), browserTimeout)
	t.Cleanup(stop)
	allocator, end := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(end)
	tab, leave := chromedp.NewContext(allocator)
	t.Cleanup(leave)
	return tab
}

// TestTheRecordsAreSeen: who looks at the fabric in NetBox sees its 47 records. With -update the page becomes the
// picture of docs/netbox.md.
func TestTheRecordsAreSeen(t *testing.T) {
	t.Parallel()
	takesLong(t)
	s := show(t)
	s.serveStatic()
	tab := browser(t)
	address := "http://" + s.way.address()
	must(t, chromedp.Do(tab,
		chromedp.Navigate(address+"/login/"),
		chromedp.SendKeys(chromedp.CSS("#id_username"), lab.User),
		chromedp.SendKeys(chromedp.CSS("#id_password"), lab.Password),
		chromedp.Submit(chromedp.CSS("#id_password")),
		chromedp.WaitNotPresent(chromedp.CSS("#id_password")),
		chromedp.Navigate(fmt.Sprintf("%s/plugins/hedgehog/fabrics/%d/", address, s.number)),
		chromedp.WaitVisible(chromedp.CSS("#resources")),
	))
	rows, err := chromedp.Run(tab, chromedp.Evaluate[int]("document.querySelectorAll('#resources tbody tr').length"))
	must(t, err)
	const quality = 80
	picture, err := chromedp.Run(tab, chromedp.FullScreenshot(quality))
	must(t, err)
	if rows != 47 || len(picture) == 0 {
		t.Errorf("%d records are seen in a picture of %d bytes", rows, len(picture))
	}
	if *update {
		must(t, os.WriteFile(filepath.Join("..", "..", "docs", "netbox-records.jpg"), picture, 0o600))
	}
}

// serveStatic has the way serve what pages of NetBox are drawn with, which a web server in front of it does elsewhere.
func (s *shown) serveStatic() {
	s.t().Helper()
	if err := s.Manage(s.t().Context(), nil, "collectstatic", "--no-input"); err != nil {
		s.t().Fatal(err)
	}
	folder := s.Static()
	if _, err := os.Stat(folder); err != nil {
		s.t().Fatal(errors.Join(errors.New("NetBox has put its static files elsewhere"), err))
	}
	s.way.static(http.StripPrefix("/static/", http.FileServer(http.Dir(folder))))
}
