package schema

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	apiversion "k8s.io/apimachinery/pkg/version"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Options are the choices of a fabric that a verdict depends on.
type Options struct {
	RejectUnknown bool // unknown fields are errors, not warnings
	Upgrade       bool // accept older versions that fit the served one
	StripServer   bool // what only a cluster writes is left out of what goes to managed/
}

// Verdict is what a document is worth.
type Verdict struct {
	Identity   hedgehog.ResourceID // zero when it could not be read
	APIVersion string              // as the document states it
	Plural     string              // plural of the kind, when the kind is known
	UpgradeTo  string              // API version to write instead of the stated one
	Valid      bool
	Findings   []finding.Finding // lines count in the document
	Cut        finding.Counts    // what is not among them
}

// DefaultNamespace is the namespace of documents that name none.
const DefaultNamespace = "default"

// maxFindings bounds what is said about one document under one code.
const maxFindings = 10

// Check judges a document that has passed yamldoc.Parse; root may be nil.
func (s *Set) Check(ctx context.Context, root *yaml.Node, options Options) Verdict {
	j := &judge{set: s, root: root, options: options}
	j.run(ctx)
	j.Valid = !j.failed
	if j.Valid && strings.Contains(j.Identity.Name, ".") {
		j.add(finding.Finding{
			Code: errs.NameWithDots, Warning: true, Field: "metadata.name",
			Message: "a cluster takes names with dots, and HNP does not: NetBox will not show the resource",
		})
	}
	j.sayCut()
	return j.Verdict
}

// sayCut says which findings are not listed.
func (j *judge) sayCut() {
	if len(j.Cut) == 0 {
		return
	}
	parts := make([]string, len(j.Cut))
	for i, c := range j.Cut {
		parts[i] = fmt.Sprintf("%d of %s %s", c.Number, c.Code.ID, c.Code.Name)
	}
	j.add(finding.Finding{
		Code: errs.FindingsCut, Warning: true,
		Message: "there is more to say of the document than is listed: " + strings.Join(parts, ", "),
	})
}

// judge is one check under way.
type judge struct {
	Verdict
	set     *Set
	root    *yaml.Node
	options Options
	failed  bool
}

func (j *judge) run(ctx context.Context) {
	if !j.readRoot() {
		return
	}
	group, versionName := splitVersion(j.APIVersion)
	kindName := yamldoc.Text(j.root, "kind")
	k := j.findKind(group, kindName)
	if k == nil {
		return
	}
	j.Plural = k.plural
	j.readIdentity(group, kindName)
	if v := k.versions[versionName]; v != nil {
		j.judgeVersion(ctx, k, v, "")
		return
	}
	j.judgeOther(ctx, k, versionName)
}

// readRoot makes sure of what every resource has: a mapping with apiVersion and kind.
func (j *judge) readRoot() bool {
	switch {
	case j.root == nil || j.root.Kind == yaml.ScalarNode && yamldoc.Resolve(j.root).Type == yamldoc.Null:
		j.fail(errs.EmptyDocument, "", "the document is empty")
		return false
	case j.root.Kind != yaml.MappingNode:
		j.fail(errs.ValidationFailed, "", "the document is not a mapping")
		return false
	}
	j.APIVersion = yamldoc.Text(j.root, "apiVersion")
	for _, field := range []string{"apiVersion", "kind"} {
		if yamldoc.Text(j.root, field) == "" {
			j.fail(errs.ValidationFailed, field, field+" is missing or not text")
		}
	}
	return !j.failed
}

func splitVersion(text string) (group, name string) {
	group, name, found := strings.Cut(text, "/")
	if !found {
		return "", text
	}
	return group, name
}

