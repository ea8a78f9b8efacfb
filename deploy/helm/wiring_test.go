package helm

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// services are those of the system, by the port at which others call them.
func services() map[string]string {
	return map[string]string{
		"9090": "bridge", "9091": "orchestrator", "9092": "ingestion", "9093": "directory", "9094": "github-sync",
	}
}

// called are the services that each service calls, as its code has it.
func called(t *testing.T) map[string][]string {
	t.Helper()
	peer := regexp.MustCompile(`\{Name: \S+, Address: "127\.0\.0\.1:(\d+)"\}`)
	out := map[string][]string{}
	for _, name := range services() {
		out[name] = []string{}
		files, err := filepath.Glob("../../services/" + name + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			for _, match := range peer.FindAllStringSubmatch(text(t, file), -1) {
				if !strings.HasSuffix(file, "_test.go") {
					out[name] = append(out[name], services()[match[1]])
				}
			}
		}
		slices.Sort(out[name])
	}
	if len(out["bridge"]) != 4 {
		t.Fatalf("read %v", out)
	}
	return out
}

// settings are the keys of the configuration, with whether they hold a secret.
func settings(t *testing.T) map[string]bool {
	t.Helper()
	var sample map[string]any
	if err := yaml.Unmarshal([]byte(text(t, "../../libs/config/fgd.yaml")), &sample); err != nil {
		t.Fatal(err)
	}
	secrets := map[string]bool{}
	for _, name := range services() {
		source := text(t, "../../services/"+name+"/config.go")
		for line := range strings.Lines(source) {
			key := regexp.MustCompile(`koanf:"(\w+)"`).FindStringSubmatch(line)
			if key != nil && (strings.Contains(line, "secret.String") || strings.Contains(line, `secret:"yes"`)) {
				secrets[key[1]] = true
			}
		}
	}
	if !secrets["redis_url"] || !secrets["github_webhook_secret"] {
		t.Fatalf("secret are %v", secrets)
	}
	out := map[string]bool{}
	for key := range sample {
		out[key] = secrets[key]
	}
	return out
}

// variables are those of a container, by the key of the configuration that each one sets.
func variables(c corev1.Container) map[string]corev1.EnvVar {
	out := map[string]corev1.EnvVar{}
	for _, v := range c.Env {
		if key, ours := strings.CutPrefix(v.Name, "HEDGEHOG_FGD_"); ours {
			out[strings.ToLower(key)] = v
		}
	}
	return out
}

// TestEveryVariableIsRead: what the chart sets is a key of the configuration, and a secret comes from a secret.
func TestEveryVariableIsRead(t *testing.T) {
	t.Parallel()
	known := settings(t)
	for name, file := range examples() {
		for _, w := range parse(t, rendered(t, file)).workloads {
			for key, v := range variables(w.pod.Spec.Containers[0]) {
				secret, is := known[key]
				if !is {
					t.Errorf("%s, %s: nothing reads %s", name, w.name, v.Name)
				}
				if secret != (v.ValueFrom != nil && v.ValueFrom.SecretKeyRef != nil) {
					t.Errorf("%s, %s: %s is a secret: %t; it comes from %v", name, w.name, v.Name, secret, v.ValueFrom)
				}
			}
		}
	}
}

