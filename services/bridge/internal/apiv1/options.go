package apiv1

import (
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// mergeOptions changes what the words name and leaves the rest.
func mergeOptions(options *fabricv1.Options, words *bridgev1.FabricOptions) {
	if words == nil {
		return
	}
	setWord(&options.ArchiveStrategy, archiveNames, words.ArchiveStrategy)
	setWord(&options.OnConflict, conflictNames, words.OnConflict)
	setWord(&options.UnknownFields, unknownFieldsNames, words.UnknownFields)
	setWord(&options.ManagedInvalid, managedInvalidNames, words.ManagedInvalid)
	setWord(&options.References, referencesNames, words.References)
	setWord(&options.PublishMode, publishNames, words.PublishMode)
	setWord(&options.Mode, modeNames, words.Mode)
	setWord(&options.ForeignFiles, foreignFilesNames, words.ForeignFiles)
	if words.CommitAuthor != nil {
		options.CommitAuthor = words.GetCommitAuthor()
	}
	if words.CommitCommitter != nil {
		options.CommitCommitter = words.GetCommitCommitter()
	}
	setWord(&options.ServerFields, serverFieldsNames, words.ServerFields)
	if words.UpgradeApiVersions != nil {
		options.UpgradeApiVersions = words.UpgradeApiVersions
	}
	if words.AutoInitialize != nil {
		options.AutoInitialize = words.AutoInitialize
	}
	if words.AllowRepositoryRoot != nil {
		options.AllowRepositoryRoot = words.GetAllowRepositoryRoot()
	}
}

func setWord[E ~int32](target *E, names enumNames[E], word *string) {
	if word != nil {
		*target = names.value(*word)
	}
}

// optionsToAPI shows every option, with its default where none was chosen.
func optionsToAPI(o *fabricv1.Options) *bridgev1.FabricOptions {
	return &bridgev1.FabricOptions{
		ArchiveStrategy:    new(archiveNames.name(o.GetArchiveStrategy())),
		OnConflict:         new(conflictNames.name(o.GetOnConflict())),
		UnknownFields:      new(unknownFieldsNames.name(o.GetUnknownFields())),
		ManagedInvalid:     new(managedInvalidNames.name(o.GetManagedInvalid())),
		References:         new(referencesNames.name(o.GetReferences())),
		PublishMode:        new(publishNames.name(o.GetPublishMode())),
		Mode:               new(modeNames.name(o.GetMode())),
		ForeignFiles:       new(foreignFilesNames.name(o.GetForeignFiles())),
		CommitAuthor:       new(o.GetCommitAuthor()),
		CommitCommitter:    new(o.GetCommitCommitter()),
		ServerFields:       new(serverFieldsNames.name(o.GetServerFields())),
		UpgradeApiVersions: new(o == nil || o.UpgradeApiVersions == nil || o.GetUpgradeApiVersions()),
		AutoInitialize:     new(o == nil || o.AutoInitialize == nil || o.GetAutoInitialize()),

		AllowRepositoryRoot: new(o.GetAllowRepositoryRoot()),
	}
}
