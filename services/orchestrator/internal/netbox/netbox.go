// Package netbox keeps which NetBox shows the fabrics whose links name none, in Redis and in the ledger.
package netbox

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/eventlog"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/register"
)

// Deps is what the room works with.
type Deps struct {
	Store  *recovery.Reader
	Ledger *ledger.Ledger
	Log    *slog.Logger
	Now    func() time.Time
}

// Default is the NetBox of the installation.
type Default struct{ deps Deps }

// New returns it.
func New(deps Deps) *Default { return &Default{deps} }

// Get returns the newest that Redis and the ledger have; an empty one when there is none. While Redis is away, it is
// what the ledger has.
func (d *Default) Get(ctx context.Context) (*fabricv1.NetBox, error) {
	kept, err := d.deps.Ledger.NetBox()
	if err != nil {
		return nil, err
	}
	stored, err := d.deps.Store.NetBox(ctx)
	if err != nil && errs.KindOf(err) != errs.Unavailable {
		return nil, err
	}
	if stored.GetGeneration() > kept.GetGeneration() {
		return stored, nil
	}
	return kept, nil
}

// Put stores another one in the place of that which has the generation: FGD_3017 when it has changed since. It counts
// when Redis and the ledger have it. What the installation is called stays, or is made.
func (d *Default) Put(ctx context.Context, wanted *fabricv1.NetBox) (*fabricv1.NetBox, error) {
	netbox := &fabricv1.NetBox{
		TokenRef: wanted.GetTokenRef(), UpdatedAt: timestamppb.New(d.deps.Now()), UpdatedBy: eventlog.Requester(ctx),
		Generation: max(wanted.GetGeneration()+1, d.deps.Now().UnixMicro()), WebhookUrls: wanted.GetWebhookUrls(),
	}
	var err error
	if netbox.Url, err = register.NetBoxAddress("url", wanted.GetUrl()); err != nil && wanted.GetUrl() != "" {
		return nil, err
	}
	if err := register.CheckTokenRef("token_ref", wanted.GetTokenRef()); err != nil && wanted.GetTokenRef() != "" {
		return nil, err
	}
	if err := d.deps.Store.EnsureComplete(ctx); err != nil {
		return nil, err
	}
	known, err := d.Get(ctx)
	if err != nil {
		return nil, err
	}
	// Redis may have lost the last of it, and would take what people have read for somebody else's change.
	if _, err := d.deps.Store.RecoverNetBox(ctx, known); err != nil {
		return nil, err
	}
	// Where another one is put meanwhile, this one is refused.
	if netbox.InstallationId = known.GetInstallationId(); netbox.InstallationId == "" {
		netbox.InstallationId = uuid.NewString()
	}
	if err := d.keep(ctx, netbox, wanted.GetGeneration()); err != nil {
		return nil, err
	}
	d.deps.Log.InfoContext(ctx, "NetBox of the installation changed", "url", netbox.GetUrl(), "requested_by",
		netbox.GetUpdatedBy())
	return netbox, nil
}

// keep stores a NetBox in the place of that which has a generation, in Redis and then in the ledger.
func (d *Default) keep(ctx context.Context, netbox *fabricv1.NetBox, read int64) error {
	failpoint.Hit(failpoint.NetBoxBefore)
	if err := d.deps.Store.PutNetBox(ctx, netbox, read); err != nil {
		return err
	}
	failpoint.Hit(failpoint.NetBoxStored)
	if err := d.deps.Ledger.PutNetBox(netbox); err != nil {
		return err
	}
	failpoint.Hit(failpoint.NetBoxKept)
	return nil
}
