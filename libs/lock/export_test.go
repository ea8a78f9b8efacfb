package lock

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Sure returns until when nobody else can hold the lock, as far as the holder knows.
func (l *Lease) Sure() time.Time { return *l.sure.Load() }

// WithoutGuardOfAcquire makes a locker take the lock with a script in which a guard is something else.
func WithoutGuardOfAcquire(t *testing.T, l *Locker, guard, instead string) *Locker {
	t.Helper()
	l.scripts.acquire = without(t, acquireLua, guard, instead)
	return l
}

// WithoutGuardOfRelease makes a locker give the lock back with a script that lacks a guard.
func WithoutGuardOfRelease(t *testing.T, l *Locker, guard string) *Locker {
	t.Helper()
	l.scripts.release = without(t, releaseLua, guard, "")
	return l
}

func without(t *testing.T, source, guard, instead string) *redis.Script {
	t.Helper()
	if strings.Count(source, guard) != 1 {
		t.Fatalf("the script does not have the guard %q once", guard)
	}
	return redis.NewScript(strings.Replace(source, guard, instead, 1))
}
