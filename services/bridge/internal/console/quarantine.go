package console

import (
	"cmp"
	"slices"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// quarantineGroup are the files in quarantine for one reason.
type quarantineGroup struct {
	Code, Name string
	Files      []*bridgev1.QuarantinedFile
}

// quarantinePerPage is how many files a page of the quarantine has.
const quarantinePerPage = 200

// showQuarantine shows what is in quarantine, by reason.
func (v *visit) showQuarantine() error {
	f, err := v.about("quarantine")
	if err != nil {
		return err
	}
	list, err := ask(v, v.api.quarantine.ListQuarantine, &bridgev1.ListQuarantineRequest{
		FabricId: f.GetFabricId(), Limit: quarantinePerPage, PageToken: v.query("page"),
	})
	if err != nil {
		return err
	}
	return v.ofFabric("quarantine", f, map[string]any{
		"Groups": groupsOf(list.GetFiles()), "Total": list.GetTotal(), "Next": v.nextPage(list.GetNextPageToken()),
	})
}

// groupsOf returns files by the code of their reason, the largest group first.
func groupsOf(files []*bridgev1.QuarantinedFile) []*quarantineGroup {
	byCode := map[string]*quarantineGroup{}
	var groups []*quarantineGroup
	for _, file := range files {
		code := file.GetReason().GetCode()
		group := byCode[code]
		if group == nil {
			group = &quarantineGroup{Code: code, Name: cmp.Or(file.GetReason().GetName(), "NO_REASON_KNOWN")}
			byCode[code] = group
			groups = append(groups, group)
		}
		group.Files = append(group.Files, file)
	}
	slices.SortStableFunc(groups, func(a, b *quarantineGroup) int {
		return cmp.Or(cmp.Compare(len(b.Files), len(a.Files)), cmp.Compare(a.Code, b.Code))
	})
	return groups
}

// showQuarantinedFile shows a file in quarantine, with the line of its reason marked.
func (v *visit) showQuarantinedFile() error {
	f, err := v.about("quarantine")
	if err != nil {
		return err
	}
	answer, err := ask(v, v.api.quarantine.GetQuarantinedFile, &bridgev1.GetQuarantinedFileRequest{
		FabricId: f.GetFabricId(), Path: v.query("path"),
	})
	if err != nil {
		return err
	}
	return v.ofFabric("quarantined-file", f, answer.GetFile())
}

// actOnQuarantine has files judged again, or put back, and leads to the sync that does it.
func (v *visit) actOnQuarantine() error {
	id, err := v.fabricID()
	if err != nil {
		return err
	}
	paths := v.r.PostForm["path"]
	switch v.posted("action") {
	case "retry_all":
		answer, err := ask(v, v.api.quarantine.RetryQuarantined, &bridgev1.RetryQuarantinedRequest{FabricId: id, All: true})
		if err != nil {
			return err
		}
		return v.see(syncPath(answer.GetSyncId()))
	case "retry":
		answer, err := ask(v, v.api.quarantine.RetryQuarantined,
			&bridgev1.RetryQuarantinedRequest{FabricId: id, Paths: paths})
		if err != nil {
			return err
		}
		return v.see(syncPath(answer.GetSyncId()))
	case "release":
		answer, err := ask(v, v.api.quarantine.ReleaseQuarantined,
			&bridgev1.ReleaseQuarantinedRequest{FabricId: id, Paths: paths})
		if err != nil {
			return err
		}
		return v.see(syncPath(answer.GetSyncId()))
	}
	return errs.Field("action", "action is retry, retry_all or release.")
}
