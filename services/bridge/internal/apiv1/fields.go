package apiv1

import (
	"errors"
	"strings"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// fieldNames has what the requests of the API call the fields of the services behind the bridge.
var fieldNames = map[string]string{
	"from_commit":  "from",
	"to_commit":    "to",
	"since_commit": "since",
	"paths":        "path", // of ListCommits and DiffCommits
	"state":        "status",

	"options.restore_commit":    "commit",
	"options.restore_paths":     "paths",
	"options.retry_paths":       "paths",
	"options.release_paths":     "paths",
	"options.refuse_if_running": "options.if_running",
	"edit_set.mend.path":        "path",

	"location.directory": "gitops_directory",
	"pull_requests":      "options.publish_mode",
}

// prefixes are the messages that a definition and its location are in behind the bridge.
var prefixes = []string{"fabric.", "location."}

// methodFields has what differs for single methods: where they talk of a field that has another name elsewhere.
var methodFields = map[string]map[string]string{
	fabricv1.FabricService_CreateFabric_FullMethodName:     {"directory": "gitops_directory"},
	fabricv1.FabricService_UpdateFabric_FullMethodName:     {"directory": "gitops_directory"},
	gitv1.RepositoryService_CheckConnection_FullMethodName: {"directory": "gitops_directory"},
}

// CallerError returns the error of a method of a service behind the bridge as the caller of the bridge shall see it:
// the field that it names has the name by which the API knows it.
func CallerError(method string, err error) error {
	var e *errs.Error
	if !errors.As(err, &e) || e.Meta[errs.FieldKey] == "" {
		return err
	}
	if ours := callerField(method, e.Meta[errs.FieldKey]); ours != e.Meta[errs.FieldKey] {
		return rename(e, ours)
	}
	return err
}

// Renamed returns an error that names a field in a message as one that names the field alone.
func Renamed(err error, prefix string) error {
	var e *errs.Error
	if !errors.As(err, &e) {
		return err
	}
	ours, inside := strings.CutPrefix(e.Meta[errs.FieldKey], prefix)
	if !inside {
		return err
	}
	return rename(e, ours)
}

func rename(e *errs.Error, ours string) error {
	renamed := *e
	if rest, ok := strings.CutPrefix(e.Message, e.Meta[errs.FieldKey]); ok {
		renamed.Message = ours + rest
	}
	return renamed.WithMeta(errs.FieldKey, ours)
}

// callerField returns what the API calls a field. The number of an entry of a list stays.
func callerField(method, field string) string {
	name, entry := field, ""
	if i := strings.IndexByte(field, '['); i >= 0 {
		name, entry = field[:i], field[i:]
	}
	for {
		if ours, ok := methodFields[method][name]; ok {
			return ours + entry
		}
		if ours, ok := fieldNames[name]; ok {
			return ours + entry
		}
		shorter := withoutPrefix(name)
		if shorter == name {
			return name + entry
		}
		name = shorter
	}
}

func withoutPrefix(name string) string {
	for _, prefix := range prefixes {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest
		}
	}
	return name
}