// TestOneConfigurationHasNoSecret: it may have every key of the sample but for those that hold secrets, those that the
// chart sets, and that which opens the system to everybody.
func TestOneConfigurationHasNoSecret(t *testing.T) {
	t.Parallel()
	var schema struct {
		Properties struct {
			Config struct {
				Properties           map[string]bool
				AdditionalProperties *bool
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text(t, "fgd-sync/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	want := settings(t)
	maps.DeleteFunc(want, func(_ string, secret bool) bool { return secret })
	delete(want, "allow_unauthenticated")
	for _, file := range examples() {
		for _, w := range parse(t, rendered(t, file)).workloads {
			for key := range variables(w.pod.Spec.Containers[0]) {
				delete(want, key)
			}
		}
	}
	config := schema.Properties.Config
	got, keys := slices.Sorted(maps.Keys(config.Properties)), slices.Sorted(maps.Keys(want))
	if !slices.Equal(got, keys) || config.AdditionalProperties == nil || *config.AdditionalProperties {
		t.Errorf("values.schema.json lets config have\n%q, and it is to have\n%q", got, keys)
	}
}

// TestServicesFindEachOther: each has the addresses of those that it calls, which are services of all their replicas,
// at the ports at which they listen.
func TestServicesFindEachOther(t *testing.T) {
	t.Parallel()
	calls := called(t)
	for name, file := range examples() {
		o := parse(t, rendered(t, file))
		for _, w := range o.workloads {
			c := w.pod.Spec.Containers[0]
			env := variables(c)
			for _, peer := range calls[c.Name] {
				address := env[strings.ReplaceAll(peer, "-", "_")+"_address"].Value
				if !slices.ContainsFunc(o.services, func(s corev1.Service) bool { return serves(s, address, peer) }) {
					t.Errorf("%s: %s looks for %s at %q", name, c.Name, peer, address)
				}
			}
			for _, port := range c.Ports {
				if got := env[port.Name+"_listen"].Value; got != fmt.Sprint(":", port.ContainerPort) {
					t.Errorf("%s: %s listens for %s at %q", name, c.Name, port.Name, got)
				}
			}
		}
	}
}

// serves reports whether a service has all replicas of a service of the system at an address.
func serves(s corev1.Service, address, component string) bool {
	return s.Spec.ClusterIP == corev1.ClusterIPNone && s.Spec.Selector["app.kubernetes.io/component"] == component &&
		address == fmt.Sprint(s.Name, ":", s.Spec.Ports[0].Port) && s.Spec.Ports[0].TargetPort.StrVal == "grpc"
}

// TestNobodyElseIsCalled: policies let services call those that they call, at the port of gRPC, and no other; each side
// has to let the other.
func TestNobodyElseIsCalled(t *testing.T) {
	t.Parallel()
	calls := called(t)
	o := parse(t, rendered(t, "values-ha.yaml"))
	from, to := map[string][]string{}, map[string][]string{}
	for _, policy := range o.policies {
		own := policy.Spec.PodSelector.MatchLabels["app.kubernetes.io/component"]
		for _, rule := range policy.Spec.Egress {
			for _, peer := range components(rule.To) {
				to[own] = append(to[own], atItsPort(t, peer, rule.Ports))
			}
		}
		for _, rule := range policy.Spec.Ingress {
			for _, peer := range components(rule.From) {
				from[peer] = append(from[peer], atItsPort(t, own, rule.Ports))
			}
		}
	}
	for name, want := range calls {
		slices.Sort(to[name])
		slices.Sort(from[name])
		if !slices.Equal(to[name], want) || !slices.Equal(from[name], want) {
			t.Errorf("%s calls %q; it is let out to %q, and in by %q", name, want, to[name], from[name])
		}
	}
}

// components are the services that peers of a policy are.
func components(peers []networkingv1.NetworkPolicyPeer) []string {
	var out []string
	for _, peer := range peers {
		if peer.PodSelector != nil && peer.PodSelector.MatchLabels["app.kubernetes.io/component"] != "" {
			out = append(out, peer.PodSelector.MatchLabels["app.kubernetes.io/component"])
		}
	}
	return out
}

// atItsPort returns a service that is called at its port, and at no other.
func atItsPort(t *testing.T, service string, ports []networkingv1.NetworkPolicyPort) string {
	t.Helper()
	if len(ports) != 1 || services()[fmt.Sprint(ports[0].Port.IntVal)] != service {
		t.Errorf("%s is called at %v", service, ports)
	}
	return service
}

// TestTheBridgeAnswersByItsNames: those of its service, of the ingress, and what else was said.
func TestTheBridgeAnswersByItsNames(t *testing.T) {
	t.Parallel()
	for file, name := range map[string]string{
		"": "fgd-sync-bridge.fgd-sync.svc", "values-ha.yaml": "fgd.example.com", "values-sentinel.yaml": "fgd.example.com",
	} {
		o := parse(t, rendered(t, file))
		env := variables(o.workloads[0].pod.Spec.Containers[0])
		if hosts := strings.Split(env["public_hosts"].Value, ","); !slices.Contains(hosts, name) ||
			!slices.Contains(hosts, "fgd-sync-bridge") {
			t.Errorf("%s: the bridge answers by %q", file, hosts)
		}
	}
}

// TestAlertsKnowTheJob: what is scraped is called what the alerts call it, and the alerts are those of the project. A
// bridge that speaks TLS is asked by it.
func TestAlertsKnowTheJob(t *testing.T) {
	t.Parallel()
	for file, endpoints := range map[string]int{"values-ha.yaml": 1, "values-sentinel.yaml": 2} {
		o := parse(t, rendered(t, file))
		if len(o.monitors) != 1 || len(o.monitors[0].Spec.Endpoints) != endpoints {
			t.Fatalf("%s: scraped are %+v", file, o.monitors)
		}
		for _, endpoint := range o.monitors[0].Spec.Endpoints {
			last := endpoint.Relabelings[len(endpoint.Relabelings)-1]
			if last.TargetLabel != "job" || last.Replacement != "fgd-sync" {
				t.Errorf("%s: the job of %s is not that of the alerts", file, endpoint.Port)
			}
		}
	}
	alerts := text(t, "../prometheus/alerts.yml")
	if !strings.Contains(alerts, `up{job="fgd-sync"}`) {
		t.Error("the alerts have another job")
	}
	o := parse(t, rendered(t, "values-ha.yaml"))
	var want map[string]any
	if err := yaml.Unmarshal([]byte(alerts), &want); err != nil {
		t.Fatal(err)
	}
	if len(o.rules) != 1 || want["groups"] == nil || !reflect.DeepEqual(o.rules[0], want) {
		t.Error("the chart has other alerts than the project")
	}
}

// TestThePageMakesEverySecret that the defaults name, with the files that are read of it.
func TestThePageMakesEverySecret(t *testing.T) {
	t.Parallel()
	_, page, _ := strings.Cut(text(t, "../../docs/operations.md"), "## On Kubernetes")
	page, _, _ = strings.Cut(page, "\n## ")
	makes := func(service, secret string, files ...string) {
		t.Helper()
		made := strings.ReplaceAll(page, "$service", service)
		for _, file := range files {
			if !regexp.MustCompile(`create secret generic ` + secret + ` .*` + file).MatchString(made) {
				t.Errorf("the page does not make %s with %s", secret, file)
			}
		}
	}
	for _, w := range parse(t, rendered(t, "")).workloads {
		service := w.pod.Spec.Containers[0].Name
		for _, v := range w.pod.Spec.Volumes {
			if v.Secret == nil {
				continue
			}
			files := []string{"--from-file=certs/" + service}
			if v.Name == "keys" {
				files = nil
				for _, item := range v.Secret.Items {
					files = append(files, "--from-file="+item.Key)
				}
			}
			makes(service, v.Secret.SecretName, files...)
		}
		for _, v := range w.pod.Spec.Containers[0].Env {
			if v.ValueFrom != nil {
				makes(service, v.ValueFrom.SecretKeyRef.Name, "--from-literal="+v.ValueFrom.SecretKeyRef.Key+"=")
			}
		}
	}
}
