package errs

// IsAboutOthers reports whether findings of a code say that a resource names or collides with others, or makes a fabric
// refuse others: they come first among warnings.
func IsAboutOthers(id string) bool {
	switch id {
	case ReferenceMissing.ID, PortConflict.ID, VLANOutOfRange.ID, SubnetConflict.ID, ReferenceOrphaned.ID,
		ConnectionUntyped.ID:
		return true
	}
	return false
}

// NoFabric returns the error of a fabric that is not there, also for one that whoever asks may not know of.
func NoFabric(id int32) *Error { return New(FabricNotFound, "There is no fabric %d.", id) }

// NoSync returns the error of a sync that is not there, also for one that whoever asks may not know of.
func NoSync(id string) *Error { return New(SyncNotFound, "There is no sync %s.", id) }
