package pack

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// offsetDelta is a delta whose base stands at an offset of the pack.
type offsetDelta struct {
	base  int64
	index int32 // of the delta among the entries
}

// idDelta is a delta whose base has an id.
type idDelta struct {
	base  plumbing.Hash
	index int32
}

func compareIDs(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) }

// sort lets deltas be found by their bases.
func (c *contents) sort() {
	slices.SortStableFunc(c.byOffset, func(a, b offsetDelta) int { return cmp.Compare(a.base, b.base) })
	slices.SortStableFunc(c.byID, func(a, b idDelta) int { return compareIDs(a.base, b.base) })
}

// at returns the deltas of the object at an offset.
func (c *contents) at(offset int64) []offsetDelta {
	from, found := slices.BinarySearchFunc(c.byOffset, offset,
		func(d offsetDelta, offset int64) int { return cmp.Compare(d.base, offset) })
	to := from
	for found && to < len(c.byOffset) && c.byOffset[to].base == offset {
		to++
	}
	return c.byOffset[from:to]
}

// of returns the deltas of the object with an id.
func (c *contents) of(id plumbing.Hash) []idDelta {
	from, found := slices.BinarySearchFunc(c.byID, id,
		func(d idDelta, id plumbing.Hash) int { return compareIDs(d.base, id) })
	to := from
	for found && to < len(c.byID) && c.byID[to].base == id {
		to++
	}
	return c.byID[from:to]
}

// take returns the deltas of an object that nobody has taken. Each is taken once, also when the pack has its base
// twice.
func (c *contents) take(e *entry) (indexes []int32) {
	for _, d := range c.at(e.offset) {
		indexes = c.takeOne(indexes, d.index)
	}
	before := len(indexes)
	for _, d := range c.of(e.id) {
		indexes = c.takeOne(indexes, d.index)
	}
	c.waiting -= len(indexes) - before
	return indexes
}

func (c *contents) takeOne(taken []int32, index int32) []int32 {
	if c.entries[index].taken {
		return taken
	}
	c.entries[index].taken = true
	return append(taken, index)
}

// wanted lists the ids of the bases that deltas still wait for, in order.
func (c *contents) wanted() (ids []plumbing.Hash) {
	for _, d := range c.byID {
		if !c.entries[d.index].taken && (len(ids) == 0 || ids[len(ids)-1] != d.base) {
			ids = append(ids, d.base)
		}
	}
	return ids
}

// waits reports whether deltas wait for the object with an id.
func (c *contents) waits(id plumbing.Hash) bool {
	return slices.ContainsFunc(c.of(id), func(d idDelta) bool { return !c.entries[d.index].taken })
}