func (j *judge) findKind(group, kindName string) *kind {
	if j.set.operatorWritten(group, kindName) {
		j.readIdentity(group, kindName)
		j.fail(errs.UnsupportedResource, "kind", fmt.Sprintf("%s is written by an operator, not by people", kindName))
		return nil
	}
	k := j.set.kinds[groupKind{group, kindName}]
	if k != nil {
		return k
	}
	j.readIdentity(group, kindName)
	switch {
	case yamldoc.IsList(j.root):
		j.add(finding.Finding{
			Code: errs.UnsupportedResource, Field: "kind",
			Message: "the list can't be taken apart: its items hang together, are no mappings, or share lines with what the list " +
				"says",
			Remedy: "Write each item of the list as a document of its own, separated by \"---\".",
		})
		j.failed = true
	case j.set.groups[group]:
		j.fail(errs.UnsupportedResource, "kind", fmt.Sprintf("%s has no kind %s", group, kindName))
	default:
		j.fail(errs.UnsupportedResource, "apiVersion", fmt.Sprintf("%s %s is not among the kinds that can be ingested",
			j.APIVersion, kindName))
	}
	return nil
}

func (j *judge) readIdentity(group, kindName string) {
	_, metadata := yamldoc.Field(j.root, "metadata")
	for metadata != nil && metadata.Kind == yaml.AliasNode {
		metadata = metadata.Alias
	}
	name := yamldoc.Text(metadata, "name")
	if name == "" {
		return
	}
	j.Identity = hedgehog.ResourceID{
		Group: group, Kind: kindName, Namespace: yamldoc.Text(metadata, "namespace"),
		Name: name,
	}
	if j.Identity.Namespace == "" {
		j.Identity.Namespace = DefaultNamespace
	}
}

// judgeOther handles versions that are not served: older ones are judged by the served one.
func (j *judge) judgeOther(ctx context.Context, k *kind, versionName string) {
	group := j.Identity.Group
	if group == "" {
		group, _ = splitVersion(j.APIVersion)
	}
	served := group + "/" + k.preferred
	if apiversion.CompareKubeAwareVersionStrings(versionName, k.preferred) > 0 || !looksLikeVersion(versionName) {
		j.fail(errs.UnsupportedResource, "apiVersion", fmt.Sprintf("version %s of the kind is not known; %s is", versionName,
			k.preferred))
		return
	}
	if !j.options.Upgrade {
		j.fail(errs.OldAPIVersion, "apiVersion", fmt.Sprintf("version %s is no longer served; %s is", versionName,
			k.preferred))
		return
	}
	trial := &judge{set: j.set, root: j.root, options: Options{RejectUnknown: true}}
	trial.Identity = j.Identity
	trial.judgeVersion(ctx, k, k.versions[k.preferred], served)
	if trial.failed {
		first := trial.Findings[0]
		first.Code = errs.OldAPIVersion
		first.Message = fmt.Sprintf("version %s is no longer served, and the document does not fit %s: %s", versionName,
			k.preferred, first.Message)
		first.Remedy = fmt.Sprintf("Write the document in %s: set apiVersion to %s and correct the named field.", k.preferred,
			served)
		j.add(first)
		j.failed = true
		return
	}
	j.UpgradeTo = served
	j.add(finding.Finding{
		Code: errs.OldAPIVersion, Warning: true, Field: "apiVersion",
		Message: fmt.Sprintf("version %s is no longer served; the document fits %s", versionName, k.preferred),
	})
}

var versionForm = regexp.MustCompile(`^v[1-9][0-9]*(?:(?:alpha|beta)[1-9][0-9]*)?$`)

// looksLikeVersion reports whether a text is of the kind of v1 and v2alpha3.
func looksLikeVersion(name string) bool { return versionForm.MatchString(name) }

// fail adds an error.
func (j *judge) fail(code errs.Code, field, message string) {
	j.failed = true
	j.add(finding.Finding{Code: code, Field: field, Message: message})
}

// add notes a finding at the place of its field, unless there are enough of its code.
func (j *judge) add(f finding.Finding) {
	if j.said(f) == maxFindings {
		j.Cut.Add(f.Code, f.Warning, 1)
		return
	}
	if place := locate(j.root, f.Field); place != nil && f.Line == 0 {
		f.Line, f.Column = place.Line, place.Column
	}
	j.Findings = append(j.Findings, f)
}

// said returns how many findings are listed that are of the kind of one.
func (j *judge) said(f finding.Finding) int {
	n := 0
	for i := range j.Findings {
		if j.Findings[i].Code == f.Code && j.Findings[i].Warning == f.Warning {
			n++
		}
	}
	return n
}
