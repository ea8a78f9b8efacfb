package apiv1

import (
	"fmt"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// TestWordsOfTheContract: the words that the contract allows are those of the enums behind it, so that a word which
// passes the rules always has a value.
func TestWordsOfTheContract(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		message proto.Message
		field   protoreflect.Name
		words   []string
	}{
		{&bridgev1.FabricOptions{}, "archive_strategy", archiveNames.words},
		{&bridgev1.FabricOptions{}, "on_conflict", conflictNames.words},
		{&bridgev1.FabricOptions{}, "unknown_fields", unknownFieldsNames.words},
		{&bridgev1.FabricOptions{}, "managed_invalid", managedInvalidNames.words},
		{&bridgev1.FabricOptions{}, "references", referencesNames.words},
		{&bridgev1.FabricOptions{}, "publish_mode", publishNames.words},
		{&bridgev1.FabricOptions{}, "foreign_files", foreignFilesNames.words},
		{&bridgev1.FabricOptions{}, "mode", modeNames.words},
		{&bridgev1.FabricOptions{}, "server_fields", serverFieldsNames.words},
		{&bridgev1.NetBoxLink{}, "direction", directionNames.words},
		{&bridgev1.NetBoxLink{}, "conflict_winner", winnerNames.words},
		{&bridgev1.ConflictPolicy{}, "winner", winnerNames.words},
		{&bridgev1.TriggerSyncRequest{}, "trigger", triggerNames.words},
		{&bridgev1.TriggerOptions{}, "if_running", []string{ifRunningQueue, ifRunningRefuse}},
		{&bridgev1.ListSyncsRequest{}, "status", stateNames.words},
		{&bridgev1.ListSyncsRequest{}, "trigger", triggerNames.words},
		{&bridgev1.SyncStatus{}, "state", stateNames.words},
		{&bridgev1.SyncStatus{}, "trigger", triggerNames.words},
		{&bridgev1.Transition{}, "to", stateNames.words},
		{&bridgev1.Progress{}, "stages_completed", stageNames.words},
		{&bridgev1.Progress{}, "stages_pending", stageNames.words},
		{&bridgev1.PullRequest{}, "state", pullRequestNames.words},
		{&bridgev1.DirectoryChange{}, "change", changeNames.words},
		{&bridgev1.GetDirectoryHealthResponse{}, "status", healthNames.words},
		{&bridgev1.TriggerSyncResponse{}, "status", []string{statusStarted, statusQueued}},
	} {
		field := c.message.ProtoReflect().Descriptor().Fields().ByName(c.field)
		rules, _ := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
		text := rules.GetString()
		if field.IsList() {
			text = rules.GetRepeated().GetItems().GetString()
		}
		if got, want := fmt.Sprint(text.GetIn()), fmt.Sprint(c.words); got != want {
			t.Errorf("%s: the contract allows %s, the enum has %s", field.FullName(), got, want)
		}
	}
}

// TestDefaultsAreFields: what is said to have a default is there.
func TestDefaultsAreFields(t *testing.T) {
	t.Parallel()
	for message, fields := range Defaults() {
		for field := range fields {
			if _, err := protoregistry.GlobalFiles.FindDescriptorByName(message.Append(field)); err != nil {
				t.Errorf("%s has no field %s", message, field)
			}
		}
	}
	options := Defaults()[nameOf(&bridgev1.FabricOptions{})]
	if len(options) != (&bridgev1.FabricOptions{}).ProtoReflect().Descriptor().Fields().Len() {
		t.Errorf("defaults of the options: %v", options)
	}
}
