// Package grpcapi serves fgd.bridge.v1, one server for each of its services. It asks the services behind the bridge and
// converts what they say; it decides nothing about syncs itself.
package grpcapi

import (
	"context"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/redisconn"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/components"
	"fgdsync.dev/services/bridge/internal/fabricview"
	"fgdsync.dev/services/bridge/internal/fabricwatch"
	"fgdsync.dev/services/bridge/internal/issuer"
	"fgdsync.dev/services/bridge/internal/netboxdefault"
	"fgdsync.dev/services/bridge/internal/quarantineapi"
	"fgdsync.dev/services/bridge/internal/sealing"
)

// The services behind the bridge.
const (
	Orchestrator = "orchestrator"
	Ingestion    = "ingestion"
	Directory    = "directory"
	GithubSync   = "github-sync"
)

// API is the servers of all services of the package.
type API struct {
	fabrics     *fabricServer
	syncs       *syncServer
	directories *directoryServer
	history     *historyServer
	quarantine  *quarantineapi.Server
	maintenance *maintenanceServer
	health      *healthServer
	access      *accessServer
}

// NetBox is what registering a fabric has to do with NetBox.
type NetBox struct {
	Default *netboxdefault.Keeper
	// Forget forgets what is known of the records of a fabric that is not registered, or not linked, any more.
	Forget        func(ctx context.Context, fabricID int32)
	OpenConflicts func(ctx context.Context, fabricIDs []int32) (map[int32]int32, error) // how many each fabric has
}

// New returns the servers. Behind the bridge, which the health lists as own, are services that the process has
// connections to, and in a Redis what happens to fabrics.
func New(
	own components.Own, p *app.Process, behind []app.Peer, keeper *access.Keeper, jwts *issuer.Issuer,
	netbox NetBox, conn *redisconn.Conn,
) *API {
	services := make([]components.Service, len(behind))
	for i, b := range behind {
		services[i] = components.Service{
			Name: b.Name, Address: p.Addresses[b.Name], AddressKey: b.AddressKey(), Conn: p.Peers[b.Name],
			Parts: partsOf(b.Name),
		}
	}
	orchestrator, githubSync := callerErrors{p.Peers[Orchestrator]}, callerErrors{p.Peers[GithubSync]}
	fabrics, syncs := fabricv1.NewFabricServiceClient(orchestrator), syncv1.NewSyncServiceClient(orchestrator)
	views := fabricv1.NewDirectoryViewServiceClient(orchestrator)
	repositories := gitv1.NewRepositoryServiceClient(githubSync)
	view := &fabricview.View{Fabrics: fabrics, Repositories: repositories, OpenConflicts: netbox.OpenConflicts}
	return &API{
		fabrics: &fabricServer{
			fabrics: fabrics, repositories: repositories, sealer: sealing.New(repositories), netbox: netbox, view: view,
			watch: fabricwatch.New(conn, view, p.Telemetry.Log),
		},
		syncs:       &syncServer{syncs: syncs},
		directories: &directoryServer{views: views, syncs: syncs},
		history:     &historyServer{views: views, syncs: syncs},
		quarantine:  quarantineapi.New(views, syncs),
		maintenance: &maintenanceServer{admin: adminv1.NewMaintenanceServiceClient(orchestrator)},
		access: &accessServer{
			keeper: keeper, issuer: jwts, tokens: accessv1.NewTokenServiceClient(orchestrator), now: p.Now,
		},
		health: &healthServer{version: app.Version, overview: components.New(own, services, p.Now)},
	}
}

// Register adds all services to a server.
func (a *API) Register(r grpc.ServiceRegistrar) {
	bridgev1.RegisterFabricServiceServer(r, a.fabrics)
	bridgev1.RegisterSyncServiceServer(r, a.syncs)
	bridgev1.RegisterDirectoryServiceServer(r, a.directories)
	bridgev1.RegisterHistoryServiceServer(r, a.history)
	bridgev1.RegisterQuarantineServiceServer(r, a.quarantine)
	bridgev1.RegisterMaintenanceServiceServer(r, a.maintenance)
	bridgev1.RegisterHealthServiceServer(r, a.health)
	bridgev1.RegisterAccessServiceServer(r, a.access)
}

// OpenHealth returns the health of every component as whoever reaches the bridge may know it: without reasons.
func (a *API) OpenHealth(ctx context.Context) *bridgev1.GetHealthResponse { return a.health.open(ctx) }

// Ready reports whether every service behind the bridge can take work.
func (a *API) Ready(ctx context.Context) error { return a.health.overview.Ready(ctx) }

// callerErrors is a connection whose errors name fields as callers of the bridge know them. Streams pass as they are:
// the one that is used has no field with another name.
type callerErrors struct{ grpc.ClientConnInterface }

// Invoke calls a method.
func (c callerErrors) Invoke(ctx context.Context, method string, req, reply any, opts ...grpc.CallOption) error {
	return apiv1.CallerError(method, c.ClientConnInterface.Invoke(ctx, method, req, reply, opts...))
}
