package netbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// whole are the kinds of which the plugin has all pages, misnamed those of which NetBox finds none (Q2).
func whole() []string {
	return []string{
		"vpcs", "connections", "servers", "switches", "switch-groups", "ipv4-namespaces", "vlan-namespaces",
	}
}

func misnamed() []string {
	return []string{"externals", "external-attachments", "external-peerings", "vpc-attachments", "vpc-peerings"}
}

// TestTheLab: what runs is what is said to run.
func TestTheLab(t *testing.T) {
	t.Parallel()
	takesLong(t)
	n := start(t)
	status := n.ask("GET", "/api/status/", nil)
	plugins, _ := status.fields["plugins"].(map[string]any)
	if status.fields["netbox-version"] != shared.Version || plugins["netbox_hedgehog"] == nil {
		t.Errorf("NetBox %s is %s", shared.Version, status.raw)
	}
}

// TestQuirks holds what is odd about the plugin on the real NetBox: the stand-in shows it with plain HTTP.
func TestQuirks(t *testing.T) {
	t.Parallel()
	takesLong(t)
	n := start(t, asItIs())
	fabric := n.fabric("quirks")
	for name, quirk := range map[string]func(*netbox, int){
		"Q1": (*netbox).unordered, "Q2": (*netbox).unnamed, "Q3": (*netbox).unfiltered, "Q4": (*netbox).emptySpec,
		"Q5": (*netbox).duplicate, "Q6": (*netbox).names, "Q7": (*netbox).replaced,
	} {
		t.Run(name, func(t *testing.T) {
			quirk(&netbox{n.NetBox, t}, fabric)
		})
	}
	t.Run("Q8", func(t *testing.T) { (&netbox{n.NetBox, t}).cascade() })
}

// unordered (Q1): no kind can be listed without an order; fabrics can.
func (n *netbox) unordered(fabric int) {
	for _, kind := range append(whole(), misnamed()...) {
		if got := n.must(http.StatusInternalServerError, "GET", kind+"/?fields=id", nil); !strings.Contains(got.raw,
			"QuerySetNotOrdered") {
			n.t.Errorf("%s: %s", kind, got.raw)
		}
		n.must(http.StatusOK, "GET", kind+"/?ordering=id&fields=id", nil)
	}
	n.must(http.StatusOK, "GET", "fabrics/?fields=id", nil)
}

// unnamed (Q2): records of some kinds can't be shown whole. They are made, and then it is said that they were not; they
// can't be deleted.
func (n *netbox) unnamed(fabric int) {
	for _, kind := range misnamed() {
		body := record(fabric, "unnamed", map[string]any{"a": 1})
		n.must(http.StatusInternalServerError, "POST", kind+"/", body)
		found := n.one(kind, fabric, "unnamed")
		one := fmt.Sprintf("%s/%d/", kind, found)
		n.must(http.StatusInternalServerError, "GET", one, nil)
		n.must(http.StatusOK, "GET", one+"?"+fields, nil)
		n.must(http.StatusOK, "PATCH", one+"?"+fields, map[string]any{"spec": map[string]any{"a": 2}})
		n.must(http.StatusInternalServerError, "DELETE", one, nil)
		n.must(http.StatusOK, "GET", one+"?"+fields, nil)
	}
	for _, kind := range whole() {
		made := n.must(http.StatusCreated, "POST", kind+"/", record(fabric, "named", map[string]any{"a": 1}))
		n.must(http.StatusNoContent, "DELETE", fmt.Sprintf("%s/%d/", kind, made.id()), nil)
	}
}

// one returns the number of a record, by a list of all: nothing can be filtered.
func (n *netbox) one(kind string, fabric int, name string) int {
	n.t.Helper()
	list := n.must(http.StatusOK, "GET", kind+"/?ordering=id&limit=1000&"+fields, nil)
	results, _ := list.fields["results"].([]any)
	for _, result := range results {
		found, _ := result.(map[string]any)
		if found["fabric"] == float64(fabric) && found["name"] == name {
			return int(found["id"].(float64)) //nolint:forcetypeassert // JSON has no other numbers
		}
	}
	n.t.Fatalf("no %s is called %s: %s", kind, name, list.raw)
	return 0
}

// unfiltered (Q3): what is asked for does not count.
func (n *netbox) unfiltered(fabric int) {
	n.must(http.StatusCreated, "POST", "servers/?"+fields, record(fabric, "q3", map[string]any{"a": 1}))
	query := fmt.Sprintf("?fabric=%d&name=none&ordering=id&fields=id", fabric+1000)
	list := n.must(http.StatusOK, "GET", "servers/"+query, nil)
	if list.fields["count"] == 0.0 {
		n.t.Errorf("filters count: %s", list.raw)
	}
}

// emptySpec (Q4): a resource without a spec can't be a record.
func (n *netbox) emptySpec(fabric int) {
	got := n.must(http.StatusBadRequest, "POST", "switch-groups/?"+fields, record(fabric, "q4", map[string]any{}))
	if want := `{"spec":["This field cannot be blank."]}`; got.raw != want {
		n.t.Errorf("got %s", got.raw)
	}
}

// duplicate (Q5): a record that is there already is an error of the server.
func (n *netbox) duplicate(fabric int) {
	twin := record(fabric, "q5", map[string]any{"a": 1})
	n.must(http.StatusCreated, "POST", "switches/?"+fields, twin)
	if got := n.must(http.StatusInternalServerError, "POST", "switches/?"+fields, twin); got.fields["exception"] !=
		"IntegrityError" {
		n.t.Errorf("got %s", got.raw)
	}
}

// names (Q6) have neither dots nor upper case, which Kubernetes takes in some.
func (n *netbox) names(fabric int) {
	for _, name := range []string{"a.b", "Upper", "-a", "a_b", strings.Repeat("a", 254)} {
		n.must(http.StatusBadRequest, "POST", "switches/?"+fields, record(fabric, name, map[string]any{"a": 1}))
	}
	n.must(http.StatusCreated, "POST", "switches/?"+fields,
		record(fabric, strings.Repeat("a", 253), map[string]any{"a": 1}))
}

// replaced (Q7): what is sent of a spec is all of it.
func (n *netbox) replaced(fabric int) {
	made := n.must(http.StatusCreated, "POST", "switches/?"+fields, record(fabric, "q7", map[string]any{"a": 1, "b": 2}))
	got := n.must(http.StatusOK, "PATCH", fmt.Sprintf("switches/%d/?%s", made.id(), fields),
		map[string]any{"spec": map[string]any{"a": 3}})
	if spec, _ := got.fields["spec"].(map[string]any); len(spec) != 1 || spec["a"] != 3.0 {
		n.t.Errorf("got %s", got.raw)
	}
}

// cascade (Q8): with a fabric go all of its records.
func (n *netbox) cascade() {
	fabric := n.fabric("cascade")
	made := n.must(http.StatusCreated, "POST", "switches/?"+fields, record(fabric, "q8", map[string]any{"a": 1}))
	// Through the pages: the fabric is of a kind that the API can't delete (Q2).
	err := n.Manage(n.t.Context(), nil, "nbshell", "-c",
		fmt.Sprintf("from netbox_hedgehog.models import HedgehogFabric; HedgehogFabric.objects.get(pk=%d).delete()", fabric))
	if err != nil {
		n.t.Fatal(err)
	}
	n.must(http.StatusNotFound, "GET", fmt.Sprintf("switches/%d/?%s", made.id(), fields), nil)
}
