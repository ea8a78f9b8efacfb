package console

import (
	"slices"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// maxInTable bounds the links that a page lists.
const maxInTable = 500

// topologyView is what the page of a topology shows.
type topologyView struct {
	*drawing

	Topology *bridgev1.GetTopologyResponse
	Links    []*bridgev1.Link // those of the table
	VPCs     []string
	VPC      string // the one that is marked
}

// showTopology draws how the devices of a fabric are connected, with what a VPC is attached at, or what a sync changes.
func (v *visit) showTopology() error {
	f, err := v.about("topology")
	if err != nil {
		return err
	}
	topology, err := ask(v, v.api.resources.GetTopology, &bridgev1.GetTopologyRequest{FabricId: f.GetFabricId()})
	if err != nil {
		return err
	}
	m := marks{vpc: attachedAt(topology, v.query("vpc"))}
	if id := v.query("sync"); id != "" {
		if m.changes, err = v.changesOf(id); err != nil {
			return err
		}
	}
	return v.ofFabric("topology", f, viewOfTopology(topology, m, v.query("vpc")))
}

// viewOfTopology returns what the page of a topology shows, with a VPC marked.
func viewOfTopology(topology *bridgev1.GetTopologyResponse, m marks, vpc string) *topologyView {
	links := topology.GetLinks()
	return &topologyView{
		drawing: draw(topology, m), Topology: topology, Links: links[:min(len(links), maxInTable)],
		VPCs: vpcsOf(topology), VPC: vpc,
	}
}

// attachedAt returns the Connections that a VPC is attached at.
func attachedAt(t *bridgev1.GetTopologyResponse, vpc string) map[string]bool {
	at := map[string]bool{}
	for _, a := range t.GetAttachments() {
		if vpc != "" && a.GetVpc() == vpc {
			at[a.GetConnection()] = true
		}
	}
	return at
}

// vpcsOf returns the names of the VPCs that are attached somewhere.
func vpcsOf(t *bridgev1.GetTopologyResponse) []string {
	var names []string
	for _, a := range t.GetAttachments() {
		names = append(names, a.GetVpc())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// changesOf returns what a sync did to resources, or would do, by kind and name.
func (v *visit) changesOf(syncID string) (map[string]string, error) {
	const most = 1000
	plan, err := ask(v, v.api.syncs.GetSyncPlan, &bridgev1.GetSyncPlanRequest{SyncId: syncID, Limit: most})
	if err != nil {
		return nil, err
	}
	changes := map[string]string{}
	for _, action := range plan.GetPlan().GetActions() {
		changes[action.GetKind()+"/"+action.GetName()] = action.GetAction()
	}
	return changes, nil
}
