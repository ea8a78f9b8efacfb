package console

import (
	"cmp"
	"slices"
	"strings"

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

// mostTyped bounds what can be mended in the console, in bytes: a form may need three for each.
const mostTyped = 256 << 10

// quarantinedView is a file in quarantine, what somebody has typed to mend it, and why that was refused.
type quarantinedView struct {
	*bridgev1.QuarantinedFile

	Typed   string
	Problem *errs.Error
}

// Mendable reports whether the file can be mended in the console.
func (q *quarantinedView) Mendable() bool {
	return q.GetContent() != "" && len(q.GetContent()) <= mostTyped
}

// showQuarantinedFile shows a file in quarantine, with the line of its reason marked.
func (v *visit) showQuarantinedFile() error {
	f, file, err := v.quarantinedFile(v.query("path"))
	if err != nil {
		return err
	}
	return v.ofFabric("quarantined-file", f, file)
}

func (v *visit) quarantinedFile(path string) (*fabricView, *quarantinedView, error) {
	f, err := v.about("quarantine")
	if err != nil {
		return nil, nil, err
	}
	answer, err := ask(v, v.api.quarantine.GetQuarantinedFile, &bridgev1.GetQuarantinedFileRequest{
		FabricId: f.GetFabricId(), Path: path,
	})
	if err != nil {
		return nil, nil, err
	}
	return f, &quarantinedView{QuarantinedFile: answer.GetFile(), Typed: answer.GetFile().GetContent()}, nil
}

// mendQuarantinedFile has a file say what was typed, and leads to the sync that judges it again. What is refused is not
// lost: it is shown beside the file as it is now.
func (v *visit) mendQuarantinedFile() error {
	id, err := v.fabricID()
	if err != nil {
		return err
	}
	if !v.May("operator", id) { // who may mend nothing is told so before what they typed is judged
		return errs.New(errs.NotAllowed, "Mending files takes the role of an operator of fabric %d.", id)
	}
	f, file, err := v.quarantinedFile(v.posted("path"))
	if err != nil {
		return err
	}
	file.Typed = strings.ReplaceAll(v.r.PostFormValue("content"), "\r\n", "\n") // which browsers make of line ends
	syncID, err := v.mend(file)
	switch {
	case err == nil:
		return v.see(syncPath(syncID))
	case errs.KindOf(err) == errs.Unauthenticated:
		return err
	}
	file.Problem = errs.From(err)
	v.write(statusOf(err), "quarantined-file", view{Title: f.GetName(), Section: "fabrics", Fabric: f, Data: file})
	return nil
}

// mend starts the sync that has a file say what was typed, unless it is another file by now than the one that was seen.
func (v *visit) mend(file *quarantinedView) (syncID string, err error) {
	id, err := v.fabricID()
	if err != nil {
		return "", err
	}
	if seen := v.posted("if_match"); seen != file.GetBlobSha() {
		return "", errs.New(errs.ResourceChanged, "Somebody has changed %s since you looked at it.", file.GetPath()).
			WithRemedy("Below is what it says now, and what you have typed. Save that once more if it shall be so.")
	}
	answer, err := ask(v, v.api.quarantine.MendQuarantined, &bridgev1.MendQuarantinedRequest{
		FabricId: id, Path: file.GetPath(), Content: file.Typed, IfMatch: file.GetBlobSha(),
	})
	return answer.GetSyncId(), err
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
