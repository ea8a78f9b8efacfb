package topology

import (
	"math"
	"slices"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// maxReferences bounds the references of an answer, each way.
const maxReferences = 1000

// ReferencesOf returns what a resource names, and what names it. It reports whether the resource is there.
func ReferencesOf(
	resources []*reportv1.ResourceContent, kind, namespace, name string,
) (answer *bridgev1.GetReferencesResponse, there bool) {
	asked := id{kind, namespace, name}
	known := make(map[id]bool, len(resources))
	for _, r := range resources {
		known[idOf(r)] = true
	}
	answer = &bridgev1.GetReferencesResponse{}
	for _, r := range resources {
		of := idOf(r)
		for _, one := range r.GetReferences() {
			to := id{one.GetKind(), of.namespace, one.GetName()}
			if of == asked {
				answer.References = append(answer.References, reference(to, one, !known[to]))
			}
			if to == asked {
				answer.ReferencedBy = append(answer.ReferencedBy, reference(of, one, !known[to]))
			}
		}
	}
	slices.SortStableFunc(answer.GetReferencedBy(), func(a, b *bridgev1.Reference) int {
		return byName(id{a.GetKind(), a.GetNamespace(), a.GetName()}, id{b.GetKind(), b.GetNamespace(), b.GetName()})
	})
	answer.References, answer.ReferencesTotal = bounded(answer.GetReferences())
	answer.ReferencedBy, answer.ReferencedByTotal = bounded(answer.GetReferencedBy())
	return answer, known[asked]
}

func reference(other id, one *reportv1.Reference, missing bool) *bridgev1.Reference {
	return &bridgev1.Reference{
		Kind: other.kind, Namespace: other.namespace, Name: other.name, Field: one.GetField(), Subnet: one.GetSubnet(),
		Port: one.GetPort(), Missing: missing,
	}
}

// bounded returns what an answer has of a list, and how many there are.
func bounded(list []*bridgev1.Reference) ([]*bridgev1.Reference, int32) {
	return list[:min(len(list), maxReferences)], int32(min(len(list), math.MaxInt32))
}
