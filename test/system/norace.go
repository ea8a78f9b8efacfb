//go:build !race

package system

func raceFlags() []string { return nil }

// Race is whether programs are built with the race detector.
const Race = false
