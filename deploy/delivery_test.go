package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// notification is what Alertmanager tells a receiver.
type notification struct {
	Receiver string
	Alerts   []struct {
		Status              string
		Labels, Annotations map[string]string
	}
}

// listen returns the address of a receiver, and what it is told.
func listen(t *testing.T) (address string, told <-chan notification) {
	t.Helper()
	all := make(chan notification, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n notification
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		all <- n
	}))
	t.Cleanup(server.Close)
	return server.URL, all
}

// alertmanager runs a real one with our configuration until the test ends, and returns where it is. Its receivers are
// the one at an address, and it does not let them wait.
func alertmanager(t *testing.T, receiver string) string {
	t.Helper()
	config := read(t, "alertmanager/alertmanager.yml")
	for _, r := range config["receivers"].([]any) {
		r.(map[string]any)["webhook_configs"] = []any{map[string]any{"url": receiver, "send_resolved": true}}
	}
	hurry(config["route"].(map[string]any))
	address, folder := free(t), t.TempDir()
	background(t, "prometheus-alertmanager", "--config.file="+write(t, folder, "alertmanager.yml", config),
		"--storage.path="+folder, "--web.listen-address="+address, "--cluster.listen-address=")
	await(t, "Alertmanager", func() bool { return answers("http://" + address + "/-/ready") })
	return address
}

// hurry has a route, and those in it, wait for a second at most.
func hurry(route map[string]any) {
	for _, key := range []string{"group_wait", "group_interval"} {
		route[key] = "1s"
	}
	inner, _ := route["routes"].([]any)
	for _, r := range inner {
		hurry(r.(map[string]any))
	}
}

// TestAnOutageIsTold: a Prometheus sees that a service is away, under two names. One message says so of both, with
// where to read what to do, and another one that it is over.
func TestAnOutageIsTold(t *testing.T) {
	t.Parallel()
	receiver, told := listen(t)
	_, port, _ := net.SplitHostPort(free(t))
	targets := []string{"127.0.0.1:" + port, "localhost:" + port}
	service := up(t, targets[0])
	prometheus := prometheus(t, alertmanager(t, receiver), targets)
	await(t, "Prometheus to see the service", func() bool {
		return value(t, prometheus, `sum(up{job="fgd-sync"})`) == "2"
	})
	service.stop()
	both := seen(told, "firing", func(found map[string]notification) bool { return len(found) == 2 })
	for _, target := range targets {
		n := both[target]
		if n.Receiver != "on-call" || len(n.Alerts) != 2 {
			t.Errorf("of %s it was told %+v", target, n)
		}
	}
	if where := both[targets[0]].Alerts[0].Annotations["runbook_url"]; !strings.HasSuffix(where, "/FGDServiceDown.md") {
		t.Errorf("what to do is at %q", where)
	}
	up(t, targets[0])
	seen(told, "resolved", func(found map[string]notification) bool { return len(found) == 2 })
}

// seen waits until enough was told of instances of FGDServiceDown in a state, and returns what was told of each last.
func seen(told <-chan notification, status string, enough func(map[string]notification) bool) map[string]notification {
	found := map[string]notification{}
	for !enough(found) {
		n := <-told
		for _, alert := range n.Alerts {
			if alert.Labels["alertname"] == "FGDServiceDown" && alert.Status == status {
				found[alert.Labels["instance"]] = n
			}
		}
	}
	return found
}

// prometheus runs a real one with our rules until the test ends, and returns where it is. It looks each second, and
// says at once that a service is away.
func prometheus(t *testing.T, alertmanager string, targets []string) string {
	t.Helper()
	config, rules := read(t, "prometheus/prometheus.yml"), read(t, "prometheus/alerts.yml")
	config["global"] = map[string]any{"scrape_interval": "1s", "evaluation_interval": "1s"}
	config["alerting"] = map[string]any{"alertmanagers": []any{at(alertmanager)}}
	scrape := at(targets...)
	scrape["job_name"] = "fgd-sync"
	config["scrape_configs"] = []any{scrape}
	for _, group := range rules["groups"].([]any) {
		for _, r := range group.(map[string]any)["rules"].([]any) {
			if rule := r.(map[string]any); rule["alert"] == "FGDServiceDown" {
				rule["for"] = "0s"
			}
		}
	}
	address, folder := free(t), t.TempDir()
	write(t, folder, "alerts.yml", rules)
	background(t, "prometheus", "--config.file="+write(t, folder, "prometheus.yml", config), "--log.level=warn",
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+address)
	await(t, "Prometheus", func() bool { return answers("http://" + address + "/-/ready") })
	return address
}

