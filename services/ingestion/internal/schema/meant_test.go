package schema

import (
	"maps"
	"testing"

	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// TestAMistypedFieldIsToldFromWhatItMeans, at whatever depth; a field that is like no other is named alone.
func TestAMistypedFieldIsToldFromWhatItMeans(t *testing.T) {
	t.Parallel()
	set, err := Load(hedgehog.BuiltinCRDs(), nobody)
	if err != nil {
		t.Fatal(err)
	}
	root, err := yamldoc.Parse([]byte(`apiVersion: vpc.githedgehog.com/v1beta1
kind: VPC
metadata: {name: a, lables: {}}
spec:
  ipv4Namespace: default
  vlanNamepsace: default
  colour: red
  permit: [[a]]
  staticRoutes: [{prefix: 10.0.0.0/8, nextHop: [10.0.1.1]}]
  subnets:
    x: {subnet: 10.0.1.0/24, vlan: 1001, gatway: 10.0.1.1, dhcp: {enable: true, rnage: {}}}
`), yamldoc.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range set.Check(t.Context(), root, Options{}).Findings {
		got[f.Field] = f.Message
	}
	want := map[string]string{}
	for field, meant := range map[string]string{
		"metadata.lables": "labels", "spec.vlanNamepsace": "vlanNamespace", "spec.colour": "",
		"spec.staticRoutes[0].nextHop": "nextHops", "spec.subnets.x.gatway": "gateway",
		"spec.subnets.x.dhcp.rnage": "range",
	} {
		want[field] = "the schema does not know the field " + field
		if meant != "" {
			want[field] += "; perhaps " + meant + " is meant"
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("said %q", got)
	}
}
