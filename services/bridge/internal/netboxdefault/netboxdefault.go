// Package netboxdefault has the NetBox of the installation: that which a link takes which names none.
package netboxdefault

import (
	"cmp"
	"context"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/bridge/internal/netboxdial"
)

// NetBox is a NetBox, and where its token is found.
type NetBox struct {
	URL, TokenRef string
	// Webhooks is where NetBoxes were told to send webhooks, by the address of each: others than this one are set up too.
	Webhooks map[string]string
	// Installation is what the installation is called; empty before anything was stored.
	Installation string

	generation int64 // of what is stored
}

// Keeper knows the NetBox of the installation.
type Keeper struct {
	resources fabricv1.ResourceServiceClient
}

// New returns a keeper. The orchestrator stores what it knows.
func New(resources fabricv1.ResourceServiceClient) *Keeper { return &Keeper{resources} }

// Read returns it; empty when there is none.
func (k *Keeper) Read(ctx context.Context) (NetBox, error) {
	found, err := k.resources.GetNetBox(ctx, &fabricv1.GetNetBoxRequest{})
	return fromProto(found.GetNetbox()), err
}

// Write puts another one in the place of the one that was read, unless somebody else has changed it since.
func (k *Keeper) Write(ctx context.Context, n NetBox) (NetBox, error) {
	stored, err := k.resources.PutNetBox(ctx, &fabricv1.PutNetBoxRequest{
		Netbox: &fabricv1.NetBox{
			Url: n.URL, TokenRef: n.TokenRef, WebhookUrls: n.Webhooks, Generation: n.generation,
		},
	})
	return fromProto(stored.GetNetbox()), err
}

func fromProto(n *fabricv1.NetBox) NetBox {
	return NetBox{n.GetUrl(), n.GetTokenRef(), n.GetWebhookUrls(), n.GetInstallationId(), n.GetGeneration()}
}

// Prepare notes where a NetBox is told to send webhooks, unless that is empty, and returns what the installation is
// called, which is made where it is called nothing yet.
func (k *Keeper) Prepare(ctx context.Context, url, webhook string) (installation string, err error) {
	stored, err := k.change(ctx, func(n *NetBox) bool {
		if webhook == "" || webhook == n.Webhooks[url] {
			return n.Installation == ""
		}
		if n.Webhooks == nil {
			n.Webhooks = map[string]string{}
		}
		n.Webhooks[url] = webhook
		return true
	})
	return stored.Installation, err
}

// Untold notes that a NetBox sends no webhooks any more.
func (k *Keeper) Untold(ctx context.Context, url string) error {
	_, err := k.change(ctx, func(n *NetBox) bool {
		_, told := n.Webhooks[url]
		delete(n.Webhooks, url)
		return told
	})
	return err
}

// change changes what is stored, where there is something to change. Where somebody else has just changed it, that is
// read and changed, once.
func (k *Keeper) change(ctx context.Context, change func(*NetBox) bool) (NetBox, error) {
	own, err := k.Read(ctx)
	if err != nil || !change(&own) {
		return own, err
	}
	stored, err := k.Write(ctx, own)
	if !errs.HasCode(err, errs.NetBoxChanged) {
		return stored, err
	}
	if own, err = k.Read(ctx); err != nil || !change(&own) {
		return own, err
	}
	return k.Write(ctx, own)
}

// Complete puts the NetBox of the installation into a link that names none, and its token where it is the same NetBox
// and the link names no other.
func (k *Keeper) Complete(ctx context.Context, link *fabricv1.NetBoxLink) error {
	if link == nil || link.GetUrl() != "" && link.GetTokenRef() != "" {
		return nil
	}
	whole, err := k.Choose(ctx, NetBox{URL: link.GetUrl(), TokenRef: link.GetTokenRef()})
	if err != nil {
		return err
	}
	link.Url, link.TokenRef = whole.URL, whole.TokenRef
	return nil
}

// Choose returns the NetBox that is wanted, or that of the installation as far as nothing is said. The token of the
// installation is for its own NetBox: no other gets it.
func (k *Keeper) Choose(ctx context.Context, wanted NetBox) (NetBox, error) {
	if wanted.URL != "" && wanted.TokenRef != "" {
		return wanted, nil
	}
	own, err := k.Read(ctx)
	if err != nil {
		return NetBox{}, err
	}
	if wanted.URL == "" && own.URL == "" {
		return NetBox{}, errs.Field(netboxdial.URLField, "%s is missing, and the installation has no NetBox of its own.",
			netboxdial.URLField).
			WithRemedy("Give the address of NetBox, or set that of the installation (fgd netbox set).")
	}
	chosen := NetBox{URL: cmp.Or(wanted.URL, own.URL), TokenRef: wanted.TokenRef}
	if chosen.URL == own.URL {
		chosen.TokenRef = cmp.Or(wanted.TokenRef, own.TokenRef)
	}
	return chosen, nil
}
