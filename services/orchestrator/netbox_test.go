package orchestrator_test

import (
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/testkit/redistest"
)

func (n *node) netbox() *fabricv1.NetBox {
	n.t.Helper()
	response, err := n.GetNetBox(n.t.Context(), &fabricv1.GetNetBoxRequest{})
	return must(n.t, response, err).GetNetbox()
}

func (n *node) put(netbox *fabricv1.NetBox) (*fabricv1.NetBox, error) {
	response, err := n.PutNetBox(n.as("Jo"), &fabricv1.PutNetBoxRequest{Netbox: netbox})
	return response.GetNetbox(), err
}

// TestTheNetBoxOfAnInstallation: it is what was put last, by those who have read what they change, and outlives Redis.
func TestTheNetBoxOfAnInstallation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		if got := b.netbox(); got.GetUrl() != "" || got.GetGeneration() != 0 {
			t.Errorf("at first it is %v", got)
		}
		stored, err := b.put(&fabricv1.NetBox{Url: "https://NetBox.example.com/", TokenRef: "file:netbox"})
		first := must(t, stored, err)
		if first.GetUrl() != "https://netbox.example.com" || first.GetTokenRef() != "file:netbox" ||
			first.GetUpdatedBy() != "Jo" || !first.GetUpdatedAt().IsValid() || !proto.Equal(first, b.netbox()) {
			t.Errorf("it is %v, and %v was stored", b.netbox(), first)
		}
		_, err = b.put(&fabricv1.NetBox{Url: "https://other.example.com", TokenRef: "file:netbox"})
		fails(t, "a change of what nobody has read", err, errs.NetBoxChanged)
		for field, wrong := range map[string]*fabricv1.NetBox{
			"url":       {Url: "netbox.example.com", TokenRef: "file:netbox", Generation: first.GetGeneration()},
			"token_ref": {Url: "https://netbox.example.com", TokenRef: "secret", Generation: first.GetGeneration()},
		} {
			_, err := b.put(wrong)
			fails(t, "a wrong "+field, err, errs.InvalidRequest)
			if got := errs.From(err).Meta[errs.FieldKey]; got != field {
				t.Errorf("a wrong %s: the field is %q", field, got)
			}
		}
		if first.GetInstallationId() == "" {
			t.Error("the installation is called nothing")
		}
		b.flush()
		if got := b.netbox(); !proto.Equal(got, first) {
			t.Errorf("without what Redis had it is %v", got)
		}
		none, err := b.put(&fabricv1.NetBox{Generation: first.GetGeneration(), InstallationId: "another"})
		if must(t, none, err).GetUrl() != "" || b.netbox().GetGeneration() <= first.GetGeneration() ||
			b.netbox().GetInstallationId() != first.GetInstallationId() {
			t.Errorf("taken away it is %v", b.netbox())
		}
	})
}

// TestTheNetBoxThatRedisHasLost: it alone, as with a power cut. It can be changed all the same by who has read it.
func TestTheNetBoxThatRedisHasLost(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		stored, err := b.put(&fabricv1.NetBox{Url: "https://netbox.example.com", TokenRef: "file:netbox"})
		first := must(t, stored, err)
		if err := b.conn.Main.Del(t.Context(), "fgd:{registry}:netbox").Err(); err != nil {
			t.Fatal(err)
		}
		read := b.netbox()
		read.Url = "https://other.example.com"
		changed, err := b.put(read)
		if must(t, changed, err).GetUrl() != read.GetUrl() || changed.GetInstallationId() != first.GetInstallationId() {
			t.Errorf("it is %v", changed)
		}
		_, err = b.put(read)
		fails(t, "the same change by somebody who has not read it since", err, errs.NetBoxChanged)
	})
}

// rebuild compares Redis and the ledger at once.
func (n *node) rebuild() {
	n.t.Helper()
	answer, err := n.RebuildState(n.t.Context(), &adminv1.RebuildStateRequest{})
	must(n.t, answer, err)
}

// TestTheNetBoxIsInEachLedger: what one orchestrator was told comes back from another one's file.
func TestTheNetBoxIsInEachLedger(t *testing.T) {
	t.Parallel()
	url, s := redistest.Start(t).URL(), newStages()
	conn, cfg := s.serve(t), testConfig()
	first := newNode(t, url, conn, testConfig(), "a")
	stored, err := first.put(&fabricv1.NetBox{Url: "https://netbox.example.com", TokenRef: "env:NETBOX"})
	want := must(t, stored, err)
	cfg.LedgerFile = filepath.Join(t.TempDir(), "second.db")
	second := newNode(t, url, conn, cfg, "b")
	second.rebuild()
	second.flush()
	if got := second.netbox(); !proto.Equal(got, want) {
		t.Errorf("the other one has %v", got)
	}
	second.rebuild()
	third := newNode(t, url, conn, testConfig(), "c")
	if got := third.netbox(); !proto.Equal(got, want) {
		t.Errorf("it came back as %v", got)
	}
}
