package lock

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// WithoutGuardOfAcquire runs the rest of a test with a script in which a guard is something else.
func WithoutGuardOfAcquire(t *testing.T, guard, instead string) {
	without(t, &acquire, acquireLua, guard, instead)
}

// WithoutGuardOfRelease does the same with the script that gives a lock back.
func WithoutGuardOfRelease(t *testing.T, guard string) { without(t, &release, releaseLua, guard, "") }

func without(t *testing.T, script **redis.Script, source, guard, instead string) {
	t.Helper()
	if strings.Count(source, guard) != 1 {
		t.Fatalf("the script does not have the guard %q once", guard)
	}
	guarded := *script
	*script = redis.NewScript(strings.Replace(source, guard, instead, 1))
	t.Cleanup(func() { *script = guarded })
}
