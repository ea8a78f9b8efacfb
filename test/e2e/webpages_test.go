package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/libs/authority"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/netboxtest"
)

// shape is a Git host that everybody knows, and how it writes the page of a file.
type shape struct {
	host, files, line string
	number            int // of its fabric, and of what is in that
}

func (s shape) repository() string { return fmt.Sprintf("net-%d/fabrics.git", s.number) }

func (s shape) vpc() string { return fmt.Sprintf("vpc-%d", s.number) }

// page is where a host shows a file of the fabric as a commit has it.
func (s shape) page(commit, path string) string {
	return fmt.Sprintf("https://%s/net-%d/fabrics%s%s/%s/%s", s.host, s.number, s.files, commit, directory, path)
}

// TestPagesOfFiles: the page of a file that is in quarantine, and of one that is in conflict, is that of its Git host,
// at the very commit, as each host writes it.
func TestPagesOfFiles(t *testing.T) {
	t.Parallel()
	shapes := []shape{
		{"github.com", "/blob/", "#L", 1}, {"gitlab.com", "/-/blob/", "#L", 2}, {"gitea.com", "/src/commit/", "#L", 3},
	}
	server := gitserver.Start(t, gitserver.Options{User: username, Password: password})
	netbox := netboxtest.Start(t)
	s := programs.Up(t, append(netboxEnv(netbox), publicHosts(t, server, shapes)...))
	for _, at := range shapes {
		bad := strings.Replace(fabric.VPC("bad", 100+at.number), "vlan: ", "vlan: many", 1)
		server.Create(t, at.repository(), branch, map[string]string{
			directory + "/raw/bad.yaml": bad, directory + "/raw/good.yaml": fabric.VPC(at.vpc(), at.number),
		})
		var registered system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics", map[string]any{
			"fabric_id": at.number, "name": fmt.Sprintf("fabric-%d", at.number), "branch": branch,
			"repository_url": "https://" + at.host + "/" + at.repository(), "gitops_directory": directory,
			"credentials": map[string]any{"username": username, "password": password},
			"netbox": map[string]any{
				"url": netbox.URL, "fabric": netbox.AddFabric(fmt.Sprintf("fabric-%d", at.number)),
				"token_ref": "env:" + netboxToken,
			},
		}, &registered)
		if ended := s.Ended(registered.SyncID); ended.Result.FilesQuarantined != 1 {
			t.Fatalf("%s: the sync is %+v", at.host, ended)
		}
		requirePages(t, s, people{netbox, t}, at, server.Head(t, at.repository(), branch))
	}
}

// requirePages holds what the pages are of what is in quarantine, and in conflict.
func requirePages(t *testing.T, s *system.System, p people, at shape, head string) {
	t.Helper()
	api := fmt.Sprintf("/api/v1/fabrics/%d/", at.number)
	type shown struct {
		WebURL string `json:"web_url"`
		Reason struct{ Line int }
	}
	var kept struct{ Files []shown }
	s.Call(http.MethodGet, api+"quarantine", nil, &kept)
	if len(kept.Files) != 1 || kept.Files[0].Reason.Line == 0 ||
		kept.Files[0].WebURL != fmt.Sprint(at.page(head, "unmanaged/bad.yaml"), at.line, kept.Files[0].Reason.Line) {
		t.Errorf("%s: in quarantine is %+v", at.host, kept)
	}
	s.Await("the record of "+at.vpc(), func() bool {
		var answer struct{ Delivery standing }
		s.Call(http.MethodGet, api+"receipts?limit=1", nil, &answer)
		return answer.Delivery.Proven == 1 && answer.Delivery.ComparedAt != "" // from then on NetBox is heard
	})
	p.setVLAN("alice", at.vpc(), "many") // which Git does not take
	var listed struct{ Conflicts []shown }
	s.Await("a conflict", func() bool {
		s.Call(http.MethodGet, api+"conflicts", nil, &listed)
		return len(listed.Conflicts) == 1
	})
	if got := listed.Conflicts[0].WebURL; got != at.page(head, "managed/vpcs/"+at.vpc()+".yaml") {
		t.Errorf("%s: in conflict is %s", at.host, got)
	}
}

// publicHosts has a system find a server under the names of others: it speaks to them through a proxy, which connects
// to the server whatever name is asked for. Nothing leaves the machine.
func publicHosts(t *testing.T, server *gitserver.Server, shapes []shape) []string {
	t.Helper()
	names := []string{"api.github.com"}
	for _, s := range shapes {
		names = append(names, s.host)
	}
	trusted, own, err := authority.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	issued, err := trusted.Host(names, nil, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(issued.Certificate, issued.Key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(file, own.Certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := proxyTo(t, tlsBefore(t, server, certificate))
	return []string{"HEDGEHOG_FGD_REMOTES_CA_FILE=" + file, "HEDGEHOG_FGD_REMOTES_PROXY_URL=" + proxy}
}

// tlsBefore serves a server over TLS, and returns the address.
func tlsBefore(t *testing.T, server *gitserver.Server, certificate tls.Certificate) string {
	t.Helper()
	behind, err := url.Parse(server.URL(""))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) },
	})
	front.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	front.StartTLS()
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}

// proxyTo runs a proxy that connects to one address, whatever name is asked for, and returns its URL.
func proxyTo(t *testing.T, address string) string {
	t.Helper()
	var tunnels sync.WaitGroup
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tunnels.Add(1)
		defer tunnels.Done()
		there, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
		if err != nil {
			http.Error(w, "no way", http.StatusBadGateway)
			return
		}
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			_ = there.Close()
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		var both sync.WaitGroup
		for from, to := range map[net.Conn]net.Conn{here: there, there: here} {
			both.Go(func() {
				_, _ = io.Copy(to, from)
				_ = to.Close()
			})
		}
		both.Wait()
	}))
	t.Cleanup(func() { proxy.Close(); tunnels.Wait() })
	return proxy.URL
}
