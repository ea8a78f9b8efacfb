package helm

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/yannh/kubeconform/pkg/validator"
)

// conform returns what kubeconform, when it is strict, finds in objects, by the schemas of this folder.
func conform(t *testing.T, made []byte) (found []string, kinds []string) {
	t.Helper()
	strict, err := validator.New([]string{"schemas/{{.ResourceKind}}{{.KindSuffix}}.json"}, validator.Opts{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, result := range strict.Validate("made.yaml", io.NopCloser(bytes.NewReader(made))) {
		switch result.Status {
		case validator.Empty:
		case validator.Valid:
			signature, err := result.Resource.Signature()
			if err != nil {
				t.Fatal(err)
			}
			seen[signature.Kind] = true
		default:
			found = append(found, result.Err.Error())
		}
	}
	return found, slices.Sorted(maps.Keys(seen))
}

// TestAClusterTakesIt: every object is of its kind, with no field that it does not have.
func TestAClusterTakesIt(t *testing.T) {
	t.Parallel()
	all := map[string]bool{}
	for name, file := range examples() {
		found, kinds := conform(t, rendered(t, file))
		for _, problem := range found {
			t.Errorf("%s: %s", name, problem)
		}
		for _, kind := range kinds {
			all[kind] = true
		}
	}
	want := []string{
		"ConfigMap", "Deployment", "Ingress", "NetworkPolicy", "PodDisruptionBudget", "PrometheusRule", "Service",
		"ServiceMonitor", "StatefulSet",
	}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Errorf("looked at %q, not at %q", got, want)
	}
}

// TestWhatNoClusterTakesIsSeen: a field that is not there, a value of another type, a kind that nobody knows.
func TestWhatNoClusterTakesIsSeen(t *testing.T) {
	t.Parallel()
	made := string(rendered(t, "values-ha.yaml"))
	for right, wrong := range map[string]string{
		"containerPort: 9094":     "containerPortt: 9094",
		"replicas: 3":             `replicas: "three"`,
		"readOnlyRootFilesystem:": "readOnlyRootFilesytem:",
		"maxUnavailable: 1":       "maxUnavailable: [1]",
		"pathType: Prefix":        "pathTyp: Prefix",
		"targetLabel: job":        "targetLabl: job",
		"alert: FGDRedisDown":     "alarm: FGDRedisDown",
		"policyTypes:":            "policyType:",
		"clusterIP: None":         "clusterIP: 1",
		"fgd.yaml: |":             "fgd.yaml: 1 #",
		"kind: Ingress":           "kind: Egress",
	} {
		if !strings.Contains(made, right) {
			t.Fatalf("there is no %s", right)
		}
		if found, _ := conform(t, []byte(strings.ReplaceAll(made, right, wrong))); len(found) == 0 {
			t.Errorf("%s is taken", wrong)
		}
	}
}
