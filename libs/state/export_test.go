package state

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// WithoutGuardOfWrites runs the rest of a test with a script that writes without one of its guards.
func WithoutGuardOfWrites(t *testing.T, guard string) { without(t, &writeScript, writeLua, guard) }

// WithoutGuardOfStarts does the same with the script that accepts syncs.
func WithoutGuardOfStarts(t *testing.T, guard string) { without(t, &startScript, startLua, guard) }

func without(t *testing.T, script **redis.Script, source, guard string) {
	t.Helper()
	if strings.Count(source, guard) != 1 {
		t.Fatalf("the script does not have the guard %q once", guard)
	}
	guarded := *script
	*script = redis.NewScript(strings.Replace(source, guard, "", 1))
	t.Cleanup(func() { *script = guarded })
}
