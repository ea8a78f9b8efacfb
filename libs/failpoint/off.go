//go:build !failpoints

package failpoint

import "time"

// Hit does nothing in a program that is not built for tests.
func Hit(Point) {}

// Now returns the time.
func Now() time.Time { return time.Now() }
