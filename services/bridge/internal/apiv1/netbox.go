package apiv1

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// NetBoxURL returns the address of a NetBox in the one spelling that is stored: two that differ in a slash at the end
// are one.
func NetBoxURL(given string) string { return strings.TrimRight(strings.TrimSpace(given), "/") }

// netBoxLink returns a link as a request wants it: what the request leaves out is as it was. One that says nothing is
// to the NetBox of the installation, by the fabric's own number.
func netBoxLink(was *fabricv1.NetBoxLink, wanted *bridgev1.NetBoxLink) *fabricv1.NetBoxLink {
	if wanted == nil {
		return was
	}
	link := &fabricv1.NetBoxLink{OnDifference: differenceNames.value("")}
	switch {
	case was != nil && proto.Size(wanted) == 0:
		link.OnDifference = was.GetOnDifference()
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
	if word := wanted.GetOnDifference(); word != "" {
		link.OnDifference = differenceNames.value(word)
	}
	return link
}

// updateNetBox changes or removes the link of a definition.
func updateNetBox(fabric *fabricv1.Fabric, req *bridgev1.UpdateFabricRequest) error {
	if req.GetRemoveNetbox() && req.GetNetbox() != nil {
		return errs.Field("remove_netbox", "remove_netbox and netbox contradict each other.").
			WithRemedy("Leave one of the two out.")
	}
	fabric.Netbox = netBoxLink(fabric.GetNetbox(), req.GetNetbox())
	if req.GetRemoveNetbox() {
		fabric.Netbox = nil
	}
	return nil
}

func netBoxToAPI(link *fabricv1.NetBoxLink) *bridgev1.NetBoxLink {
	if link == nil {
		return nil
	}
	return &bridgev1.NetBoxLink{
		Url: link.GetUrl(), Fabric: link.GetFabric(), TokenRef: link.GetTokenRef(),
		OnDifference: differenceNames.name(link.GetOnDifference()),
	}
}
