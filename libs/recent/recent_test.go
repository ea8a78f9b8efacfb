package recent_test

import (
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/recent"
)

func newCache(t interface{ Fatal(...any) }, limit int) *recent.Cache[int, int] {
	cache, err := recent.New[int, int](limit)
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

func TestForgetsOldest(t *testing.T) {
	t.Parallel()
	cache := newCache(t, 3)
	for key := range 3 {
		cache.Add(key, 10+key, 1)
	}
	cache.Get(0) // so that 1 was not used for longest
	cache.Add(3, 13, 1)
	for key, want := range []bool{true, false, true, true} {
		if value, found := cache.Get(key); found != want || found && value != 10+key {
			t.Errorf("%d: %d, %v", key, value, found)
		}
	}
	if cache.Add(4, 14, 4); has(cache, 4) || !has(cache, 0) {
		t.Error("what is too heavy has a place")
	}
	if cache.Add(0, 10, 4); has(cache, 0) {
		t.Error("an old value has stayed")
	}
}

func has(cache *recent.Cache[int, int], key int) bool {
	_, found := cache.Get(key)
	return found
}

// TestWeight: what is remembered is what was added last, and never weighs more than the limit.
func TestWeight(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const limit = 20
		cache := newCache(t, limit)
		weights, values := map[int]int{}, map[int]int{}
		for n := range rapid.IntRange(0, 60).Draw(t, "steps") {
			key, weight := rapid.IntRange(0, 9).Draw(t, "key"), rapid.IntRange(0, limit+2).Draw(t, "weight")
			cache.Add(key, n, weight)
			weights[key], values[key] = weight, n
			if has(cache, key) != (weight <= limit) {
				t.Fatalf("a weight of %d is remembered: %v", weight, has(cache, key))
			}
			total := 0
			for key := range weights {
				if value, found := cache.Get(key); found {
					if total += weights[key]; value != values[key] {
						t.Fatalf("%d is %d, not %d", key, value, values[key])
					}
				}
			}
			if total > limit {
				t.Fatalf("it weighs %d", total)
			}
		}
	})
}
