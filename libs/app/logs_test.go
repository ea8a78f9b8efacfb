package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	healthv1 "fgdsync.dev/proto/fgd/health/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// broken answers no call.
type broken struct {
	syncv1.UnimplementedSyncServiceServer
}

func (broken) GetSync(context.Context, *syncv1.GetSyncRequest) (*syncv1.GetSyncResponse, error) {
	return nil, errors.New("out of order")
}

// TestALineSaysWhichServiceItIsAbout: also one that the process writes for it, when a call fails or a part is ill.
func TestALineSaysWhichServiceItIsAbout(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	tel, err := telemetry.New(t.Context(), telemetry.Config{
		Service: "fgd", LogWriter: &log, LogLevel: "info", LogFormat: "json",
	})
	if err != nil {
		t.Fatal(err)
	}
	host := app.NewHost(tel, app.Security{})
	well, ill := newWorker(), parted{newWorker()}
	ill.register = func(r grpc.ServiceRegistrar) { syncv1.RegisterSyncServiceServer(r, broken{}) }
	host.Add("ingestion", well, rpc.Services)
	host.Add("orchestrator", ill, rpc.Services)
	conn := host.Inside(rpc.Services)
	end := running(t, host, well, ill.worker)
	_, err = syncv1.NewSyncServiceClient(conn).GetSync(t.Context(), &syncv1.GetSyncRequest{
		SyncId: "019b2d58-4a6f-7d6a-b2a3-0123456789ab",
	})
	if !errs.HasCode(err, errs.InternalError) {
		t.Fatal(err)
	}
	if _, err := healthv1.NewComponentServiceClient(conn).
		ListComponents(t.Context(), &healthv1.ListComponentsRequest{Service: "orchestrator"}); err != nil {
		t.Error(err)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	said := map[string]string{}
	for text := range strings.Lines(log.String()) {
		var line struct{ Msg, Service string }
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		said[line.Msg] = line.Service
	}
	for _, msg := range []string{"call failed", "component is not healthy"} {
		if said[msg] != "fgd-orchestrator" {
			t.Errorf("%q is of %q:\n%s", msg, said[msg], &log)
		}
	}
}
