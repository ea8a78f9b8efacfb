package drill

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/netboxserver"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/testkit/gitserver"
)

// mishap is something that goes wrong, and the alerts that say so.
type mishap struct {
	name   string
	alerts []string
	cause  func(*drill)
	again  func(d *drill, n int) // is called every half second until all alerts fire; may be nil
	mend   func(*drill)
}

// mishaps are what goes wrong, in an order in which none disturbs the next.
func mishaps() []mishap {
	return []mishap{
		{
			"the Git host refuses everything",
			[]string{"FGDSyncFailures", "FGDSomeSyncsFail", "FGDComponentUnwell"},
			func(d *drill) { d.git.Break(gitserver.Fault{Status: http.StatusServiceUnavailable}) },
			(*drill).syncAnother, func(d *drill) {
				d.git.Mend()
				d.step("FGDSyncFailures", "fgd sync start fabric-1 --wait", "fabric-3")
			},
		},
		{
			"the Git host hangs",
			[]string{"FGDQueueGrows", "FGDWorkIsOld", "FGDSyncSlow"},
			(*drill).hold, (*drill).syncEach, (*drill).release,
		},
		{
			"ingestion is killed",
			[]string{"FGDServiceDown"},
			func(d *drill) { d.Processes["ingestion"].Kill() }, nil, func(d *drill) {
				d.Restart("ingestion")
				d.step("FGDServiceDown", "fgd health", "")
			},
		},
		{
			"ingestion hangs",
			[]string{"FGDBudgetBurnsFast", "FGDBudgetBurns"},
			func(d *drill) { d.Processes["ingestion"].Signal(syscall.SIGSTOP) },
			(*drill).syncAnother, func(d *drill) {
				d.Processes["ingestion"].Kill()
				d.Restart("ingestion")
				d.step("FGDBudgetBurnsFast", "fgd health", "")
			},
		},
		{
			"the orchestrator is killed",
			[]string{"FGDWebhooksFail"},
			func(d *drill) { d.Processes["orchestrator"].Kill() },
			func(d *drill, n int) { d.announce(hookSecret, fmt.Sprint("pushed-", n)) },
			func(d *drill) {
				d.Restart("orchestrator")
				d.step("FGDWebhooksFail", "fgd sync start fabric-1", "fabric-3")
			},
		},
		{
			"the orchestrator hangs",
			[]string{"FGDCallsFail"},
			func(d *drill) { d.Processes["orchestrator"].Signal(syscall.SIGSTOP) },
			(*drill).askInHaste, func(d *drill) {
				d.Processes["orchestrator"].Kill()
				d.Restart("orchestrator")
				d.step("FGDCallsFail", "fgd health", "")
			},
		},
		{
			"Redis is killed",
			[]string{"FGDRedisDown", "FGDNotReady", "FGDQueueUnknown"},
			func(d *drill) { d.redis.Kill() }, nil, func(d *drill) {
				d.redis.Start()
				d.step("FGDRedisDown", "fgd health", "")
			},
		},
		{
			"an entry of work can't be decoded",
			[]string{"FGDDeadLetters"},
			(*drill).poison, nil, (*drill).forgetDeadLetters,
		},
		{
			"webhooks have another secret",
			[]string{"FGDWebhooksRefused"},
			func(*drill) {}, func(d *drill, n int) { d.announce("another secret", fmt.Sprint("forged-", n)) }, func(*drill) {},
		},
		{
			"NetBox fails",
			[]string{"FGDRecordsUnproven", "FGDRecordsPendingForLong", "FGDDeliveryStuck"},
			(*drill).breakNetBox, nil, func(d *drill) {
				d.netbox.Mend()
				d.step("FGDDeliveryStuck", "fgd netbox deliver fabric-1", "fabric-1")
			},
		},
		{
			"a branch is gone, a document is wrong",
			[]string{"FGDFabricsOverdue", "FGDNoSuccessForLong", "FGDFabricsDegraded"},
			(*drill).takeBranch, nil, (*drill).giveBranch,
		},
		{
			"Prometheus looks for another job",
			[]string{"FGDNothingScraped"},
			func(d *drill) { d.scrape("another-job") }, nil, func(d *drill) { d.scrape("fgd-sync") },
		},
	}
}

