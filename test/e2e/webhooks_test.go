package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

const hookSecret = "a-secret-of-webhooks-nobody-guesses"

// announced is a system that a Git host tells of pushes.
type announced struct {
	*host
	*system.System
	t *testing.T
}

// announce starts a system with the fabric 35, which is synced.
func announce(t *testing.T, how division) *announced {
	t.Helper()
	a := &announced{host: newHost(t, fabric.PreInit(directory)), t: t}
	a.System = how(programs, t, system.Redis(t).URL(), []string{"HEDGEHOG_FGD_GITHUB_WEBHOOK_SECRET=" + hookSecret})
	definition, registered := a.fabric(), system.Accepted{}
	definition["fabric_id"] = 35
	a.Call(http.MethodPost, "/api/v1/fabrics", definition, &registered)
	a.requireIngested(a.Ended(registered.SyncID))
	return a
}

// deliver posts what GitHub does of a push, and gives what is answered.
func (a *announced) deliver(id string) string {
	a.t.Helper()
	body := fmt.Sprintf(`{"ref":"refs/heads/%s","before":"1","after":"%s","pusher":{"name":"ada"},
		"commits":[{"modified":["%s/raw/%s.yaml"]}],"repository":{"clone_url":"%s"}}`, branch, id, directory, id, a.url())
	sum := hmac.New(sha256.New, []byte(hookSecret))
	_, _ = io.WriteString(sum, body)
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, a.Base+"/webhooks/github",
		strings.NewReader(body))
	if err != nil {
		a.t.Error(err)
		return ""
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": id,
		"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(sum.Sum(nil)),
	} {
		request.Header.Set(name, value)
	}
	response, err := a.Client().Do(request)
	if err != nil {
		a.t.Error(err)
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Error(err)
	}
	return string(answer)
}

func (a *announced) requireAccepted(id string) {
	a.t.Helper()
	if answer := a.deliver(id); !strings.Contains(answer, `"status":"accepted"`) {
		a.t.Errorf("%s: %s", id, answer)
	}
}

// syncsFor are the syncs that a log says were started for deliveries, by the ids of these.
func (a *announced) syncsFor(log string) map[string]string {
	a.t.Helper()
	started := map[string]string{}
	for text := range strings.Lines(log) {
		var line struct {
			Msg     string
			ID      string   `json:"delivery_id"`
			SyncIDs []string `json:"sync_ids"`
		}
		if json.Unmarshal([]byte(text), &line) == nil && line.Msg == "webhook worked off" && len(line.SyncIDs) == 1 {
			started[line.ID] = line.SyncIDs[0]
		}
	}
	return started
}

// TestAnAnsweredDeliveryIsDone: the process is told to end as soon as deliveries are answered. Each has its sync, which
// ends well when the process is there again.
func TestAnAnsweredDeliveryIsDone(t *testing.T) {
	t.Parallel()
	for bridge, how := range map[string]division{"fgd": system.Binaries.One, "bridge": system.Binaries.Five} {
		t.Run(bridge, func(t *testing.T) {
			t.Parallel()
			a := announce(t, how)
			const many = 50
			var hosts sync.WaitGroup
			for i := range many {
				hosts.Go(func() { a.requireAccepted(fmt.Sprint("push-", i)) })
			}
			hosts.Wait()
			ended := a.Processes[bridge]
			ended.Stop()
			started := a.syncsFor(ended.Output())
			if len(started) != many {
				t.Errorf("%d of %d deliveries were worked off:\n%s", len(started), many, ended.Output())
			}
			a.Restart(bridge)
			a.AwaitReady()
			for id, syncID := range started {
				if status := a.Ended(syncID); status.State != "completed" || status.Trigger != "webhook" {
					t.Errorf("%s: %+v", id, status)
				}
			}
		})
	}
}

// TestNoDeliveryWaitsForTheGitHost: deliveries are answered while the Git host says nothing to anybody.
func TestNoDeliveryWaitsForTheGitHost(t *testing.T) {
	t.Parallel()
	for bridge, how := range map[string]division{"fgd": system.Binaries.One, "bridge": system.Binaries.Five} {
		t.Run(bridge, func(t *testing.T) {
			t.Parallel()
			a := announce(t, how)
			gate, began := make(chan struct{}), make(chan struct{}, 1)
			a.Break(gitserver.Fault{Hold: gate, Held: began})
			a.requireAccepted("first")
			<-began // the sync for it waits for the host, and so would whoever asks the host
			for i := range 10 {
				a.requireAccepted(fmt.Sprint("more-", i))
			}
			a.Await("all to be worked off while the host is silent", func() bool {
				return len(a.syncsFor(a.Processes[bridge].Output())) == 11
			})
			close(gate)
			a.Mend()
			for id, syncID := range a.syncsFor(a.Processes[bridge].Output()) {
				if status := a.Ended(syncID); status.State != "completed" {
					t.Errorf("%s: %+v", id, status)
				}
			}
		})
	}
}
