//go:build !failpoints

package failpoint

// Hit does nothing in a program that is not built for tests.
func Hit(Point) {}
