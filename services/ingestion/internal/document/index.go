package document

import (
	"slices"

	"fgdsync.dev/libs/hedgehog"
)

// Index numbers the resources that the documents of a fabric declare, so that what is known of a resource is found by a
// number and not by four texts.
type Index struct {
	numbers    map[hedgehog.ResourceID]int
	identities []hedgehog.ResourceID // by number
}

// NewIndex returns an index of what documents declare, numbered in their order, and of what is held.
func NewIndex(files []File, held []Held) *Index {
	n := Documents(files)
	index := &Index{make(map[hedgehog.ResourceID]int, n), make([]hedgehog.ResourceID, 0, n)}
	for i := range files {
		for j := range files[i].Docs {
			files[i].Docs[j].Resource = index.number(files[i].Docs[j].Identity)
		}
	}
	for i := range held {
		held[i].Number = index.number(held[i].ID)
	}
	return index
}

func (x *Index) number(id hedgehog.ResourceID) int {
	n, known := x.numbers[id]
	if !known {
		n = len(x.identities)
		x.numbers[id] = n
		x.identities = append(x.identities, id)
	}
	return n
}

// Len returns how many resources there are.
func (x *Index) Len() int { return len(x.identities) }

// Find returns the number of a resource.
func (x *Index) Find(id hedgehog.ResourceID) (int, bool) {
	n, found := x.numbers[id]
	return n, found
}

// Sorted returns the numbers in the order of what they stand for.
func (x *Index) Sorted() []int {
	order := make([]int, len(x.identities))
	for n := range order {
		order[n] = n
	}
	slices.SortFunc(order, func(a, b int) int { return x.identities[a].Compare(x.identities[b]) })
	return order
}

// Documents returns how many documents files have together.
func Documents(files []File) int {
	n := 0
	for i := range files {
		n += len(files[i].Docs)
	}
	return n
}
