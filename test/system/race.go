//go:build race

package system

func raceFlags() []string { return []string{"-race"} }
