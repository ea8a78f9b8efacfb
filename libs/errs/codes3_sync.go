package errs

// Codes of the 3xxx family: the sync.
var (
	SyncAlreadyInProgress = Code{
		"FGD_3001", Conflict, "SYNC_ALREADY_IN_PROGRESS",
		"Wait for the active sync to end, or trigger without if_running: refuse.",
	}
	SyncTimeout = Code{
		"FGD_3002", Deadline, "SYNC_TIMEOUT",
		"Start the sync again; raise sync_timeout if the repository is large.",
	}
	SyncCancelled     = Code{"FGD_3003", Cancelled, "SYNC_CANCELLED", "Start the sync again when it is wanted."}
	SyncFailed        = Code{"FGD_3004", Internal, "SYNC_FAILED", "See the errors of the sync."}
	MassDeleteRefused = Code{
		"FGD_3005", Precondition, "MASS_DELETE_REFUSED",
		"Look through the list and start the sync with force if the deletions are wanted.",
	}
	FabricNotFound = Code{
		"FGD_3006", NotFound, "FABRIC_NOT_FOUND",
		"Look which fabrics there are: fgd fabric list; fgd fabric register, or POST /api/v1/fabrics, registers one.",
	}
	SyncNotFound = Code{
		"FGD_3007", NotFound, "SYNC_NOT_FOUND",
		"See the list of syncs of its fabric; ended ones are forgotten after history_retention.",
	}
	FabricExists = Code{
		"FGD_3008", Exists, "FABRIC_EXISTS",
		"Use another number and name, or update the registered fabric: fgd fabric update.",
	}
	IllegalTransition = Code{
		"FGD_3009", Precondition, "ILLEGAL_TRANSITION",
		"The sync has moved on; read its status again.",
	}
	LockLost = Code{
		"FGD_3010", Conflict, "LOCK_LOST",
		"Nothing to do; another worker carries on with the sync.",
	}
	FabricSuspended = Code{
		"FGD_3011", Precondition, "FABRIC_SUSPENDED",
		"Resume the fabric when its syncs are wanted again: POST /api/v1/fabrics/{fabric_id}:resume.",
	}
	FabricChanged      = Code{"FGD_3012", Conflict, "FABRIC_CHANGED", "Read the fabric again and repeat the change."}
	DeadLetterNotFound = Code{
		"FGD_3013", NotFound, "DEAD_LETTER_NOT_FOUND",
		"List the dead letters; this one may have been replayed already.",
	}
	NoCompletedSync = Code{
		"FGD_3014", Precondition, "NO_COMPLETED_SYNC",
		"Sync the fabric first, or name a commit to compare with.",
	}
	FenceIgnored = Code{
		"FGD_3015", Invalid, "FENCE_IGNORED",
		"Nothing to do; the next commit of a sync takes its place. Whoever wrote the commit should leave the trailer out.",
	}
	LastSyncUnknown = Code{
		"FGD_3016", Precondition, "LAST_SYNC_UNKNOWN",
		"Compare the directory with an earlier commit (fgd history, fgd diff); after this sync it is known again.",
	}
	NetBoxChanged   = Code{"FGD_3017", Conflict, "NETBOX_CHANGED", "Read it again and repeat the change."}
	NetBoxNotLinked = Code{
		"FGD_3018", Precondition, "NETBOX_NOT_LINKED",
		"Link the fabric to its record in NetBox: fgd fabric update FABRIC --netbox.",
	}
	SyncOverdue = Code{
		"FGD_3019", Unavailable, "SYNC_OVERDUE",
		"See in the health what keeps syncs waiting, and start one: POST /api/v1/fabrics/{fabric_id}/syncs.",
	}
	FilesInQuarantine = Code{
		"FGD_3020", Precondition, "FILES_IN_QUARANTINE",
		"See why each is there: GET /api/v1/fabrics/{fabric_id}/quarantine. Mend them, and let the next sync take them.",
	}
	WaitTimeout = Code{
		"FGD_3021", Deadline, "WAIT_TIMEOUT",
		"Go on waiting with fgd sync watch, or look at it with fgd sync show; fgd sync cancel ends it.",
	}
	FabricNotOn = Code{
		"FGD_3030", Precondition, "FABRIC_NOT_ON",
		"Look at what a dry run says, and set options.mode to on when syncs may publish: fgd fabric update FABRIC --mode on.",
	}
	PlanOutdated = Code{
		"FGD_3031", Precondition, "PLAN_OUTDATED",
		"Make a dry run again, see what it would do now, and start the sync from there.",
	}
)
