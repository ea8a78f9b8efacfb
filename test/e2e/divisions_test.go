package e2e

import (
	"testing"

	"fgdsync.dev/test/system"
)

// division is a way in which the services are divided into processes, over one Redis.
type division func(b system.Binaries, t testing.TB, redisURL string, env []string) *system.System

// divided runs a test with one process of each service, and with two.
func divided(t *testing.T, test func(t *testing.T, how division)) {
	t.Helper()
	for name, how := range map[string]division{"five": system.Binaries.Five, "ten": system.Binaries.Ten} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, how)
		})
	}
}
