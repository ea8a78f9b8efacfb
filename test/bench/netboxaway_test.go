package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/netboxtest"
)

// tokenName is a variable with the token of a NetBox.
const tokenName = "HEDGEHOG_FGD_NETBOX_BENCH"

// BenchmarkNetBoxAway is a sync of one file that is new, in a fabric whose NetBox answers nobody. Beside it, in turns,
// are a fabric that is linked to none, and one whose NetBox is there.
func BenchmarkNetBoxAway(b *testing.B) {
	const each = 20
	away := httptest.NewServer(nil)
	address := away.Listener.Addr().String()
	away.Close()
	host, there := server(b), netboxtest.Start(b)
	s := programs(b).Up(b, []string{
		tokenName + "=" + netboxserver.Token,
		tokenName + "_HOSTS=" + address + "," + strings.TrimPrefix(there.URL, "http://"),
		"HEDGEHOG_FGD_ALLOW_HTTP=true", "HEDGEHOG_FGD_ALLOWED_PRIVATE_NETWORKS=127.0.0.0/8",
	})
	links := []map[string]any{
		nil,
		{"url": there.URL, "fabric": there.AddFabric("there"), "token_ref": "env:" + tokenName},
		{"url": "http://" + address, "token_ref": "env:" + tokenName},
	}
	for i, link := range links {
		repository := fmt.Sprintf("r%d.git", i)
		host.Create(b, repository, branch, fabric.PreInit(directory))
		body := registration(repository, host.URL(repository))
		if body["fabric_id"] = i + 1; link != nil {
			body["netbox"] = link
		}
		var registered system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics", body, &registered)
		s.Ended(registered.SyncID)
	}
	took := make([][]time.Duration, len(links))
	for round := 0; b.Loop(); round++ {
		for n := range each * len(links) {
			i := n % len(links)
			name := fmt.Sprintf("more-%d-%d", round, n)
			host.Commit(b, fmt.Sprintf("r%d.git", i), branch, map[string]string{
				directory + "/raw/" + name + ".yaml": fabric.VPC(name, n),
			})
			var triggered system.Accepted
			s.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", i+1), map[string]any{}, &triggered)
			status := s.Ended(triggered.SyncID)
			if status.State != "completed" {
				b.Fatalf("status: %+v", status)
			}
			took[i] = append(took[i], status.CompletedAt.Sub(status.AcceptedAt))
		}
	}
	s.Await("the bridge to notice", func() bool { return problemOf(s, 3) != "" && problemOf(s, 2) == "" })
	if there.Changes() == 0 {
		b.Fatal("nothing is delivered to the NetBox that is there")
	}
	for i, name := range []string{"no-link", "there", "away"} {
		report(b, name, took[i])
		b.ReportMetric(milliseconds(took[i][len(took[i])*95/100]), name+"-p95-ms")
	}
}

// problemOf returns why nothing is delivered of a fabric.
func problemOf(s *system.System, fabricID int) string {
	var answer struct{ Delivery struct{ Problem string } }
	s.Call(http.MethodGet, fmt.Sprintf("/api/v1/fabrics/%d/receipts?limit=1", fabricID), nil, &answer)
	return answer.Delivery.Problem
}
