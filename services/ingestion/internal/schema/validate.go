package schema

import (
	"context"
	"strings"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// judgeVersion judges the document by one version of its kind, read as if it stated the API version as.
func (j *judge) judgeVersion(ctx context.Context, k *kind, v *apiVersion, as string) {
	if j.Identity.Name != "" && k.namespaced && v.certainResource(j.root) {
		return
	}
	object, _ := yamldoc.Value(j.root).(map[string]any)
	if as != "" {
		object["apiVersion"] = as
	}
	unknown := j.judgeMetadata(object, k)
	unknown = append(unknown, prune(object, v)...)
	defaulting.PruneNonNullableNullsWithoutDefaults(object, v.structural)
	defaulting.Default(object, v.structural)
	if v.hasStatus {
		delete(object, "status")
	}
	problems := validation.ValidateCustomResource(nil, object, v.validator)
	problems = append(problems, objectmeta.Validate(ctx, nil, object, v.structural, false)...)
	problems = append(problems, listtype.ValidateListSetsAndMaps(nil, v.structural, object)...)
	if v.rules != nil && len(problems) == 0 {
		broken, _ := v.rules.Validate(ctx, nil, v.structural, object, nil, celconfig.RuntimeCELCostBudget)
		problems = append(problems, broken...)
	}
	j.report(errs.SchemaMismatch, problems)
	for _, name := range unknown {
		j.unknown(name, v.meant(name))
	}
}

// prune drops the fields that the schema does not know, as a cluster does, and names them.
func prune(object map[string]any, v *apiVersion) []string {
	options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	return pruning.PruneWithOptions(object, v.structural, true, options)
}

// judgeMetadata applies the rules for names, labels and annotations, and returns the fields that no metadata has.
func (j *judge) judgeMetadata(object map[string]any, k *kind) []string {
	if _, isMap := object["metadata"].(map[string]any); !isMap {
		j.fail(errs.ValidationFailed, "metadata", "metadata is missing or not a mapping")
		return nil
	}
	options := objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true}
	metadata, _, unknown, err := objectmeta.GetObjectMetaWithOptions(object, options)
	if err != nil {
		j.fail(errs.ValidationFailed, malformedField(object), "a field of metadata has the wrong type")
		return nil
	}
	if metadata.Name == "" {
		j.fail(errs.ValidationFailed, "metadata.name", "metadata.name is missing; a resource kept in Git needs one")
		return nil
	}
	if k.namespaced && metadata.Namespace == "" {
		metadata.Namespace = DefaultNamespace
	}
	problems := metavalidation.ValidateObjectMeta(metadata, k.namespaced, metavalidation.NameIsDNSSubdomain,
		field.NewPath("metadata"))
	j.report(errs.ValidationFailed, problems)
	return unknown
}

// malformedField names the metadata field that is of the wrong type.
func malformedField(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	for _, name := range []string{"name", "namespace", "generateName"} {
		if value, there := metadata[name]; there {
			if _, isText := value.(string); !isText {
				return "metadata." + name
			}
		}
	}
	for _, name := range []string{"labels", "annotations"} {
		pairs, isMap := metadata[name].(map[string]any)
		if _, there := metadata[name]; there && !isMap {
			return "metadata." + name
		}
		for key, value := range pairs {
			if _, isText := value.(string); !isText {
				return "metadata." + name + "." + key
			}
		}
	}
	return "metadata"
}

// unknown notes a field that the schema does not know, and the one that may be meant, if there is one.
func (j *judge) unknown(name, meant string) {
	f := finding.Finding{
		Code: errs.UnknownField, Warning: true, Field: name,
		Message: "the schema does not know the field " + name,
	}
	if meant != "" {
		f.Message += "; perhaps " + meant + " is meant"
	}
	if j.options.RejectUnknown {
		f.Code, f.Warning, f.Remedy = errs.SchemaMismatch, false, errs.UnknownField.Remedy
		j.failed = true
	}
	j.add(f)
}

// report turns field errors into findings, without the values that they name.
func (j *judge) report(code errs.Code, problems field.ErrorList) {
	for _, p := range problems {
		if p.Field == "<nil>" && len(problems) > 1 {
			continue // said a second time, without the place: a number that is no integer
		}
		message := p.Field + ": " + p.Type.String()
		if p.Detail != "" && p.Type != field.ErrorTypeTooLong {
			message += ": " + p.Detail
		}
		j.fail(code, p.Field, strings.TrimPrefix(message, ": "))
	}
}
