package bridge

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/health"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/audit"
	"fgdsync.dev/services/bridge/internal/auditapi"
	"fgdsync.dev/services/bridge/internal/grpcapi"
	"fgdsync.dev/services/bridge/internal/httpapi"
	"fgdsync.dev/services/bridge/internal/webhook"
)

// audited is what belongs to the audit. A nil one writes nothing down.
type audited struct {
	log      *audit.Log
	recorder *audit.Recorder
	teller   *audit.Teller
}

// newAudit opens the audit; nil where none is to be written. It is closed with the process.
func newAudit(cfg Config, p *app.Process, admission *access.Access) (*audited, error) {
	if cfg.AuditFile == "" {
		return nil, nil
	}
	log, err := audit.Open(audit.Config{
		File: cfg.AuditFile, KeyFile: cfg.AuditKeyFile, RotateBytes: cfg.AuditRotateBytes,
	}, p.Now, p.Telemetry.Log)
	if err != nil {
		return nil, fmt.Errorf("open the audit: %w", err)
	}
	p.OnClose(log.Close)
	tokens := accessv1.NewTokenServiceClient(p.Peers[grpcapi.Orchestrator])
	teller := audit.NewTeller(log, tokens, p.Telemetry.Log)
	return &audited{
		log: log, recorder: audit.NewRecorder(log, teller, admission, p.Now, p.Telemetry.Log), teller: teller,
	}, nil
}

// run tells the orchestrator of the audit, until ctx ends.
func (a *audited) run(ctx context.Context, log *slog.Logger) error {
	if a == nil {
		log.WarnContext(ctx, "no audit is written: audit_file is empty")
		return nil
	}
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return a.recorder.Run(ctx) })
	work.Go(func() error { return a.teller.Run(ctx) })
	return work.Wait()
}

func (a *audited) parts() []health.Part {
	if a == nil {
		return nil
	}
	return []health.Part{{Name: health.Audit, Check: func(context.Context) error { return a.log.Check() }}}
}

// hooks returns what writes down what deliveries of Git hosts do.
func (a *audited) hooks() webhook.Recorder {
	if a == nil {
		return webhook.Unrecorded{}
	}
	return hookRecorder{a.recorder}
}

// firstToken returns what writes down that the first token is made.
func (a *audited) firstToken() access.RecordFunc {
	return func(ctx context.Context, create func(context.Context) (*accessv1.Token, error)) error {
		if a == nil {
			_, err := create(ctx)
			return err
		}
		_, err := a.recorder.Do(ctx, a.recorder.Own(ctx), func(ctx context.Context) (audit.About, error) {
			made, err := create(ctx)
			return audit.About{TokenID: made.GetTokenId()}, err
		})
		return err
	}
}

// hookRecorder writes down deliveries.
type hookRecorder struct{ recorder *audit.Recorder }

// Do writes down what a delivery does to a fabric.
func (h hookRecorder) Do(
	ctx context.Context, e webhook.Event, effect func(context.Context) (string, error),
) (syncID string, err error) {
	line := h.recorder.Webhook(ctx, string(e.Host), e.ID, e.By, e.From)
	line.FabricID = e.FabricID
	_, err = h.recorder.Do(ctx, line, func(ctx context.Context) (audit.About, error) {
		syncID, err = effect(ctx)
		return audit.About{SyncID: syncID}, err
	})
	return syncID, err
}

// Denied writes down that a delivery was refused.
func (h hookRecorder) Denied(ctx context.Context, e webhook.Event, refusal error) {
	h.recorder.DenyWebhook(ctx, h.recorder.Webhook(ctx, string(e.Host), e.ID, e.By, e.From), e.From, refusal)
}

func (a *audited) denied() httpapi.DeniedFunc {
	if a == nil {
		return nil
	}
	return a.recorder.DeniedRequest
}

func (a *audited) queries(orchestrator grpc.ClientConnInterface) *auditapi.Server {
	if a == nil {
		return auditapi.New(nil, nil, orchestrator)
	}
	return auditapi.New(a.log, a.teller, orchestrator)
}