// sync asks for a sync of a fabric, and does not wait for it.
func (d *drill) sync(number int) {
	d.Try(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", number), map[string]any{"trigger": "manual"})
}

// syncAnother syncs one of the fabrics that nothing else is done with.
func (d *drill) syncAnother(n int) { d.sync(3 + n%(fabrics-2)) }

// hold lets the Git host answer nobody.
func (d *drill) hold() {
	d.held = make(chan struct{})
	d.git.Break(gitserver.Fault{Hold: d.held})
}

// syncEach syncs one fabric after the other, more than are worked on at the same time, and then lets the Git host
// answer: how long they took is known when they end.
func (d *drill) syncEach(n int) {
	if n < fabrics-2 {
		d.sync(3 + n)
		return
	}
	d.release()
}

func (d *drill) release() {
	d.git.Mend()
	if d.held != nil {
		close(d.held)
		d.held = nil
	}
}

// askInHaste asks for what takes longer than there is time.
func (d *drill) askInHaste(int) {
	ctx, cancel := context.WithTimeout(d.t.Context(), 100*time.Millisecond)
	defer cancel()
	for range 3 {
		_, _ = d.fabrics.ListFabrics(ctx, &bridgev1.ListFabricsRequest{})
	}
}

// poison adds an entry to a stream of work that is none.
func (d *drill) poison() {
	entry := &redis.XAddArgs{Stream: events.WorkStream(0), Values: []any{events.Field, "no entry"}}
	if err := d.store.XAdd(d.t.Context(), entry).Err(); err != nil {
		d.t.Fatal(err)
	}
}

// forgetDeadLetters takes out what can't be decoded, as the runbook says.
func (d *drill) forgetDeadLetters() {
	letters, err := d.store.XRange(d.t.Context(), events.DeadLetterStream(0), "-", "+").Result()
	if err != nil || len(letters) != 1 {
		d.t.Fatalf("the dead letters are %v, %v", letters, err)
	}
	d.step("FGDDeadLetters", "redis-cli -e -u URL XDEL 'fgd:{0}:dead-letters' ENTRY", "",
		"URL", strings.Replace(d.redis.URL(), "//:", "//default:", 1), "ENTRY", letters[0].ID)
}

// announce tells the bridge, as GitHub does, that somebody has pushed.
func (d *drill) announce(secret, id string) {
	body := fmt.Sprintf(`{"ref":"refs/heads/%s","before":"1","after":"2","pusher":{"name":"ada"},
		"commits":[{"modified":["%s/raw/x.yaml"]}],"repository":{"clone_url":"%s"}}`, branch, directory(3),
		d.git.URL(repository))
	sum := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(sum, body)
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.Base+"/webhooks/github",
		strings.NewReader(body))
	if err != nil {
		d.t.Error(err)
		return
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": id,
		"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(sum.Sum(nil)),
	} {
		request.Header.Set(name, value)
	}
	if response, err := d.Client().Do(request); err == nil {
		_ = response.Body.Close()
	}
}

// breakNetBox changes a document while NetBox fails.
func (d *drill) breakNetBox() {
	d.netbox.Break(netboxserver.Fault{Status: http.StatusServiceUnavailable})
	d.git.Commit(d.t, repository, branch, map[string]string{
		directory(linkedFabric) + "/raw/more.yaml": fabric.VPC("vpc-2", 2),
	})
	d.sync(linkedFabric)
}

// takeBranch lets the branch of a fabric be gone that syncs by itself, and commits to another one what is no resource.
func (d *drill) takeBranch() {
	d.git.Git(d.t, lonely, "branch", "-m", branch, "away")
	d.git.Commit(d.t, repository, branch, map[string]string{
		directory(degradedFabric) + "/raw/wrong.yaml": strings.Replace(fabric.VPC("vpc-9", 9), "vlan: ", "vlan: many", 1),
	})
	d.sync(degradedFabric)
}

func (d *drill) giveBranch() {
	d.git.Git(d.t, lonely, "branch", "-m", "away", branch)
	d.git.Commit(d.t, repository, branch, map[string]string{
		directory(degradedFabric) + "/unmanaged/wrong.yaml": gitserver.Removed,
	})
	d.step("FGDFabricsDegraded", "fgd sync start fabric-1 --wait", fmt.Sprint("fabric-", degradedFabric))
	d.step("FGDFabricsOverdue", "fgd sync start fabric-1 --wait", fmt.Sprint("fabric-", lonelyFabric))
}

// scrape has Prometheus look at the system as a job of a name.
func (d *drill) scrape(job string) {
	d.watch.scrape(d.t, job)
	if err := d.watch.command.Process.Signal(syscall.SIGHUP); err != nil {
		d.t.Error(err)
	}
}
