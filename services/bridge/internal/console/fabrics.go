package console

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"

	"golang.org/x/sync/errgroup"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// fabricView is the fabric that a page is about.
type fabricView struct {
	*bridgev1.Fabric

	Tab string
}

// fabricsPerPage is how many fabrics a page of the list has.
const fabricsPerPage = 40

// fabricsView is a list of fabrics, and how it was asked for.
type fabricsView struct {
	*bridgev1.ListFabricsResponse

	Asked *bridgev1.ListFabricsRequest
	Chips []chip
	Rows  []*rowView
	Live  string // where the rows are told anew; empty where there are none
	Next  string
}

// chip is a state, with how many fabrics are in it.
type chip struct {
	State  string
	Number int32
	Path   string // of the list of those alone, or of all again where it is chosen
	Chosen bool
}

// showFabrics shows the fabrics of the visitor: those first that want somebody, unless something else is asked for.
func (v *visit) showFabrics() error {
	request := &bridgev1.ListFabricsRequest{
		Limit: fabricsPerPage, PageToken: v.query("page"), Search: v.query("search"), State: v.query("state"),
		OrderBy: cmp.Or(v.query("order_by"), "state"),
	}
	list, err := ask(v, v.api.fabrics.ListFabrics, request)
	if err != nil {
		return err
	}
	data := &fabricsView{
		ListFabricsResponse: list, Asked: request, Chips: v.chips(list.GetCounts()),
		Next: v.nextPage(list.GetNextPageToken()),
	}
	shown := url.Values{}
	for _, fabric := range list.GetFabrics() {
		data.Rows = append(data.Rows, &rowView{v, fabric})
		shown.Add("id", strconv.Itoa(int(fabric.GetFabricId())))
	}
	if len(shown) > 0 {
		data.Live = "/fabrics/live?" + shown.Encode()
	}
	return v.show("fabrics", view{Title: "Fabrics", Section: "fabrics", Data: data})
}

// chips returns the states that fabrics are in, with links to those that are so.
func (v *visit) chips(counts *bridgev1.FabricCounts) []chip {
	var chips []chip
	for _, one := range []chip{
		{State: "failing", Number: counts.GetFailing()},
		{State: "overdue", Number: counts.GetOverdue()},
		{State: "degraded", Number: counts.GetDegraded()},
		{State: "suspended", Number: counts.GetSuspended()},
		{State: "running", Number: counts.GetRunning()},
		{State: "ok", Number: counts.GetOk()},
	} {
		one.Chosen = v.query("state") == one.State
		if one.Number == 0 && !one.Chosen {
			continue
		}
		query := url.Values{}
		if search := v.query("search"); search != "" {
			query.Set("search", search)
		}
		if !one.Chosen {
			query.Set("state", one.State)
		}
		one.Path = "/?" + query.Encode()
		chips = append(chips, one)
	}
	return chips
}

// nextPage returns the address of the page that follows, with all else the same; empty at the end.
func (v *visit) nextPage(token string) string {
	if token == "" {
		return ""
	}
	query := v.r.URL.Query()
	query.Set("page", token)
	return v.r.URL.Path + "?" + query.Encode()
}

// about returns the fabric that a page is about.
func (v *visit) about(tab string) (*fabricView, error) {
	id, err := v.fabricID()
	if err != nil {
		return nil, err
	}
	answer, err := ask(v, v.api.fabrics.GetFabric, &bridgev1.GetFabricRequest{FabricId: id})
	if err != nil {
		return nil, err
	}
	return &fabricView{answer.GetFabric(), tab}, nil
}

// ofFabric shows a page about a fabric.
func (v *visit) ofFabric(page string, f *fabricView, data any) error {
	return v.show(page, view{Title: f.GetName(), Section: "fabrics", Fabric: f, Data: data})
}

// overview is what the first page of a fabric shows beside the fabric.
type overview struct {
	Health     *bridgev1.GetDirectoryHealthResponse
	Problem    error // why the health is not known
	Syncs      []*bridgev1.SyncStatus
	Connection *bridgev1.Connection
}

// showFabric shows how a fabric is.
func (v *visit) showFabric() error { return v.overview(nil) }

