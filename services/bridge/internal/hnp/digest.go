package hnp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"

	"fgdsync.dev/services/bridge/internal/jsonvalue"
)

// Content returns what a record says, as far as a file says it. A placeholder is an empty spec again. What people have
// put there that is no object, which no file has, counts for the digest alone.
func (r Record) Content(kind string) Content {
	c := Content{Labels: r.Labels, Annotations: r.Annotations, odd: r.odd}
	switch spec := r.Spec.(type) {
	case map[string]any:
		if !jsonvalue.Equal(spec, placeholder(kind)) {
			c.Spec = spec
		}
	case nil:
	default:
		c.odd.spec = spec
	}
	return c
}

// Digest returns a digest of what a content means, of 64 hexadecimal digits. The order of keys and how a number is
// written do not count, a map that is not there is an empty one, and a placeholder is an empty spec: it is that of a
// record's content exactly when the record says the Same.
func (c Content) Digest(kind string) string {
	sum := sha256.New()
	spec := c.Spec
	if jsonvalue.Equal(spec, placeholder(kind)) {
		spec = nil
	}
	for _, part := range []any{
		orEmpty(spec), orEmpty(c.Labels), orEmpty(c.Annotations), c.odd.spec, c.odd.labels, c.odd.annotations,
	} {
		write(sum, part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// write writes a value so that two are written alike exactly when they are equal: its kind, its size, what is in it.
func write(to hash.Hash, value any) {
	switch value := value.(type) {
	case map[string]any:
		_, _ = fmt.Fprintf(to, "m%d:", len(value)) // a hash takes everything
		for _, key := range slices.Sorted(maps.Keys(value)) {
			write(to, key)
			write(to, value[key])
		}
		return
	case []any:
		_, _ = fmt.Fprintf(to, "l%d:", len(value))
		for _, inner := range value {
			write(to, inner)
		}
		return
	case string:
		_, _ = fmt.Fprintf(to, "s%d:", len(value))
		_, _ = io.WriteString(to, value)
		return
	}
	written := fmt.Sprintf("%T %v", value, value)
	if number, is := jsonvalue.Number(value); is {
		written = "n" + number.RatString()
	}
	_, _ = fmt.Fprintf(to, "v%d:%s", len(written), written)
}
