package console

import (
	"fmt"
	"net/url"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// conflictsPerPage is how many conflicts a page has.
const conflictsPerPage = 100

// showConflicts shows what Git and NetBox changed both.
func (v *visit) showConflicts() error {
	f, err := v.about("conflicts")
	if err != nil {
		return err
	}
	list, err := ask(v, v.api.conflicts.ListConflicts, &bridgev1.ListConflictsRequest{
		FabricId: f.GetFabricId(), State: v.query("state"), Limit: conflictsPerPage, PageToken: v.query("page"),
	})
	unlinked := errs.HasCode(err, errs.NetBoxNotLinked)
	if err != nil && !unlinked {
		return err
	}
	return v.ofFabric("conflicts", f, map[string]any{
		"List": list, "Unlinked": unlinked, "Next": v.nextPage(list.GetNextPageToken()),
	})
}

// conflictView is a conflict, with what somebody has chosen and what it comes to.
type conflictView struct {
	*bridgev1.Conflict

	Choices map[string]choice // by path
	Preview *bridgev1.ResolveConflictResponse
	Problem error
}

// choice is what somebody has chosen for a path.
type choice struct{ Take, Text string }

// Chosen returns the side that is chosen for a path.
func (c *conflictView) Chosen(path string) string { return c.Choices[path].Take }

// Typed returns what was typed for a path.
func (c *conflictView) Typed(path string) string { return c.Choices[path].Text }

// showConflict shows a conflict, each field with what it was and what both sides have made of it.
func (v *visit) showConflict() error {
	f, c, err := v.conflict()
	if err != nil {
		return err
	}
	return v.ofFabric("conflict", f, c)
}

func (v *visit) conflict() (*fabricView, *conflictView, error) {
	f, err := v.about("conflicts")
	if err != nil {
		return nil, nil, err
	}
	answer, err := ask(v, v.api.conflicts.GetConflict,
		&bridgev1.GetConflictRequest{FabricId: f.GetFabricId(), ConflictId: v.r.PathValue("id")})
	if err != nil {
		return nil, nil, err
	}
	return f, &conflictView{Conflict: answer.GetConflict(), Choices: map[string]choice{}}, nil
}

// settleConflict shows what choices come to, or settles the conflict with them, as it was seen.
func (v *visit) settleConflict() error {
	id, err := v.fabricID()
	if err != nil {
		return err
	}
	if !v.May("operator", id) { // who may settle nothing is told so before what they chose is judged
		return errs.New(errs.NotAllowed, "Settling conflicts takes the role of an operator of fabric %d.", id)
	}
	f, c, err := v.conflict()
	if err != nil {
		return err
	}
	request := &bridgev1.ResolveConflictRequest{
		FabricId: f.GetFabricId(), ConflictId: c.GetConflictId(), Version: v.posted("version"),
		ValidateOnly: v.posted("action") != "settle",
	}
	if request.Choices, err = v.choices(c); err == nil {
		c.Preview, err = ask(v, v.api.conflicts.ResolveConflict, request)
	}
	switch {
	case err != nil && errs.KindOf(err) == errs.Unauthenticated:
		return err
	case err != nil:
		c.Problem, c.Preview = errs.From(err), nil
		v.write(statusOf(err), "conflict", view{Title: f.GetName(), Section: "fabrics", Fabric: f, Data: c})
		return nil
	case request.GetValidateOnly():
		return v.ofFabric("conflict", f, c)
	case c.Preview.GetConflict().GetSyncId() != "":
		return v.see(syncPath(c.Preview.GetConflict().GetSyncId()))
	}
	return v.see(fmt.Sprintf("/fabrics/%d/conflicts/%s", f.GetFabricId(), url.PathEscape(c.GetConflictId())))
}

// choices reads what a form chooses for each path of a conflict.
func (v *visit) choices(c *conflictView) ([]*bridgev1.ConflictChoice, error) {
	var chosen []*bridgev1.ConflictChoice
	for i, path := range c.GetPaths() {
		one := choice{v.posted(fmt.Sprintf("take-%d", i)), v.posted(fmt.Sprintf("value-%d", i))}
		c.Choices[path.GetPath()] = one
		made := &bridgev1.ConflictChoice{Path: path.GetPath(), Take: one.Take}
		switch one.Take {
		case "git", "netbox":
		case "value":
			made.Value = &structpb.Value{}
			if err := protojson.Unmarshal([]byte(one.Text), made.GetValue()); err != nil {
				return nil, errs.Field("value", "What is typed for %s is no JSON.", path.GetPath()).
					WithRemedy(`Write it as JSON: a text in quotes ("10.0.0.0/24"), a number, true, false, null, a list or an object.`)
			}
		default:
			return nil, errs.Field("take", "Nothing is chosen for %s.", path.GetPath()).
				WithRemedy("Choose what Git has or what NetBox has, or type a value.")
		}
		chosen = append(chosen, made)
	}
	return chosen, nil
}
