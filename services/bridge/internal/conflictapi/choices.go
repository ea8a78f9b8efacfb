package conflictapi

import (
	"fmt"
	"strings"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/merge"
)

// choicesOf returns what is taken at each path of a conflict: what a choice says for it, and for all others what the
// request says for all. A path that neither is for is refused, and a choice that is for no path.
func choicesOf(c *netboxv1.Conflict, req *bridgev1.ResolveConflictRequest) ([]*netboxv1.Choice, error) {
	paths, made := pathsOf(c), map[string]*netboxv1.Choice{}
	contested := make(map[string]bool, len(paths))
	for _, path := range paths {
		contested[path] = true
	}
	for i, choice := range req.GetChoices() {
		one, err := choiceFromProto(fmt.Sprintf("choices[%d]", i), choice)
		switch {
		case err != nil:
			return nil, err
		case !contested[one.GetPath()]:
			return nil, errs.Field(fmt.Sprintf("choices[%d].path", i), "choices[%d].path is %s, where there is no conflict.", i,
				one.GetPath()).WithRemedy("Choose for a path of the conflict: %s.", listed(paths))
		case made[one.GetPath()] != nil:
			return nil, errs.Field(fmt.Sprintf("choices[%d].path", i), "choices[%d].path is %s, which an earlier one is for.",
				i, one.GetPath())
		}
		made[one.GetPath()] = one
	}
	var all []*netboxv1.Choice
	var missing []string
	for _, path := range paths {
		switch {
		case made[path] != nil:
			all = append(all, made[path])
		case req.GetTake() != "":
			all = append(all, &netboxv1.Choice{Path: path, Take: req.GetTake()})
		default:
			missing = append(missing, path)
		}
	}
	if len(missing) > 0 {
		return nil, errs.New(errs.ConflictUnsettled, "Nothing says what is taken at %s.", listed(missing)).
			WithMeta(errs.FieldKey, "choices")
	}
	return all, nil
}

// choiceFromProto reads a choice, whose path may have quotes where none are needed.
func choiceFromProto(field string, choice *bridgev1.ConflictChoice) (*netboxv1.Choice, error) {
	path, err := merge.ParsePath(choice.GetPath())
	if err != nil {
		return nil, errs.Field(field+".path", "%s.path is no path: %v.", field, err)
	}
	if choice.GetValue() != nil && choice.GetTake() != string(merge.Given) {
		return nil, errs.Field(field+".value", "%s.value goes with take: value alone.", field)
	}
	out := &netboxv1.Choice{Path: string(path), Take: choice.GetTake()}
	if choice.GetValue() == nil {
		return out, nil
	}
	if err := apiv1.CheckExact(field+".value", choice.GetValue()); err != nil {
		return nil, err
	}
	if out.Value, err = choice.GetValue().MarshalJSON(); err != nil {
		return nil, errs.Field(field+".value", "%s.value has a value that JSON does not know.", field).WithCause(err)
	}
	return out, nil
}

func pathsOf(c *netboxv1.Conflict) []string {
	var paths []string
	for _, p := range c.GetPaths() {
		paths = append(paths, p.GetPath())
	}
	return paths
}

// mostListed is how many paths an error names.
const mostListed = 10

func listed(paths []string) string {
	text := strings.Join(paths[:min(len(paths), mostListed)], ", ")
	if more := len(paths) - mostListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
