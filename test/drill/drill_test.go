// Package drill causes every alert for real: it breaks something of a running system, waits until Prometheus says so,
// mends it, and waits until it is over. It prints how many seconds each took.
package drill

import (
	"flag"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/netboxserver"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/netboxtest"
)

var drilling = flag.Bool("drill", false, "cause the alerts; make drill does")

var only = flag.String("only", "", "a regular expression of what is to go wrong; all does by default")

const (
	branch     = "main"
	username   = "robot"
	password   = "drill"
	repository = "fabrics.git" // of all fabrics but these
	lonely     = "lonely.git"  // of the fabric that is synced every ten seconds

	fabrics = 45 // so many that more than ten wait when all are synced at once
	// What is done with some of them. All others are synced.
	linkedFabric   = 1 // to NetBox
	degradedFabric = 2
	lonelyFabric   = fabrics + 1

	hookSecret  = "a-secret-of-webhooks-nobody-guesses"
	netboxToken = "HEDGEHOG_FGD_NETBOX_TEST"

	longestDrill = 15 * time.Minute
	// patience is for one alert: the fabrics are counted every 30 seconds.
	patience   = 3 * time.Minute
	pollPeriod = 200 * time.Millisecond
	again      = 500 * time.Millisecond
)

// drill is a system that is watched.
type drill struct {
	*system.System
	t      *testing.T
	git    *gitserver.Server
	redis  *system.RedisServer
	store  *redis.Client
	netbox *netboxserver.Server
	watch  *prometheus
	// programs are what the commands of runbooks are.
	programs system.Binaries

	fabrics bridgev1.FabricServiceClient
	held    chan struct{} // while the Git host hangs: what it waits for
}

// TestDrill causes one mishap after the other.
func TestDrill(t *testing.T) {
	if !*drilling {
		t.Skip("make drill runs it")
	}
	began, chosen := time.Now(), regexp.MustCompile(*only)
	d := start(t)
	d.await(d.watch.all, false)
	t.Logf("%-28s %-44s %8s %8s", "alert", "because", "to fire", "to end")
	for _, m := range mishaps() {
		if chosen.MatchString(m.name) {
			d.run(m, nil)
		}
	}
	d.await(d.watch.all, false)
	d.step("FGDServiceDown", "fgd health", "")
	if took := time.Since(began); took > longestDrill {
		t.Errorf("the drill took %s, and may take %s", took, longestDrill)
	}
	t.Logf("%d alerts in %s", len(d.watch.all), time.Since(began).Round(time.Second))
}

// run lets something go wrong, mends it, and says how long each alert took. What is to be done between may be nil.
func (d *drill) run(m mishap, then func(mishap)) {
	d.t.Helper()
	m.cause(d)
	fired := d.during(m)
	if then != nil {
		then(m)
	}
	m.mend(d)
	over := d.await(m.alerts, false)
	for _, alert := range m.alerts {
		d.t.Logf("%-28s %-44s %6.1f s %6.1f s", alert, m.name, fired[alert].Seconds(), over[alert].Seconds())
	}
}

// during does what a mishap does again until its alerts have fired, and returns how long each took.
func (d *drill) during(m mishap) map[string]time.Duration {
	d.t.Helper()
	if m.again == nil {
		return d.await(m.alerts, true)
	}
	ended := make(chan struct{})
	var causing sync.WaitGroup
	causing.Go(func() {
		ticker := time.NewTicker(again)
		defer ticker.Stop()
		for n := 0; ; n++ {
			m.again(d, n)
			select {
			case <-ticker.C:
			case <-ended:
				return
			}
		}
	})
	defer causing.Wait()
	defer close(ended)
	return d.await(m.alerts, true)
}

// await waits until each of some alerts has fired once, or until none does any more, and returns how long each took.
func (d *drill) await(alerts []string, firing bool) map[string]time.Duration {
	d.t.Helper()
	began, took := time.Now(), map[string]time.Duration{}
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for len(took) < len(alerts) {
		now := d.watch.firing(d.t)
		for _, alert := range alerts {
			if _, known := took[alert]; !known && slices.Contains(now, alert) == firing {
				took[alert] = time.Since(began)
			}
		}
		if time.Since(began) > patience {
			d.t.Fatalf("in %s only %v became %v; what fires is %q\n%s", patience, took, firing, now, d.Output())
		}
		<-ticker.C
	}
	return took
}

func start(t *testing.T) *drill {
	t.Helper()
	programs, err := system.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := &drill{
		t: t, git: gitserver.Start(t, gitserver.Options{User: username, Password: password}), redis: system.Redis(t),
		netbox: netboxtest.Start(t), programs: programs,
	}
	d.store = d.redis.Client()
	d.System = programs.Five(t, d.redis.URL(), []string{
		"HEDGEHOG_FGD_SYNC_CONCURRENCY=16", "HEDGEHOG_FGD_SYNC_ATTEMPTS=2", "HEDGEHOG_FGD_BREAKER_PAUSE=5s",
		// a stage waits for a service that is away as long as it may
		"HEDGEHOG_FGD_STAGE_TIMEOUT=30s", "HEDGEHOG_FGD_SYNC_TIMEOUT=40s",
		"HEDGEHOG_FGD_GITHUB_WEBHOOK_SECRET=" + hookSecret,
		netboxToken + "=" + netboxserver.Token, netboxToken + "_HOSTS=" + strings.TrimPrefix(d.netbox.URL, "http://"),
	})
	d.register()
	d.fabrics = bridgev1.NewFabricServiceClient(d.Dial(t))
	d.watch = watch(t, d.Operations)
	return d
}

func (d *drill) register() {
	d.t.Helper()
	files := map[string]string{}
	for i := range fabrics {
		files[directory(i+1)+"/raw/all.yaml"] = fabric.VPC("vpc-1", i+1)
	}
	d.git.Create(d.t, repository, branch, files)
	d.git.Create(d.t, lonely, branch, map[string]string{directory(lonelyFabric) + "/raw/all.yaml": fabric.VPC("vpc-1", 1)})
	for i := range fabrics {
		d.add(i+1, repository, 0)
	}
	d.add(lonelyFabric, lonely, 10)
	d.Call(http.MethodPatch, fmt.Sprintf("/api/v1/fabrics/%d", linkedFabric), map[string]any{"netbox": map[string]any{
		"url": d.netbox.URL, "fabric": d.netbox.AddFabric("fabric-1"), "token_ref": "env:" + netboxToken,
	}}, &struct{}{})
}

func directory(number int) string { return fmt.Sprintf("sites/fabric-%d", number) }

// add registers a fabric, and waits for its first sync.
func (d *drill) add(number int, repository string, interval int) {
	d.t.Helper()
	var registered system.Accepted
	d.Call(http.MethodPost, "/api/v1/fabrics", map[string]any{
		"fabric_id": number, "name": fmt.Sprintf("fabric-%d", number), "repository_url": d.git.URL(repository),
		"branch": branch, "gitops_directory": directory(number), "sync_interval_seconds": interval,
		"credentials": map[string]any{"username": username, "password": password},
	}, &registered)
	if status := d.Ended(registered.SyncID); status.State != "completed" {
		d.t.Fatalf("the first sync of fabric %d: %+v", number, status)
	}
}
