package eventlog_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rpc"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/eventlog"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

const fabric = 35

func conflicted() *netboxv1.Receipt {
	return &netboxv1.Receipt{
		Kind: "VPC", Namespace: "default", Name: "vpc-1", Wanted: &netboxv1.Wanted{Path: "managed/vpcs/vpc-1.yaml"},
		Conflict: &netboxv1.Conflict{
			ConflictId: "c-1", OpenedAt: &timestamppb.Timestamp{Seconds: 1}, GitChangedBy: &fabricv1.FileAuthor{Name: "Ada"},
			NetboxChangedBy: &netboxv1.Editor{User: "grace"},
			Paths: []*netboxv1.ConflictPath{{
				Path: "spec.vlan", Base: []byte(`"planted"`), Git: []byte(`"planted"`), Netbox: []byte(`"planted"`),
			}},
			Base: []byte(`"planted"`), Git: []byte(`"planted"`), Netbox: []byte(`"planted"`),
		},
	}
}

func resolved(by string) *netboxv1.Receipt {
	r := conflicted()
	r.Conflict.ResolvedBy, r.Conflict.ResolvedAt = by, &timestamppb.Timestamp{Seconds: 2}
	return r
}

// emitted reads the events of the fabric's shard, and what they carry.
func emitted(t *testing.T, conn *redisconn.Conn) (all []*eventv1.Event, payloads []*eventv1.ConflictChanged) {
	t.Helper()
	entries, err := conn.Main.XRange(t.Context(), events.BusStream(events.ShardOf(fabric)), "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		raw, _ := entry.Values[events.Field].(string)
		event, payload := &eventv1.Event{}, &eventv1.ConflictChanged{}
		if err := proto.Unmarshal([]byte(raw), event); err != nil {
			t.Fatal(err)
		}
		if err := event.GetPayload().UnmarshalTo(payload); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(raw, "planted") {
			t.Errorf("%s carries what a side says", event.GetEventType())
		}
		all, payloads = append(all, event), append(payloads, payload)
	}
	return all, payloads
}

// TestConflictsAreEmitted: opened and settled, with who and where, and nothing of what the sides say.
func TestConflictsAreEmitted(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		log := eventlog.New(conn)
		bySync := resolved("Ada")
		bySync.Conflict.SyncId = "s-1"
		for _, err := range []error{
			log.Opened(t.Context(), fabric, conflicted()),
			log.Resolved(rpc.WithCall(t.Context(), rpc.Call{CorrelationID: "my-id-1"}), fabric, resolved("")),
			log.Resolved(t.Context(), fabric, bySync),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		all, payloads := emitted(t, conn)
		var told []string
		for i, e := range all {
			if e.GetFabricId() != fabric || e.GetMetadata().GetSource() != "bridge" || e.GetMetadata().GetVersion() != 1 {
				t.Errorf("event %v", e)
			}
			p := payloads[i]
			if p.GetConflictId() != "c-1" || p.GetKind() != "VPC" || p.GetName() != "vpc-1" || p.GetGitUser() != "Ada" ||
				p.GetNetboxUser() != "grace" || p.GetPath() != "managed/vpcs/vpc-1.yaml" || p.GetPaths()[0] != "spec.vlan" {
				t.Errorf("payload %v", p)
			}
			id := strings.Replace(e.GetCorrelationId(), e.GetEventId(), "its own", 1)
			told = append(told, fmt.Sprint(e.GetEventType(), " ", e.GetTimestamp().GetSeconds(), " by ",
				e.GetMetadata().GetUser(), " ", p.GetResolvedBy(), " ", id))
		}
		want := "conflict.opened 1 by fgd-sync  its own; conflict.resolved 2 by fgd-sync  my-id-1; " +
			"conflict.resolved 2 by Ada Ada s-1"
		if got := strings.Join(told, "; "); got != want {
			t.Errorf("emitted are %s", got)
		}
	})
}

// TestAnEventThatIsEmittedAgain has the id of the first one, and another conflict, fabric or type has another.
func TestAnEventThatIsEmittedAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	conn := server.Conn(t)
	log, ids := eventlog.New(conn), map[string]int{}
	other := conflicted()
	other.Conflict.ConflictId = "c-2"
	for range 2 {
		for _, emit := range []func() error{
			func() error { return log.Opened(t.Context(), fabric, conflicted()) },
			func() error { return log.Resolved(t.Context(), fabric, resolved("")) },
			func() error { return log.Opened(t.Context(), fabric, other) },
			func() error { return log.Opened(t.Context(), fabric+events.Shards, conflicted()) },
		} {
			if err := emit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	all, _ := emitted(t, conn)
	for _, e := range all {
		ids[e.GetEventId()]++
	}
	if len(all) != 8 || len(ids) != 4 {
		t.Errorf("%d events have the ids %v", len(all), ids)
	}
}

// TestAConflictOfManyPaths makes no large event.
func TestAConflictOfManyPaths(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	r := conflicted()
	for range 1000 {
		r.Conflict.Paths = append(r.Conflict.Paths, &netboxv1.ConflictPath{Path: "spec.x"})
	}
	if err := eventlog.New(conn).Opened(t.Context(), fabric, r); err != nil {
		t.Fatal(err)
	}
	if _, payloads := emitted(t, conn); len(payloads) != 1 || len(payloads[0].GetPaths()) != 100 {
		t.Errorf("it has %d paths", len(payloads[0].GetPaths()))
	}
}

// TestARedisThatIsAway is an error that says so.
func TestARedisThatIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	log := eventlog.New(server.Conn(t))
	server.Kill(t)
	if err := log.Opened(t.Context(), fabric, conflicted()); !errs.HasCode(err, errs.RedisConnectionFailed) {
		t.Errorf("the error is %v", err)
	}
}
