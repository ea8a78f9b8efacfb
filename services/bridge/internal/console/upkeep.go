package console

import (
	"fmt"

	"golang.org/x/sync/errgroup"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// showStructure shows what the directory of a fabric has, and what is the matter with it.
func (v *visit) showStructure() error {
	f, err := v.about("structure")
	if err != nil {
		return err
	}
	var work errgroup.Group
	var checked *bridgev1.ValidateDirectoryResponse
	var files *bridgev1.ListFilesResponse
	work.Go(func() (err error) {
		checked, err = ask(v, v.api.directory.ValidateDirectory,
			&bridgev1.ValidateDirectoryRequest{FabricId: f.GetFabricId()})
		return err
	})
	work.Go(func() (err error) {
		const most = 500
		files, err = ask(v, v.api.directory.ListFiles,
			&bridgev1.ListFilesRequest{FabricId: f.GetFabricId(), Limit: most, PageToken: v.query("page")})
		return err
	})
	if err := work.Wait(); err != nil {
		return err
	}
	return v.ofFabric("structure", f, map[string]any{
		"Checked": checked, "Files": files, "Next": v.nextPage(files.GetNextPageToken()),
	})
}

// repair mends the directory, and leads to the sync that did it.
func (v *visit) repair() error {
	id, err := v.fabricID()
	if err != nil {
		return err
	}
	answer, err := ask(v, v.api.directory.RepairDirectory, &bridgev1.RepairDirectoryRequest{FabricId: id})
	if err != nil {
		return err
	}
	if answer.GetSyncId() == "" {
		return v.see(fmt.Sprintf("/fabrics/%d/structure", id))
	}
	return v.see(syncPath(answer.GetSyncId()))
}

// showHealth shows how the parts of the system are.
func (v *visit) showHealth() error {
	health, err := ask(v, v.api.health.GetHealth, &bridgev1.GetHealthRequest{})
	if err != nil {
		return err
	}
	return v.show("health", view{Title: "Health", Section: "health", Data: health})
}

// deadLettersPerPage is how many dead letters a page has.
const deadLettersPerPage = 100

// showDeadLetters shows the work that was given up.
func (v *visit) showDeadLetters() error {
	list, err := ask(v, v.api.upkeep.ListDeadLetters,
		&bridgev1.ListDeadLettersRequest{Limit: deadLettersPerPage, PageToken: v.query("page")})
	if err != nil {
		return err
	}
	return v.show("dead-letters", view{Title: "Dead letters", Section: "dead-letters", Data: map[string]any{
		"List": list, "Next": v.nextPage(list.GetNextPageToken()),
	}})
}

// replayDeadLetters has work handled again that was given up.
func (v *visit) replayDeadLetters() error {
	_, err := ask(v, v.api.upkeep.ReplayDeadLetters, &bridgev1.ReplayDeadLettersRequest{Ids: v.r.PostForm["id"]})
	if err != nil {
		return err
	}
	return v.see("/dead-letters")
}

// auditPerPage is how many lines a page of the audit has.
const auditPerPage = 100

// showAudit shows who changed what, and who was refused.
func (v *visit) showAudit() error {
	request := &bridgev1.ListAuditRequest{
		Principal: v.query("principal"), Action: v.query("action"), Limit: auditPerPage, PageToken: v.query("page"),
	}
	list, err := ask(v, v.api.audit.ListAudit, request)
	if err != nil {
		return err
	}
	return v.show("audit", view{Title: "Audit", Section: "audit", Data: map[string]any{
		"Lines": list.GetLines(), "Asked": request, "Next": v.nextPage(list.GetNextPageToken()),
	}})
}
