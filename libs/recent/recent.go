// Package recent remembers what was used last, as much as weighs no more than a limit. It is only a matter of speed:
// everything in it can be found out again.
package recent

import (
	"fmt"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Cache is such a memory. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	limit int

	mu     sync.Mutex
	weight int
	items  *simplelru.LRU[K, item[V]]
}

type item[V any] struct {
	value  V
	weight int
}

// New returns a cache that holds at most a weight.
func New[K comparable, V any](limit int) (*Cache[K, V], error) {
	c := &Cache[K, V]{limit: limit}
	items, err := simplelru.NewLRU(math.MaxInt, func(_ K, i item[V]) { c.weight -= i.weight })
	if err != nil {
		return nil, fmt.Errorf("make a cache: %w", err)
	}
	c.items = items
	return c, nil
}

// Get returns what is remembered under a key.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, found := c.items.Get(key)
	return i.value, found
}

// Add remembers a value, and forgets those that were not used for longest when it gets too much. What is too heavy by
// itself is not remembered.
func (c *Cache[K, V]) Add(key K, value V, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items.Remove(key)
	if weight > c.limit {
		return
	}
	c.items.Add(key, item[V]{value, weight})
	for c.weight += weight; c.weight > c.limit; {
		c.items.RemoveOldest()
	}
}
