// Package helm holds the chart to what a cluster takes, and to what is asked of everything that runs in one. There is
// no cluster: what the chart makes is looked at.
package helm

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write what the chart makes to deploy/kubernetes")

const (
	folder = "fgd-sync"
	plain  = "../kubernetes/fgd-sync.yaml"
)

// examples are files of values, by the name of what they are for. The first has none: the defaults.
func examples() map[string]string {
	return map[string]string{"minimal": "", "ha": "values-ha.yaml", "sentinel": "values-sentinel.yaml"}
}

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	loaded, err := loader.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func readValues(t *testing.T, file string) chartutil.Values {
	t.Helper()
	if file == "" {
		return chartutil.Values{}
	}
	values, err := chartutil.ReadValuesFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// render returns what the chart makes of values, as a file that kubectl takes. The error is what helm says.
func render(t *testing.T, values chartutil.Values) ([]byte, error) {
	t.Helper()
	loaded := loadChart(t)
	release := chartutil.ReleaseOptions{Name: "fgd-sync", Namespace: "fgd-sync", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(loaded, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(loaded, all)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if filepath.Ext(name) != ".yaml" {
			continue
		}
		for document := range strings.SplitSeq(files[name], "---\n") {
			if text := strings.TrimSpace(document); text != "" {
				out.WriteString("---\n" + text + "\n")
			}
		}
	}
	return out.Bytes(), nil
}

func rendered(t *testing.T, file string) []byte {
	t.Helper()
	text, err := render(t, readValues(t, file))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return text
}

// workload is what runs pods, a Deployment or a StatefulSet.
type workload struct {
	name     string
	replicas int32
	labels   map[string]string
	pod      corev1.PodTemplateSpec
	kept     []corev1.PersistentVolumeClaim // for each pod
}

// serviceMonitor is what is looked at of one of the Prometheus operator.
type serviceMonitor struct {
	APIVersion, Kind string
	Metadata         map[string]any
	Spec             struct {
		Selector  map[string]any
		Endpoints []struct {
			Port, Scheme string
			TLSConfig    map[string]any
			Relabelings  []struct {
				Action, Regex, TargetLabel, Replacement string
				SourceLabels                            []string
			}
		}
	}
}

// objects are what a chart makes, by what they are.
type objects struct {
	workloads  []workload
	services   []corev1.Service
	configMaps []corev1.ConfigMap
	budgets    []policyv1.PodDisruptionBudget
	policies   []networkingv1.NetworkPolicy
	monitors   []serviceMonitor
	rules      []map[string]any // what is in them
	others     []string         // their kinds
}

// parse reads objects. A field that its kind does not have is an error.
func parse(t *testing.T, text []byte) objects {
	t.Helper()
	var out objects
	for document := range bytes.SplitSeq(text, []byte("---\n")) {
		var head struct{ Kind string }
		if err := yaml.Unmarshal(document, &head); err != nil {
			t.Fatalf("%v:\n%s", err, document)
		}
		switch head.Kind {
		case "": // before the first
		case "Deployment":
			one := read[appsv1.Deployment](t, document)
			out.workloads = append(out.workloads, workload{
				name: one.Name, replicas: *one.Spec.Replicas, labels: one.Spec.Selector.MatchLabels, pod: one.Spec.Template,
			})
		case "StatefulSet":
			one := read[appsv1.StatefulSet](t, document)
			out.workloads = append(out.workloads, workload{
				name: one.Name, replicas: *one.Spec.Replicas, labels: one.Spec.Selector.MatchLabels, pod: one.Spec.Template,
				kept: one.Spec.VolumeClaimTemplates,
			})
		case "Service":
			out.services = append(out.services, read[corev1.Service](t, document))
		case "ConfigMap":
			out.configMaps = append(out.configMaps, read[corev1.ConfigMap](t, document))
		case "PodDisruptionBudget":
			out.budgets = append(out.budgets, read[policyv1.PodDisruptionBudget](t, document))
		case "NetworkPolicy":
			out.policies = append(out.policies, read[networkingv1.NetworkPolicy](t, document))
		case "ServiceMonitor":
			out.monitors = append(out.monitors, read[serviceMonitor](t, document))
		case "PrometheusRule":
			rule := read[map[string]any](t, document)
			out.rules = append(out.rules, rule["spec"].(map[string]any))
		default:
			out.others = append(out.others, head.Kind)
		}
	}
	return out
}

func read[T any](t *testing.T, document []byte) T {
	t.Helper()
	var out T
	if err := yaml.UnmarshalStrict(document, &out); err != nil {
		t.Fatalf("%v:\n%s", err, document)
	}
	return out
}

func text(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestHelmFindsNothing: helm lint has nothing to say of the chart, whatever is asked of it.
func TestHelmFindsNothing(t *testing.T) {
	t.Parallel()
	for name, file := range examples() {
		for _, m := range lint.All(folder, readValues(t, file), "fgd-sync", true).Messages {
			if !strings.Contains(m.Err.Error(), "icon is recommended") {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

// TestThePlainFileIsWhatTheChartMakes of its defaults, for those who have no helm.
func TestThePlainFileIsWhatTheChartMakes(t *testing.T) {
	t.Parallel()
	want := append([]byte(`# What the chart in deploy/helm makes of its defaults, for the namespace fgd-sync. Do not edit:
# make lint-deploy HELM_FLAGS=-update writes it.
`), rendered(t, "")...)
	if *update {
		if err := os.WriteFile(plain, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := text(t, plain); got != string(want) {
		t.Errorf("%s is not what the chart makes; run make lint-deploy HELM_FLAGS=-update", plain)
	}
}

// TestWrongValuesAreRefused, with words that say which one is wrong and how.
func TestWrongValuesAreRefused(t *testing.T) {
	t.Parallel()
	for values, want := range map[string][]string{
		"config: {redis_url: 'redis://:p@redis'}":                {"config", "redis_url"},
		"config: {sync_timout: 10m}":                             {"config", "sync_timout"},
		"config: {allow_unauthenticated: true}":                  {"config", "allow_unauthenticated"},
		"services: {bridge: {replicas: 0}}":                      {"services/bridge/replicas", "minimum"},
		"services: {bridge: {replicas: two}}":                    {"services/bridge/replicas", "integer"},
		"services: {bridge: {storage: null}}":                    {"services/bridge", "storage"},
		"services: {ingestion: {storage: {size: 1Gi}}}":          {"services/ingestion", "storage"},
		"services: {directory: {resources: {limits: null}}}":     {"services/directory/resources", "limits"},
		"services: {directory: {certificateSecret: ''}}":         {"services/directory/certificateSecret", "pattern"},
		"services: {reconciler: {replicas: 1}}":                  {"services", "reconciler"},
		"ingress: {enabled: true}":                               {"ingress/host", "minLength"},
		"image: {tag: latest}":                                   {"image/tag", "not"},
		"redis: {url: 'redis://redis'}":                          {"redis", "url"},
		"replicaCount: 2":                                        {"replicaCount"},
		"publicHosts: ['https://fgd.example.com']":               {"publicHosts/0", "pattern"},
		"networkPolicy: {redis: {ports: []}}":                    {"networkPolicy/redis/ports", "minItems"},
		"tracesEndpoint: collector:4317":                         {"tracesEndpoint", "pattern"},
		"services: {github-sync: {resources: {limits: {a: 1}}}}": {"services/github-sync/resources/limits", "a"},
	} {
		parsed, err := chartutil.ReadValues([]byte(values))
		if err != nil {
			t.Fatal(err)
		}
		_, err = render(t, parsed)
		if err == nil {
			t.Errorf("%s is taken", values)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the message does not say %q: %v", values, part, err)
			}
		}
	}
}