// at is how a configuration of Prometheus names addresses.
func at(targets ...string) map[string]any {
	return map[string]any{"static_configs": []any{map[string]any{"targets": targets}}}
}

// value returns what a query comes to; empty when that is nothing.
func value(t *testing.T, prometheus, query string) string {
	t.Helper()
	var answer struct {
		Data struct{ Result []struct{ Value []any } }
	}
	get(t, "http://"+prometheus+"/api/v1/query?query="+url.QueryEscape(query), &answer)
	if len(answer.Data.Result) == 0 {
		return ""
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}

// alert is what Prometheus tells Alertmanager.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	EndsAt      time.Time         `json:"endsAt"`
}

// tell tells Alertmanager that alerts fire, or that they do not any more.
func tell(t *testing.T, address string, firing bool, alerts ...alert) {
	t.Helper()
	for i := range alerts {
		alerts[i].EndsAt = time.Now()
		if firing {
			alerts[i].EndsAt = time.Now().Add(time.Hour)
		}
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post("http://"+address+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("Alertmanager answers %s", response.Status)
	}
}

// TestEveryAlertArrives at the receiver of its severity, and so does its end.
func TestEveryAlertArrives(t *testing.T) {
	t.Parallel()
	receiver, told := listen(t)
	address := alertmanager(t, receiver)
	receivers := map[string]string{"critical": "on-call", "warning": "team", "info": "journal"}
	waves := map[string][]alert{}
	for _, rule := range alerts(t) {
		wave := rule.Labels["severity"]
		if rule.Alert == "FGDRedisDown" { // which lets nobody be told of others
			wave = "the last"
		}
		labels := map[string]string{"alertname": rule.Alert, "severity": rule.Labels["severity"]}
		waves[wave] = append(waves[wave], alert{Labels: labels, Annotations: rule.Annotations})
	}
	for _, wave := range []string{"info", "warning", "critical", "the last"} {
		for _, firing := range []bool{true, false} {
			tell(t, address, firing, waves[wave]...)
			missing := map[string]bool{}
			for _, a := range waves[wave] {
				missing[a.Labels["alertname"]] = true
			}
			for len(missing) > 0 {
				n := <-told
				for _, got := range n.Alerts {
					if (got.Status == "firing") == firing {
						delete(missing, got.Labels["alertname"])
					}
					if want := receivers[got.Labels["severity"]]; n.Receiver != want {
						t.Errorf("%s is told %s, and not %s", n.Receiver, got.Labels["alertname"], want)
					}
				}
			}
		}
	}
}

// known is what Alertmanager says of an alert.
type known struct {
	Labels map[string]string
	Status struct{ State string }
}

// TestNobodyIsToldTwice: of one trouble, and of what follows from it, the most urgent is told.
func TestNobodyIsToldTwice(t *testing.T) {
	t.Parallel()
	receiver, _ := listen(t)
	address := alertmanager(t, receiver)
	for _, c := range []struct {
		first, second string
		told          bool
	}{
		{"FGDRedisDown", "FGDFabricsDegraded", false},
		{"FGDSyncSlow", "FGDFabricsDegraded", true},
		{"FGDServiceDown", "FGDDeadLetters", true},
		{"FGDSyncFailures", "FGDSomeSyncsFail", false},
		{"FGDBudgetBurnsFast", "FGDBudgetBurns", false},
		{"FGDNoSuccessForLong", "FGDFabricsOverdue", false},
		{"FGDRecordsPendingForLong", "FGDRecordsUnproven", false},
		{"FGDRedisDown", "FGDQueueUnknown", false},
		{"FGDRedisDown", "FGDNotReady", false},
		{"FGDBudgetBurnsFast", "FGDNotReady", true},
	} {
		pair := []alert{{Labels: labelsOf(t, c.first)}, {Labels: labelsOf(t, c.second)}}
		tell(t, address, true, pair...)
		var all []known
		get(t, "http://"+address+"/api/v2/alerts", &all)
		i := slices.IndexFunc(all, func(k known) bool { return k.Labels["alertname"] == c.second })
		if i < 0 || (all[i].Status.State != "suppressed") != c.told {
			t.Errorf("beside %s, %s is told: not %v: %+v", c.first, c.second, c.told, all)
		}
		tell(t, address, false, pair...)
	}
}

func labelsOf(t *testing.T, name string) map[string]string {
	t.Helper()
	all := alerts(t)
	i := slices.IndexFunc(all, func(r rule) bool { return r.Alert == name })
	if i < 0 {
		t.Fatalf("there is no alert %s", name)
	}
	return map[string]string{"alertname": name, "severity": all[i].Labels["severity"], "service": "orchestrator"}
}
