package bridge

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/health"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/audit"
	"fgdsync.dev/services/bridge/internal/auditapi"
	"fgdsync.dev/services/bridge/internal/grpcapi"
	"fgdsync.dev/services/bridge/internal/httpapi"
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
	return &audited{
		log: log, recorder: audit.NewRecorder(log, admission, p.Now, p.Telemetry.Log),
		teller: audit.NewTeller(log, tokens, p.Telemetry.Log),
	}, nil
}

func (a *audited) parts() []health.Part {
	if a == nil {
		return nil
	}
	return []health.Part{{Name: health.Audit, Check: func(context.Context) error { return a.log.Check() }}}
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
