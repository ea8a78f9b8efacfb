package grpcapi

import (
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// mergeOptions changes what the words name and leaves the rest.
func mergeOptions(options *fabricv1.Options, words *bridgev1.FabricOptions) error {
	for _, err := range []error{
		mergeWord(&options.ArchiveStrategy, archiveWords, "options.archive_strategy", words.GetArchiveStrategy(),
			words != nil && words.ArchiveStrategy != nil),
		mergeWord(&options.OnConflict, conflictWords, "options.on_conflict", words.GetOnConflict(), words != nil &&
			words.OnConflict != nil),
		mergeWord(&options.UnknownFields, unknownFieldsWords, "options.unknown_fields", words.GetUnknownFields(),
			words != nil && words.UnknownFields != nil),
		mergeWord(&options.ManagedInvalid, managedInvalidWords, "options.managed_invalid", words.GetManagedInvalid(),
			words != nil && words.ManagedInvalid != nil),
		mergeWord(&options.PublishMode, publishWords, "options.publish_mode", words.GetPublishMode(), words != nil &&
			words.PublishMode != nil),
		mergeWord(&options.References, referencesWords, "options.references", words.GetReferences(), words != nil &&
			words.References != nil),
	} {
		if err != nil {
			return err
		}
	}
	if words != nil && words.UpgradeApiVersions != nil {
		options.UpgradeApiVersions = words.UpgradeApiVersions
	}
	if words != nil && words.AutoInitialize != nil {
		options.AutoInitialize = words.AutoInitialize
	}
	return nil
}

func mergeWord[E ~int32](target *E, words vocabulary[E], field, word string, named bool) error {
	if !named {
		return nil
	}
	value, err := words.parse(field, word)
	if err == nil {
		*target = value
	}
	return err
}

// optionsToAPI shows every option, with its default where none was chosen.
func optionsToAPI(o *fabricv1.Options) *bridgev1.FabricOptions {
	archive, conflict := archiveWords.word(o.GetArchiveStrategy()), conflictWords.word(o.GetOnConflict())
	unknown, managed := unknownFieldsWords.word(o.GetUnknownFields()), managedInvalidWords.word(o.GetManagedInvalid())
	references, publish := referencesWords.word(o.GetReferences()), publishWords.word(o.GetPublishMode())
	upgrade, initialize := true, true
	if o != nil && o.UpgradeApiVersions != nil {
		upgrade = o.GetUpgradeApiVersions()
	}
	if o != nil && o.AutoInitialize != nil {
		initialize = o.GetAutoInitialize()
	}
	return &bridgev1.FabricOptions{
		ArchiveStrategy: &archive, OnConflict: &conflict, UnknownFields: &unknown, ManagedInvalid: &managed,
		References: &references, PublishMode: &publish, UpgradeApiVersions: &upgrade, AutoInitialize: &initialize,
	}
}
