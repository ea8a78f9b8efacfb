package render

import (
	"encoding/json"

	"sigs.k8s.io/yaml"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Resources prints resources, a line each.
func Resources(s *Screen, resources []*bridgev1.Resource) {
	t := newTable(s, 3)
	t.cells("KIND", "NAMESPACE", "NAME", "VALID", "FILE")
	for _, r := range resources {
		t.cells(printable.Line(r.GetKind()), printable.Line(r.GetNamespace()), printable.Line(r.GetName()),
			yesOrNo(r.GetProblem() == nil), printable.Line(r.GetPath()))
	}
	t.end()
}

// Resource prints a resource and what it says.
func Resource(s *Screen, r *bridgev1.Resource) {
	f := s.facts()
	f.add("resource", "%s %s/%s", printable.Line(r.GetKind()), printable.Line(r.GetNamespace()),
		printable.Line(r.GetName()))
	f.add("file", "%s", printable.Line(r.GetPath()))
	f.add("blob", "%s", r.GetBlobId())
	if by := r.GetChangedBy(); by.GetCommit() != "" {
		f.add("changed", "by %s in %s: %s", printable.Line(by.GetName()), by.GetCommit(), printable.Line(by.GetSubject()))
	}
	if p := r.GetProblem(); p != nil {
		f.styled(s.bad, "problem", "%s", printable.Line(p.GetMessage()))
	}
	f.end()
	if content := r.GetContent(); content != nil {
		s.printf("\n%s", s.harmless(yamlOf(content)))
	}
}

// yamlOf writes what a resource says as YAML.
func yamlOf(content *bridgev1.ResourceContent) string {
	says := map[string]any{}
	for name, object := range map[string]interface{ AsMap() map[string]any }{
		"spec": content.GetSpec(), "labels": content.GetLabels(), "annotations": content.GetAnnotations(),
	} {
		if m := object.AsMap(); len(m) > 0 {
			says[name] = m
		}
	}
	raw, err := json.Marshal(says)
	if err == nil {
		raw, err = yaml.JSONToYAML(raw)
	}
	if err != nil {
		return err.Error() + "\n"
	}
	return string(raw)
}

// Edited prints what became of changes of resources.
func Edited(s *Screen, result *bridgev1.EditResult) {
	t := newTable(s, 3)
	t.cells("KIND", "NAMESPACE", "NAME", "EFFECT", "FILE")
	for _, r := range result.GetResources() {
		t.cells(printable.Line(r.GetKind()), printable.Line(r.GetNamespace()), printable.Line(r.GetName()),
			r.GetEffect(), printable.Line(r.GetPath()))
	}
	t.end()
	if result.GetDiff() != "" {
		s.printf("\n")
		diff(s, result.GetDiff(), false)
	}
	f := s.facts()
	f.add("sync", "%s", result.GetSyncId())
	if commit := result.GetCommitSha(); commit != "" {
		f.add("commit", "%s %s", commit, printable.Line(result.GetCommitUrl()))
	}
	if proposal := result.GetPullRequest(); proposal.GetUrl() != "" {
		f.add("proposed", "%s", printable.Line(proposal.GetUrl()))
	}
	f.end()
}
