package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// TestStateCommands: an operator looks at what could not be handled, replays it, and rebuilds the state after Redis was
// emptied. With five processes only the bridge is asked.
func TestStateCommands(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]division{"one": system.Binaries.One, "five": system.Binaries.Five} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stateCommands(t, how)
		})
	}
}

func stateCommands(t *testing.T, how division) {
	t.Helper()
	h := newHost(t, fabric.PreInit(directory))
	server := system.Redis(t)
	s := how(programs, t, server.URL(), nil)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	s.Ended(registered.SyncID)
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	// What is left of a sync that was never done.
	payload := "\x0a\x24" + registered.SyncID + "\x10\x01"
	if err := client.XAdd(t.Context(), &redis.XAddArgs{
		Stream: "fgd:{1}:dead-letters",
		Values: []any{
			"e", payload, "origin", "fgd:{1}:work", "entry", "1-1", "deliveries", "20", "error",
			"never done",
		},
	}).Err(); err != nil {
		t.Fatal(err)
	}
	fgd := func(code int, args ...string) string {
		t.Helper()
		if !slices.Contains(args, "--server") {
			args = append(args, "--server", s.GRPC)
		}
		result := programs.Run(t, nil, append(args, "--token-file", s.TokenFile)...)
		if result.Code != code {
			t.Fatalf("fgd %v: exit %d\n%s", args, result.Code, result.Output())
		}
		return result.Output()
	}
	listed := fgd(0, "dead-letters", "list")
	if !strings.Contains(listed, registered.SyncID) || !strings.Contains(listed, "never done") {
		t.Errorf("list:\n%s", listed)
	}
	id := strings.Fields(strings.Split(listed, "\n")[1])[0]
	if out := fgd(0, "dead-letters", "replay", id); !strings.Contains(out, id+": sync ") {
		t.Errorf("replay: %s", out)
	}
	if out := fgd(1, "dead-letters", "replay", id); !strings.Contains(out, "There is no dead letter") {
		t.Errorf("replay again: %s", out)
	}
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	rebuilt := system.Read[struct {
		SyncIDs []string `json:"sync_ids"`
	}](t, fgd(0, "state", "rebuild", "-o=json"))
	if len(rebuilt.SyncIDs) != 1 {
		t.Fatalf("rebuilt %v", rebuilt)
	}
	if status := s.Ended(rebuilt.SyncIDs[0]); status.State != "completed" || status.Result.ResourcesTotal != 47 {
		t.Errorf("the sync: %+v", status)
	}
	h.requireCommits(2)
	if out := fgd(5, "state", "rebuild", "--server", "127.0.0.1:1"); !strings.Contains(out, "FGD_5005") {
		t.Errorf("nobody there: %s", out)
	}
}
