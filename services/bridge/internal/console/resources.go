package console

import (
	"golang.org/x/sync/errgroup"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// resourcesPerPage is how many resources a page of the list has.
const resourcesPerPage = 200

// showResources shows the resources that the last sync left.
func (v *visit) showResources() error {
	f, err := v.about("resources")
	if err != nil {
		return err
	}
	list, err := ask(v, v.api.resources.ListResources, &bridgev1.ListResourcesRequest{
		FabricId: f.GetFabricId(), Kind: v.query("kind"), Namespace: v.query("namespace"), Limit: resourcesPerPage,
		PageToken: v.query("page"),
	})
	if err != nil {
		return err
	}
	return v.ofFabric("resources", f, map[string]any{
		"List": list, "Kind": v.query("kind"), "Next": v.nextPage(list.GetNextPageToken()),
	})
}

// resourceView is a resource, its file and what became of it.
type resourceView struct {
	*bridgev1.Resource

	Text    string // its file
	Changes *bridgev1.ListResourceChangesResponse
	Links   *bridgev1.GetReferencesResponse // nil when the resource is gone and nothing names it
}

// showResource shows a resource: what its file says, and who changed it.
func (v *visit) showResource() error {
	f, err := v.about("resources")
	if err != nil {
		return err
	}
	id, kind, namespace, name := f.GetFabricId(), v.query("kind"), v.query("namespace"), v.query("name")
	shown := &resourceView{}
	var work errgroup.Group
	work.Go(func() error {
		answer, err := ask(v, v.api.resources.GetResource,
			&bridgev1.GetResourceRequest{FabricId: id, Kind: kind, Namespace: namespace, Name: name})
		if err != nil {
			return err
		}
		shown.Resource = answer.GetResource()
		shown.Text, err = v.fileOf(id, shown.GetPath())
		return err
	})
	work.Go(func() error {
		const most = 20
		var err error
		shown.Changes, err = ask(v, v.api.resources.ListResourceChanges, &bridgev1.ListResourceChangesRequest{
			FabricId: id, Kind: kind, Namespace: namespace, Name: name, Limit: most, PageToken: v.query("page"),
		})
		return err
	})
	work.Go(func() error {
		links, err := ask(v, v.api.resources.GetReferences,
			&bridgev1.GetReferencesRequest{FabricId: id, Kind: kind, Namespace: namespace, Name: name})
		if errs.HasCode(err, errs.ResourceNotFound) {
			return nil
		}
		shown.Links = links
		return err
	})
	err = work.Wait()
	if shown.Changes != nil && errs.HasCode(err, errs.ResourceNotFound) {
		err = nil // it is gone, and was there: its history says who took it away
	}
	if err != nil {
		return err
	}
	if shown.Resource == nil {
		shown.Resource = &bridgev1.Resource{Kind: kind, Namespace: namespace, Name: name}
	}
	return v.ofFabric("resource", f, map[string]any{"One": shown, "Next": v.nextPage(shown.Changes.GetNextPageToken())})
}

// fileOf returns a file of a fabric as it stands at the head of the branch; empty when it is no text, or too large.
func (v *visit) fileOf(fabric int32, path string) (string, error) {
	list, err := ask(v, v.api.directory.ListFiles,
		&bridgev1.ListFilesRequest{FabricId: fabric, Directory: path, IncludeContent: true, Limit: 1})
	if err != nil {
		return "", err
	}
	if len(list.GetFiles()) != 1 {
		return "", errs.New(errs.ResourceChanged, "The file %s has just gone from its place.", path).
			WithRemedy("Load the page again.")
	}
	return list.GetFiles()[0].GetContent(), nil
}
