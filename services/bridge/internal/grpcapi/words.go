package grpcapi

import (
	"slices"
	"strings"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// vocabulary translates between the values of an enum and the lower-case words of the JSON contract. The words are the
// names of the values without the name of the enum, so the two can't drift apart.
type vocabulary[E ~int32] struct {
	words    []string     // in the order of the values, without the unspecified one
	values   map[string]E // by word
	byValue  map[E]string // words
	fallback E            // what an absent word means
}

func newVocabulary[E ~int32](names map[int32]string, prefix string, fallback E) vocabulary[E] {
	v := vocabulary[E]{values: map[string]E{}, byValue: map[E]string{}, fallback: fallback}
	for n := int32(1); n < int32(len(names)); n++ {
		word := strings.ToLower(strings.TrimPrefix(names[n], prefix))
		v.words = append(v.words, word)
		v.values[word] = E(n)
		v.byValue[E(n)] = word
	}
	v.byValue[0] = v.byValue[fallback]
	return v
}

var (
	stateWords   = newVocabulary(syncv1.State_name, "STATE_", syncv1.State_STATE_UNSPECIFIED)
	stageWords   = newVocabulary(syncv1.Stage_name, "STAGE_", syncv1.Stage_STAGE_UNSPECIFIED)
	triggerWords = newVocabulary(syncv1.Trigger_name, "TRIGGER_", syncv1.Trigger_TRIGGER_MANUAL)
	changeWords  = newVocabulary(gitv1.FileChangeKind_name, "FILE_CHANGE_KIND_",
		gitv1.FileChangeKind_FILE_CHANGE_KIND_UNSPECIFIED)
	healthWords = newVocabulary(fabricv1.DirectoryStatus_name, "DIRECTORY_STATUS_",
		fabricv1.DirectoryStatus_DIRECTORY_STATUS_UNSPECIFIED)

	archiveWords = newVocabulary(fabricv1.ArchiveStrategy_name, "ARCHIVE_STRATEGY_",
		fabricv1.ArchiveStrategy_ARCHIVE_STRATEGY_NONE)
	conflictWords      = newVocabulary(fabricv1.OnConflict_name, "ON_CONFLICT_", fabricv1.OnConflict_ON_CONFLICT_UPDATE)
	unknownFieldsWords = newVocabulary(fabricv1.UnknownFields_name, "UNKNOWN_FIELDS_",
		fabricv1.UnknownFields_UNKNOWN_FIELDS_WARN)
	referencesWords = newVocabulary(fabricv1.References_name, "REFERENCES_", fabricv1.References_REFERENCES_WARN)
	publishWords    = newVocabulary(fabricv1.PublishMode_name, "PUBLISH_MODE_",
		fabricv1.PublishMode_PUBLISH_MODE_DIRECT)
	pullRequestWords = newVocabulary(gitv1.PullRequestState_name, "PULL_REQUEST_STATE_",
		gitv1.PullRequestState_PULL_REQUEST_STATE_UNSPECIFIED)
	managedInvalidWords = newVocabulary(fabricv1.ManagedInvalid_name, "MANAGED_INVALID_",
		fabricv1.ManagedInvalid_MANAGED_INVALID_REPORT)
)

// word returns the word of a value; an unspecified value has that of what it means.
func (v vocabulary[E]) word(value E) string { return v.byValue[value] }

// parse returns the value of a word; an absent word is what it means by default.
func (v vocabulary[E]) parse(field, word string) (E, error) {
	if word == "" {
		return v.fallback, nil
	}
	if value, ok := v.values[word]; ok {
		return value, nil
	}
	return 0, invalid(field, "%s is %q; allowed is %s.", field, word, strings.Join(v.words, ", "))
}

// filter is parse for filters, where an absent word lets everything pass.
func (v vocabulary[E]) filter(field, word string) (E, error) {
	if word == "" {
		return 0, nil
	}
	return v.parse(field, word)
}

// list returns the words of several values.
func (v vocabulary[E]) list(values []E) []string {
	out := make([]string, 0, len(values))
	for _, value := range values {
		out = append(out, v.word(value))
	}
	return out
}

// without returns the words that are neither among those seen nor the one at hand.
func (v vocabulary[E]) without(seen []string, current string) []string {
	out := []string{}
	for _, word := range v.words {
		if word != current && !slices.Contains(seen, word) {
			out = append(out, word)
		}
	}
	return out
}
