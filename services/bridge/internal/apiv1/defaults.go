package apiv1

import (
	"cmp"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// How many entries a list has when the request does not say.
const (
	DefaultFabrics     = 40
	DefaultLinks       = 500
	DefaultSyncs       = 50
	DefaultFiles       = 1000
	DefaultChanges     = 1000
	DefaultQuarantine  = 500
	DefaultCommits     = 50
	DefaultDeadLetters = 100
	DefaultTokens      = 500
	DefaultAudit       = 100
	DefaultActions     = 200
	DefaultReceipts    = 100
	DefaultConflicts   = 100
	DefaultResources   = 100
	DefaultPastChanges = 20
	DefaultDiffLines   = 5000
)

// Limit returns how many entries a list has at most.
func Limit(asked, byDefault int32) int32 { return cmp.Or(asked, byDefault) }

// Defaults returns what absent fields mean, for who describes the API: of messages, by the names of their fields.
func Defaults() map[protoreflect.FullName]map[protoreflect.Name]any {
	limit := func(n int) map[protoreflect.Name]any { return map[protoreflect.Name]any{"limit": n} }
	branch := map[protoreflect.Name]any{"branch": DefaultBranch}
	options := optionsToAPI(nil)
	return map[protoreflect.FullName]map[protoreflect.Name]any{
		nameOf(&bridgev1.ListFabricsRequest{}):          limit(DefaultFabrics),
		nameOf(&bridgev1.ListSyncsRequest{}):            limit(DefaultSyncs),
		nameOf(&bridgev1.ListAllSyncsRequest{}):         limit(DefaultSyncs),
		nameOf(&bridgev1.GetSyncPlanRequest{}):          limit(DefaultActions),
		nameOf(&bridgev1.GetSyncDiffRequest{}):          limit(DefaultDiffLines),
		nameOf(&bridgev1.ListFilesRequest{}):            limit(DefaultFiles),
		nameOf(&bridgev1.ListDirectoryChangesRequest{}): limit(DefaultChanges),
		nameOf(&bridgev1.ListQuarantineRequest{}):       limit(DefaultQuarantine),
		nameOf(&bridgev1.ListCommitsRequest{}):          limit(DefaultCommits),
		nameOf(&bridgev1.ListDeadLettersRequest{}):      limit(DefaultDeadLetters),
		nameOf(&bridgev1.ListTokensRequest{}):           limit(DefaultTokens),
		nameOf(&bridgev1.ListAuditRequest{}):            limit(DefaultAudit),
		nameOf(&bridgev1.ListReceiptsRequest{}):         limit(DefaultReceipts),
		nameOf(&bridgev1.ListConflictsRequest{}):        limit(DefaultConflicts),
		nameOf(&bridgev1.ListNetBoxFabricsRequest{}):    limit(DefaultLinks),
		nameOf(&bridgev1.ListResourcesRequest{}):        limit(DefaultResources),
		nameOf(&bridgev1.ListResourceChangesRequest{}):  limit(DefaultPastChanges),
		nameOf(&bridgev1.CreateFabricRequest{}):         {"branch": DefaultBranch, "sync_interval_seconds": DefaultInterval},
		nameOf(&bridgev1.CheckConnectionRequest{}):      branch,
		nameOf(&bridgev1.TriggerSyncRequest{}):          {"trigger": triggerNames.name(0)},
		nameOf(&bridgev1.TriggerOptions{}):              {"if_running": ifRunningQueue, "include_github_sync": true},
		nameOf(options):                                 fieldsOf(options),
	}
}

func nameOf(m proto.Message) protoreflect.FullName { return m.ProtoReflect().Descriptor().FullName() }

func fieldsOf(m proto.Message) map[protoreflect.Name]any {
	out := map[protoreflect.Name]any{}
	m.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		out[field.Name()] = value.Interface()
		return true
	})
	return out
}
