package app_test

import (
	"context"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/libs/rpc"
	healthv1 "fgdsync.dev/proto/fgd/health/v1"
)

// parted is a worker with a part that is not well.
type parted struct{ *worker }

func (parted) Parts() []health.Part {
	return []health.Part{{Name: health.Ledger, Check: func(context.Context) error {
		return errs.New(errs.LedgerUnusable, "The ledger is full.")
	}}}
}

// TestAHostTellsOfComponents: services are told how a service and its parts are, and callers are not.
func TestAHostTellsOfComponents(t *testing.T) {
	t.Parallel()
	host := newHost()
	w := parted{newWorker()}
	host.Add("orchestrator", w, rpc.Services)
	host.ServeHTTP(listen(t), host.Operations(hosts.New(nil)))
	services, err := host.Loopback(rpc.Services)
	if err != nil {
		t.Fatal(err)
	}
	callers, err := host.Loopback(rpc.Callers)
	if err != nil {
		t.Fatal(err)
	}
	end := running(t, host, w.worker)
	client := healthv1.NewComponentServiceClient(services)
	answer, err := client.ListComponents(t.Context(), &healthv1.ListComponentsRequest{Service: "orchestrator"})
	if err != nil || len(answer.GetComponents()) != 2 {
		t.Fatalf("%v, %v", answer, err)
	}
	service, ledger := answer.GetComponents()[0], answer.GetComponents()[1]
	if service.GetName() != "orchestrator" || service.GetStatus() != healthv1.Status_STATUS_HEALTHY ||
		ledger.GetName() != "ledger" || ledger.GetStatus() != healthv1.Status_STATUS_UNHEALTHY ||
		ledger.GetReason() != "The ledger is full." || !strings.Contains(ledger.GetRemedy(), "ledger_file") ||
		ledger.GetSince() == nil {
		t.Errorf("told of %v and %v", service, ledger)
	}
	_, err = client.ListComponents(t.Context(), &healthv1.ListComponentsRequest{Service: "bridge"})
	if errs.KindOf(err) != errs.NotFound {
		t.Errorf("of a service that is not here: %v", err)
	}
	var answered healthv1.ListComponentsResponse
	err = callers.Invoke(t.Context(), healthv1.ComponentService_ListComponents_FullMethodName,
		&healthv1.ListComponentsRequest{Service: "orchestrator"}, &answered)
	if err == nil {
		t.Errorf("callers are told: %v, %v", &answered, err)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	_, _ = services.Close(), callers.Close()
}
