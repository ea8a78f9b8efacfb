package apiv1

import (
	"net/url"
	"strings"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// NetBoxURL returns the address of a NetBox in the one spelling that is stored: two that differ in a slash at the end,
// in the case of the host or in a port that goes without saying are one.
func NetBoxURL(given string) string {
	given = strings.TrimRight(strings.TrimSpace(given), "/")
	u, err := url.Parse(given)
	if err != nil || u.Host == "" { // whoever connects to it says so
		return given
	}
	u.Host = strings.ToLower(u.Host)
	u.Host = strings.TrimSuffix(u.Host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	return u.String()
}

// CheckLinked refuses what is about the records of a fabric that no NetBox shows.
func CheckLinked(fabric *fabricv1.Fabric) error {
	if fabric.GetNetbox() == nil {
		return errs.New(errs.NetBoxNotLinked, "No NetBox shows the resources of fabric %d.", fabric.GetFabricId())
	}
	return nil
}

// netBoxLink returns a link as a request wants it: what the request leaves out is as it was. One that says nothing is
// to the NetBox of the installation, by the fabric's own number.
func netBoxLink(was *fabricv1.NetBoxLink, wanted *bridgev1.NetBoxLink) (*fabricv1.NetBoxLink, error) {
	if wanted == nil {
		return was, nil
	}
	link := &fabricv1.NetBoxLink{Direction: directionNames.value(""), ConflictWinner: winnerNames.value("")}
	switch {
	case was != nil && proto.Size(wanted) == 0:
		link.Direction, link.ConflictWinner = was.GetDirection(), was.GetConflictWinner()
		link.ConflictPolicies = was.GetConflictPolicies()
	case was != nil:
		link = proto.CloneOf(was)
	}
	if url := NetBoxURL(wanted.GetUrl()); url != "" {
		link.Url = url
	}
	if wanted.GetFabric() != 0 {
		link.Fabric = wanted.GetFabric()
	}
	if ref := strings.TrimSpace(wanted.GetTokenRef()); ref != "" {
		link.TokenRef = ref
	}
	if word := wanted.GetDirection(); word != "" {
		link.Direction = directionNames.value(word)
	}
	if word := wanted.GetConflictWinner(); word != "" {
		link.ConflictWinner = winnerNames.value(word)
	}
	if wanted.GetConflictPolicies() == nil {
		return link, nil
	}
	policies, err := policiesFromAPI(wanted.GetConflictPolicies().GetPolicies())
	link.ConflictPolicies = policies
	return link, err
}

// updateNetBox changes or removes the link of a definition.
func updateNetBox(fabric *fabricv1.Fabric, req *bridgev1.UpdateFabricRequest) error {
	if req.GetRemoveNetbox() && req.GetNetbox() != nil {
		return errs.Field("remove_netbox", "remove_netbox and netbox contradict each other.").
			WithRemedy("Leave one of the two out.")
	}
	link, err := netBoxLink(fabric.GetNetbox(), req.GetNetbox())
	fabric.Netbox = link
	if req.GetRemoveNetbox() {
		fabric.Netbox = nil
	}
	return err
}

func netBoxToAPI(link *fabricv1.NetBoxLink) *bridgev1.NetBoxLink {
	if link == nil {
		return nil
	}
	return &bridgev1.NetBoxLink{
		Url: link.GetUrl(), Fabric: link.GetFabric(), TokenRef: link.GetTokenRef(),
		Direction: directionNames.name(link.GetDirection()), ConflictWinner: winnerNames.name(link.GetConflictWinner()),
		ConflictPolicies: policiesToAPI(link.GetConflictPolicies()),
	}
}
