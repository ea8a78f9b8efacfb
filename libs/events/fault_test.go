package events_test

import (
	"context"
	"testing"

	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

// TestALostReplyToAReadLosesNoEntry: Redis has given the entry to this consumer, which never saw it.
func TestALostReplyToAReadLosesNoEntry(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	lossy, direct := server.Lossy(t), server.Conn(t)
	createGroup(t, direct)
	add(t, direct, "1", "2", "3")
	// The first read is of what is pending; the second one brings entry 1 and is lost.
	lossy.LoseReplyTo(">")
	j := newJournal()
	run(t, lossy.Conn(t), config("a", never), 1, j.handle)
	j.expect(t, "1", "2", "3")
	untilSettled(t, direct)
	if lossy.Lost() != 1 {
		t.Errorf("%d replies were lost", lossy.Lost())
	}
}

func TestALostReplyToAnAcknowledgementSettlesOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	lossy, direct := server.Lossy(t), server.Conn(t)
	lossy.LoseReplyTo("xack")
	add(t, direct, "1", "2")
	j := newJournal()
	run(t, lossy.Conn(t), config("a", never), 1, j.handle)
	j.expect(t, "1", "2")
	untilSettled(t, direct)
	if lossy.Lost() != 1 || j.count("1") != 1 {
		t.Errorf("%d replies were lost, handled %d times", lossy.Lost(), j.count("1"))
	}
}

func TestRedisComesBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	conn := server.Conn(t)
	add(t, conn, "1", "2")
	began, release := make(chan struct{}), make(chan struct{})
	j := newJournal()
	run(t, conn, config("a", soon), 1, func(_ context.Context, payload []byte) error {
		if j.count("1") == 0 {
			close(began)
			<-release
		}
		j.note(payload)
		return nil
	})
	<-began
	server.Kill(t)
	server.Restart(t)
	close(release)
	j.expect(t, "1")
	add(t, conn, "3")
	untilSettled(t, conn)
	if j.count("2") == 0 || j.count("3") == 0 {
		t.Error("an entry was not handled")
	}
}

// TestEverythingWasFlushed: the group is made again, from the beginning of the stream.
func TestEverythingWasFlushed(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		j := newJournal()
		run(t, conn, config("a", soon), 1, j.handle)
		add(t, conn, "1")
		j.expect(t, "1")
		untilSettled(t, conn)
		if err := conn.Main.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		add(t, conn, "2", "3")
		j.expect(t, "2", "3")
		untilSettled(t, conn)
	})
}

// TestTheEndInterruptsARead: Run returns, although a read waits that can't be interrupted.
func TestTheEndInterruptsARead(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		j := newJournal()
		r := run(t, conn, config("a", never), 1, j.handle)
		add(t, conn, "1")
		j.expect(t, "1")
		r.stop()
	})
	t.Run("without Redis", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t)
		r := run(t, server.Conn(t), config("a", soon), 1, func(context.Context, []byte) error { return nil })
		server.Kill(t)
		r.stop()
	})
}
