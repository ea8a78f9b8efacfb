package apiv1

import (
	"slices"
	"strings"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// enumNames translates between the values of an enum and the lower-case words of the JSON contract. The words are the
// names of the values without the name of the enum, so the two can't drift apart. What words a request may have is said
// in the contract.
type enumNames[E ~int32] struct {
	words    []string     // in the order of the values, without the unspecified one
	values   map[string]E // by word
	byValue  map[E]string // words
	fallback E            // what an absent word means
}

func newEnumNames[E ~int32](names map[int32]string, prefix string, fallback E) enumNames[E] {
	e := enumNames[E]{values: map[string]E{}, byValue: map[E]string{}, fallback: fallback}
	for n := int32(1); n < int32(len(names)); n++ {
		word := strings.ToLower(strings.TrimPrefix(names[n], prefix))
		e.words = append(e.words, word)
		e.values[word] = E(n)
		e.byValue[E(n)] = word
	}
	e.byValue[0] = e.byValue[fallback]
	return e
}

var (
	stateNames   = newEnumNames(syncv1.State_name, "STATE_", syncv1.State_STATE_UNSPECIFIED)
	stageNames   = newEnumNames(syncv1.Stage_name, "STAGE_", syncv1.Stage_STAGE_UNSPECIFIED)
	triggerNames = newEnumNames(syncv1.Trigger_name, "TRIGGER_", syncv1.Trigger_TRIGGER_MANUAL)
	changeNames  = newEnumNames(gitv1.FileChangeKind_name, "FILE_CHANGE_KIND_",
		gitv1.FileChangeKind_FILE_CHANGE_KIND_UNSPECIFIED)
	healthNames = newEnumNames(fabricv1.DirectoryStatus_name, "DIRECTORY_STATUS_",
		fabricv1.DirectoryStatus_DIRECTORY_STATUS_UNSPECIFIED)
	archiveNames = newEnumNames(fabricv1.ArchiveStrategy_name, "ARCHIVE_STRATEGY_",
		fabricv1.ArchiveStrategy_ARCHIVE_STRATEGY_NONE)
	conflictNames      = newEnumNames(fabricv1.OnConflict_name, "ON_CONFLICT_", fabricv1.OnConflict_ON_CONFLICT_UPDATE)
	unknownFieldsNames = newEnumNames(fabricv1.UnknownFields_name, "UNKNOWN_FIELDS_",
		fabricv1.UnknownFields_UNKNOWN_FIELDS_WARN)
	referencesNames = newEnumNames(fabricv1.References_name, "REFERENCES_", fabricv1.References_REFERENCES_WARN)
	publishNames    = newEnumNames(fabricv1.PublishMode_name, "PUBLISH_MODE_",
		fabricv1.PublishMode_PUBLISH_MODE_DIRECT)
	modeNames         = newEnumNames(fabricv1.Mode_name, "MODE_", fabricv1.Mode_MODE_ON)
	serverFieldsNames = newEnumNames(fabricv1.ServerFields_name, "SERVER_FIELDS_",
		fabricv1.ServerFields_SERVER_FIELDS_WARN)
	pullRequestNames = newEnumNames(gitv1.PullRequestState_name, "PULL_REQUEST_STATE_",
		gitv1.PullRequestState_PULL_REQUEST_STATE_UNSPECIFIED)
	managedInvalidNames = newEnumNames(fabricv1.ManagedInvalid_name, "MANAGED_INVALID_",
		fabricv1.ManagedInvalid_MANAGED_INVALID_REPORT)
	directionNames   = newEnumNames(fabricv1.Direction_name, "DIRECTION_", fabricv1.Direction_DIRECTION_BOTH)
	winnerNames      = newEnumNames(fabricv1.Winner_name, "WINNER_", fabricv1.Winner_WINNER_HOLD)
	roleNames        = newEnumNames(accessv1.Role_name, "ROLE_", accessv1.Role_ROLE_UNSPECIFIED)
	rightNames       = newEnumNames(accessv1.Right_name, "RIGHT_", accessv1.Right_RIGHT_UNSPECIFIED)
	fabricStateNames = newEnumNames(fabricv1.FabricState_name, "FABRIC_STATE_",
		fabricv1.FabricState_FABRIC_STATE_UNSPECIFIED)
	fabricOrderNames = newEnumNames(fabricv1.FabricOrder_name, "FABRIC_ORDER_",
		fabricv1.FabricOrder_FABRIC_ORDER_FABRIC_ID)
	foreignFilesNames = newEnumNames(fabricv1.ForeignFiles_name, "FOREIGN_FILES_",
		fabricv1.ForeignFiles_FOREIGN_FILES_LEAVE)
)

// name returns the word of a value; an unspecified value has that of what it means.
func (e enumNames[E]) name(value E) string { return e.byValue[value] }

// value returns the value of a word; an absent word is what it means by default.
func (e enumNames[E]) value(word string) E {
	if word == "" {
		return e.fallback
	}
	return e.values[word]
}

// filter is value for filters, where an absent word lets everything pass.
func (e enumNames[E]) filter(word string) E { return e.values[word] }

// list returns the words of several values.
func (e enumNames[E]) list(values []E) []string {
	out := make([]string, 0, len(values))
	for _, value := range values {
		out = append(out, e.name(value))
	}
	return out
}

// without returns the words that are neither among those seen nor the one at hand.
func (e enumNames[E]) without(seen []string, current string) []string {
	out := []string{}
	for _, word := range e.words {
		if word != current && !slices.Contains(seen, word) {
			out = append(out, word)
		}
	}
	return out
}
