package bridge

import (
	"fgdsync.dev/libs/app"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/grpcapi"
	"fgdsync.dev/services/bridge/internal/webhook"
	"fgdsync.dev/services/bridge/internal/webhookapi"
)

// newWebhooks returns what takes deliveries of Git hosts, and what says where they go.
func newWebhooks(cfg Config, p *app.Process, recorder webhook.Recorder) (*webhook.Receiver, *webhookapi.Server, error) {
	fabrics := fabricv1.NewFabricServiceClient(p.Peers[grpcapi.Orchestrator])
	own := webhook.NewRepositories(cfg.WebhookKeyFile)
	receiver, err := webhook.New(webhook.Config{Secrets: cfg.webhookSecrets(), Own: own}, webhook.Deps{
		Fabrics: fabrics, Syncs: syncv1.NewSyncServiceClient(p.Peers[grpcapi.Orchestrator]),
		Repositories: gitv1.NewRepositoryServiceClient(p.Peers[grpcapi.GithubSync]),
		Recorder:     recorder,
		Log:          p.Telemetry.Log, Metrics: p.Telemetry.Metrics, Now: p.Now,
	})
	return receiver, webhookapi.New(fabrics, own), err
}
