package fabricwatch_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"

	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/services/bridge/internal/fabricview"
	"fgdsync.dev/services/bridge/internal/fabricwatch"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

// silent is a Redis that takes connections, and never answers.
func silent(t *testing.T) *redisconn.Conn {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // and with it what it has not accepted
	conn, err := redisconn.Open("redis://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestWhoGivesUpIsLetGo also while Redis does not answer.
func TestWhoGivesUpIsLetGo(t *testing.T) {
	t.Parallel()
	watch := fabricwatch.New(silent(t), &fabricview.View{}, slog.New(slog.DiscardHandler))
	ctx, giveUp := context.WithCancelCause(t.Context())
	ended, enough := make(chan error), errors.New("enough")
	go func() { ended <- watch.Follow(ctx, []int32{35}, nil, nil) }()
	giveUp(enough)
	if err := <-ended; !errors.Is(err, enough) {
		t.Error(err)
	}
}
