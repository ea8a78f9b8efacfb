//go:build race

package system

func raceFlags() []string { return []string{"-race"} }

// Race is whether programs are built with the race detector.
const Race = true
