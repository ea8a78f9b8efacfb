package redisconn_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

// TestARemedyFits: nobody is sent to a URL that nobody has set, nor to a server that runs and refuses.
func TestARemedyFits(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "fgd-remedy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	for socket, want := range map[string]string{
		filepath.Join(folder, redisconn.PrivateSocket): "redis.log",
		filepath.Join(folder, "other.sock"):            "HEDGEHOG_FGD_REDIS_URL",
	} {
		conn := redistest.Open(t, "unix://"+socket)
		_, scriptErr := redisconn.Repeat(t.Context(), func() (string, error) {
			return conn.Main.Get(t.Context(), "k").Result()
		})
		for call, err := range map[string]error{
			"ping": conn.Ping(t.Context()), "write": conn.Writable(t.Context()), "repeated": scriptErr,
		} {
			got := errs.From(err)
			if got.Code.ID != errs.RedisConnectionFailed.ID || !strings.Contains(got.RemedyText(), want) {
				t.Errorf("%s at %s: %v; %s", call, filepath.Base(socket), err, got.RemedyText())
			}
		}
	}
}

// TestARedisThatIsFull says what it lacks.
func TestARedisThatIsFull(t *testing.T) {
	t.Parallel()
	conn := redistest.Open(t, redistest.Start(t).URL())
	if err := conn.Main.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if got := errs.From(conn.Writable(t.Context())); !strings.Contains(got.RemedyText(), "maxmemory") {
		t.Errorf("%v; %s", got, got.RemedyText())
	}
}
