package merge

import (
	"fmt"
	"maps"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/structured-merge-diff/v6/schema"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// records is how many a large fabric has.
const records = 10_000

// fabric returns what both sides have of the records of a large fabric: three connections for each VPC. Both have
// changed each of them, every tenth in a way that is a conflict.
func fabric(tb testing.TB) (kinds []string, all []Sides) {
	tb.Helper()
	for i := range records {
		kind, spec := "Connection", func(mtu, port int) string {
			link := `{"server":{"port":"server-%05d/enp2s%d"},"switch":{"port":"leaf-%02d/E1/%d"}}`
			return fmt.Sprintf(`{"mclag":{"links":[`+link+","+link+`],"mtu":%d}}`, i, 1, i%64, port, i, 2, i%64+1, 1, mtu)
		}
		if i%4 == 0 {
			kind, spec = "VPC", func(vlan, hop int) string {
				subnet := `{"subnet":"10.%d.%d.0/24","vlan":%d,"dhcp":{"enable":true,"range":{"start":"10.0.0.10","end":"10.0.0.99"}}}`
				return fmt.Sprintf(`{"ipv4Namespace":"default","subnets":{"a":`+subnet+`,"b":`+subnet+
					`},"staticRoutes":[{"prefix":"10.0.0.0/8","nextHops":["192.0.2.%d"]}]}`, i/256, i%256, vlan, i/256, i%256, 7, hop)
			}
		}
		s := Sides{resource(tb, spec(1, 1)), resource(tb, spec(2, 1)), resource(tb, spec(1, 2))}
		if i%10 == 0 {
			s.NetBox = resource(tb, spec(3, 2))
		}
		kinds, all = append(kinds, kind), append(all, s)
	}
	return kinds, all
}

// processor returns how long processors have worked for this process, which other work on the machine changes little.
func processor() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // it takes no other argument
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkMerge merges the records of a large fabric.
func BenchmarkMerge(b *testing.B) {
	kinds, all := fabric(b)
	m, conflicts := merger(b), 0
	b.ReportAllocs()
	before := processor()
	for b.Loop() {
		conflicts = 0
		for i, s := range all {
			conflicts += len(m.Merge(kinds[i], s, accept).Conflicts)
		}
	}
	if conflicts != records/10 {
		b.Fatalf("%d conflicts", conflicts)
	}
	b.ReportMetric(float64((processor()-before).Milliseconds())/float64(b.N), "cpu-ms/op")
}

// BenchmarkMergePeer has structured-merge-diff find the paths that each side has changed of the same records. What was
// made of them is made before.
func BenchmarkMergePeer(b *testing.B) {
	kinds, all := fabric(b)
	m := merger(b)
	types := &schema.Schema{Types: []schema.TypeDef{{Name: "any", Atom: typeOf(&rule{}).Inlined}}}
	refs := map[string]schema.TypeRef{}
	for kind := range maps.Keys(keyTable()) {
		refs[kind] = typeOf(m.rulesFor(kind))
	}
	values := make([][3]*typed.TypedValue, len(all))
	for i, s := range all {
		for j, c := range []*Content{s.Base, s.Git, s.NetBox} {
			plain := value.NewValueInterface(forOracle(m.rulesFor(kinds[i]), tree(c).JSON))
			of, err := typed.AsTyped(plain, types, refs[kinds[i]])
			if err != nil {
				b.Fatal(err)
			}
			values[i][j] = of
		}
	}
	b.ReportAllocs()
	before := processor()
	for b.Loop() {
		for _, v := range values {
			for _, side := range v[1:] {
				if compared, err := v[0].Compare(side); err != nil || compared.IsSame() {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportMetric(float64((processor()-before).Milliseconds())/float64(b.N), "cpu-ms/op")
}
