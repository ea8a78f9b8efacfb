package register

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// checkLink judges how a fabric wants to be shown in a NetBox, and brings the address into its one spelling.
func checkLink(link *fabricv1.NetBoxLink) error {
	if link == nil {
		return nil
	}
	if err := CheckTokenRef("netbox.token_ref", link.GetTokenRef()); err != nil {
		return err
	}
	address, err := NetBoxAddress("netbox.url", link.GetUrl())
	if err != nil {
		return err
	}
	if _, known := fabricv1.Direction_name[int32(link.GetDirection())]; !known {
		return errs.Field("netbox.direction", "netbox.direction has no choice %d.", link.GetDirection())
	}
	if _, known := fabricv1.Winner_name[int32(link.GetConflictWinner())]; !known {
		return errs.Field("netbox.conflict_winner", "netbox.conflict_winner has no choice %d.", link.GetConflictWinner())
	}
	link.Url = address
	return nil
}

// CheckTokenRef judges whether a field says where the token of a NetBox is found.
func CheckTokenRef(field, ref string) error {
	for _, kind := range []string{"env:", "file:"} {
		if name, found := strings.CutPrefix(ref, kind); found && name != "" && !strings.ContainsFunc(name, isNoPartOfAName) {
			return nil
		}
	}
	return errs.Field(field, "%s is neither env:NAME nor file:NAME.", field)
}

func isNoPartOfAName(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// NetBoxAddress judges the address of a NetBox, and returns it as all spell it: of lower case where that makes no
// difference, and without a slash at its end or a port that goes without saying.
func NetBoxAddress(field, address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return "", errs.Field(field, "%s is no address such as https://netbox.example.com.", field)
	case u.Scheme != "https" && u.Scheme != "http":
		return "", errs.Field(field, "%s begins neither with https:// nor with http://.", field)
	case u.User != nil:
		return "", errs.Field(field, "%s has a user in it; the token is named by token_ref.", field)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(address, "#"):
		return "", errs.Field(field, "%s has more than an address: leave out what follows the path.", field)
	}
	u.Host = strings.ToLower(u.Host)
	u.Host = strings.TrimSuffix(u.Host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	spelled := strings.TrimRight(u.String(), "/")
	if strings.HasSuffix(spelled, "/api") {
		return "", errs.Field(field, "%s ends in /api; it is the address before that.", field)
	}
	return spelled, nil
}

// settleLink names the record of a fabric in NetBox, and holds that no other fabric has it. The caller holds the lock.
func (r *Register) settleLink(ctx context.Context, fabric *fabricv1.Fabric) error {
	link := fabric.GetNetbox()
	if link == nil {
		return nil
	}
	if link.GetFabric() == 0 {
		link.Fabric = fabric.GetFabricId()
	}
	others, err := r.deps.Store.Fabrics(ctx)
	if err != nil {
		return err
	}
	for _, other := range others {
		has := other.GetNetbox()
		if has == nil || other.GetFabricId() == fabric.GetFabricId() || has.GetUrl() != link.GetUrl() ||
			has.GetFabric() != link.GetFabric() {
			continue
		}
		return errs.Field("netbox.fabric", "The record %d of this NetBox shows fabric %d already.", link.GetFabric(),
			other.GetFabricId()).
			WithRemedy("Name the record that is to show this fabric, or take the link of the other one away.").
			WithMeta(errs.OtherFabricKey, strconv.Itoa(int(other.GetFabricId())))
	}
	return nil
}

// startLinked starts a sync of a fabric that a NetBox shows, when nobody knows what the last one left: that is from
// before it was noted, or Redis has lost it, and nothing would be shown before the next sync. One that is suspended is
// synced when it is resumed, and the first sync of another directory is for people to start.
func (r *Register) startLinked(ctx context.Context, before, fabric *fabricv1.Fabric) error {
	if fabric.GetNetbox() == nil || fabric.GetSuspension() != nil || !state.IsOn(fabric) ||
		state.PlaceOf(before) != state.PlaceOf(fabric) {
		return nil
	}
	standings, err := r.deps.Store.Standings(ctx, []*fabricv1.Fabric{fabric})
	if err != nil || standings[0].GetPublished() != nil {
		return err
	}
	if _, err := r.deps.Accept(ctx, &syncv1.StartSyncRequest{FabricId: fabric.GetFabricId()}); err != nil {
		return fmt.Errorf("start the sync whose outcome NetBox is to show: %w", err)
	}
	return nil
}