// overview shows how a fabric is, with what has just been found out about its connection.
func (v *visit) overview(connection *bridgev1.Connection) error {
	f, err := v.about("overview")
	if err != nil {
		return err
	}
	data := overview{Connection: connection}
	var work errgroup.Group
	work.Go(func() error {
		data.Health, data.Problem = ask(v, v.api.directory.GetDirectoryHealth,
			&bridgev1.GetDirectoryHealthRequest{FabricId: f.GetFabricId()})
		return nil // the page says what is known
	})
	work.Go(func() error {
		const last = 8
		list, err := ask(v, v.api.syncs.ListSyncs, &bridgev1.ListSyncsRequest{FabricId: f.GetFabricId(), Limit: last})
		data.Syncs = list.GetSyncs()
		return err
	})
	if err := work.Wait(); err != nil {
		return err
	}
	return v.ofFabric("fabric", f, data)
}

// showSyncs shows the syncs of all fabrics of the visitor.
func (v *visit) showSyncs() error {
	list, err := ask(v, v.api.syncs.ListAllSyncs, &bridgev1.ListAllSyncsRequest{
		Limit: syncsPerPage, PageToken: v.query("page"), Active: v.query("status") == "active",
		Status: statusOrActive(v.query("status")), Trigger: v.query("trigger"),
	})
	if err != nil {
		return err
	}
	return v.show("syncs", view{Title: "Syncs", Section: "syncs", Data: map[string]any{
		"Syncs": list.GetSyncs(), "Next": v.nextPage(list.GetNextPageToken()),
	}})
}

// statusOrActive returns the state that is asked for; none where it is those that run or wait.
func statusOrActive(status string) string {
	if status == "active" {
		return ""
	}
	return status
}

// startSync starts a sync, or a dry run, and leads to it.
func (v *visit) startSync() error {
	id, err := v.fabricID()
	if err != nil {
		return err
	}
	answer, err := ask(v, v.api.syncs.TriggerSync, &bridgev1.TriggerSyncRequest{
		FabricId: id, Options: &bridgev1.TriggerOptions{
			ValidateOnly: v.posted("dry_run") != "", ExpectedCommit: v.posted("expected_commit"),
		},
	})
	if err != nil {
		return err
	}
	return v.see(syncPath(answer.GetSyncId()))
}

func fabricPath(id int32) string { return fmt.Sprintf("/fabrics/%d", id) }

func syncPath(id string) string { return "/syncs/" + url.PathEscape(id) }

// suspend lets no sync of the fabric publish.
func (v *visit) suspend() error {
	id, err := v.fabricID()
	if err != nil {
		return err
	}
	reason := cmp.Or(v.posted("reason"), "suspended in the console")
	request := &bridgev1.SuspendFabricRequest{FabricId: id, Reason: reason}
	if _, err := ask(v, v.api.fabrics.SuspendFabric, request); err != nil {
		return err
	}
	return v.see(fabricPath(id))
}

// resume lets the fabric be synced again, and leads to the sync that starts.
func (v *visit) resume() error {
	id, err := v.fabricID()
	if err != nil {
		return err
	}
	answer, err := ask(v, v.api.fabrics.ResumeFabric, &bridgev1.ResumeFabricRequest{FabricId: id})
	if err != nil {
		return err
	}
	if answer.GetSyncId() == "" {
		return v.see(fabricPath(id))
	}
	return v.see(syncPath(answer.GetSyncId()))
}

// checkConnection shows how the fabric's repository can be reached.
func (v *visit) checkConnection() error {
	id, err := v.fabricID()
	if err != nil {
		return err
	}
	answer, err := ask(v, v.api.fabrics.CheckFabricConnection, &bridgev1.CheckFabricConnectionRequest{FabricId: id})
	if err != nil {
		return err
	}
	return v.overview(answer.GetConnection())
}

// syncsPerPage is how many syncs a page of a list has.
const syncsPerPage = 50

// showFabricSyncs shows the syncs of a fabric.
func (v *visit) showFabricSyncs() error {
	f, err := v.about("syncs")
	if err != nil {
		return err
	}
	list, err := ask(v, v.api.syncs.ListSyncs, &bridgev1.ListSyncsRequest{
		FabricId: f.GetFabricId(), Limit: syncsPerPage, Status: v.query("status"), Trigger: v.query("trigger"),
	})
	if err != nil {
		return err
	}
	return v.ofFabric("syncs-of-fabric", f, list)
}
