package hnp

import (
	"maps"
	"regexp"
	"slices"
	"strconv"

	"fgdsync.dev/services/bridge/internal/jsonvalue"
)

// Differences returns where a record says something else than a content, such as spec.ports[0].speed: the first most
// places in their order, and how many there are. There are none exactly when the record says the Same.
func (c *Client) Differences(r Record, kind string, wanted Content, most int) (places []string, total int) {
	d := differences{client: c, most: most}
	own := r.Content(kind)
	for _, part := range []struct {
		name      string
		said, odd any
		wanted    any
		wantedOdd any
	}{
		{"spec", specOf(kind, own), own.odd.spec, specOf(kind, wanted), wanted.odd.spec},
		{"labels", orEmpty(own.Labels), own.odd.labels, orEmpty(wanted.Labels), wanted.odd.labels},
		{
			"annotations", orEmpty(own.Annotations), own.odd.annotations, orEmpty(wanted.Annotations), wanted.odd.annotations,
		},
	} {
		if !jsonvalue.Equal(part.odd, part.wantedOdd) {
			d.add(part.name) // it is no object
			continue
		}
		d.walk(part.name, part.said, part.wanted)
	}
	return d.places, d.total
}

// differences are places at which two values differ.
type differences struct {
	client *Client
	places []string
	total  int
	most   int
}

func (d *differences) add(place string) {
	if d.total++; len(d.places) < d.most {
		d.places = append(d.places, d.client.printable(place))
	}
}

func (d *differences) walk(place string, a, b any) {
	if jsonvalue.Equal(a, b) {
		return
	}
	switch a := a.(type) {
	case map[string]any:
		if b, is := b.(map[string]any); is {
			d.walkMaps(place, a, b)
			return
		}
	case []any:
		if b, is := b.([]any); is {
			d.walkLists(place, a, b)
			return
		}
	}
	d.add(place)
}

func (d *differences) walkMaps(place string, a, b map[string]any) {
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		one, there := a[key]
		other, is := b[key]
		if at := place + part(d.client.clean(key)); there && is { // quoted, a token may be written otherwise
			d.walk(at, one, other)
		} else {
			d.add(at)
		}
	}
}

func (d *differences) walkLists(place string, a, b []any) {
	for i := range max(len(a), len(b)) {
		if at := place + "[" + strconv.Itoa(i) + "]"; i < len(a) && i < len(b) {
			d.walk(at, a[i], b[i])
		} else {
			d.add(at)
		}
	}
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// part is how a key is written in a place.
func part(key string) string {
	if plainKey.MatchString(key) {
		return "." + key
	}
	return "[" + strconv.Quote(key) + "]"
}
