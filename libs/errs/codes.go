package errs

// A Code is one entry of the error catalogue: its stable identifier and name, the one kind of its errors, and what to
// do about it when the place that raises it knows nothing better. Codes are never reused for another meaning.
type Code struct {
	ID     string
	Kind   Kind
	Name   string
	Remedy string
}

// Codes of the 1xxx family: the input.
var (
	InvalidYAML         = Code{"FGD_1001", Invalid, "INVALID_YAML", "Correct the YAML at the stated position."}
	UnsupportedResource = Code{
		"FGD_1002", Invalid, "UNSUPPORTED_RESOURCE",
		"Only resources of the Hedgehog API groups that people write can be ingested; keep others elsewhere.",
	}
	ValidationFailed = Code{"FGD_1003", Invalid, "VALIDATION_FAILED", "Correct the named field."}
	SchemaMismatch   = Code{
		"FGD_1004", Invalid, "SCHEMA_MISMATCH",
		"Correct the field to what the schema of the kind allows.",
	}
	DuplicateResource = Code{
		"FGD_1005", Invalid, "DUPLICATE_RESOURCE",
		"Keep one of the documents and put it into raw/ again.",
	}
	FileTooLarge = Code{
		"FGD_1006", Precondition, "FILE_TOO_LARGE",
		"Split the file, or raise the limit max_file_bytes.",
	}
	UnsupportedFile = Code{
		"FGD_1007", Invalid, "UNSUPPORTED_FILE",
		"Put YAML files of Hedgehog resources into raw/; keep others outside of it.",
	}
	UnknownField = Code{
		"FGD_1008", Invalid, "UNKNOWN_FIELD",
		"Remove the field or correct its spelling; a cluster drops it.",
	}
	OldAPIVersion    = Code{"FGD_1009", Invalid, "OLD_API_VERSION", "Write the document in the served API version."}
	InvalidRequest   = Code{"FGD_1010", Invalid, "INVALID_REQUEST", "Correct the named argument."}
	EmptyDocument    = Code{"FGD_1011", Invalid, "EMPTY_DOCUMENT", "Remove the file, or write a resource into it."}
	TooManyDocuments = Code{"FGD_1012", Invalid, "TOO_MANY_DOCUMENTS", "Split the file."}
	ManagedMoved     = Code{
		"FGD_1013", Invalid, "MANAGED_MOVED",
		"Nothing to do; the file took the place it belongs to.",
	}
	KustomizationKept = Code{
		"FGD_1014", Invalid, "KUSTOMIZATION_KEPT",
		"Make sure that the resources it lists still exist; the system moves files to managed/.",
	}
	ReferenceMissing = Code{"FGD_1015", Invalid, "REFERENCE_MISSING", "Add what is named, or correct the name."}
	PortConflict     = Code{"FGD_1016", Invalid, "PORT_CONFLICT", "Give each cable ports of its own."}
	VLANOutOfRange   = Code{
		"FGD_1017", Invalid, "VLAN_OUT_OF_RANGE",
		"Choose a VLAN of the namespace, or widen the namespace.",
	}
	SubnetConflict = Code{
		"FGD_1018", Invalid, "SUBNET_CONFLICT",
		"Choose a subnet that is inside the namespace and that no other VPC has.",
	}
	NotInQuarantine = Code{
		"FGD_1019", NotFound, "NOT_IN_QUARANTINE",
		"Name a file of unmanaged/ as the list of what is in quarantine has it.",
	}
	ReleaseRefused = Code{
		"FGD_1020", Precondition, "RELEASE_REFUSED",
		"Make room at the place it came from, and release it again.",
	}
	ReferenceOrphaned = Code{
		"FGD_1021", Invalid, "REFERENCE_ORPHANED",
		"Remove what names it, or bring the resource back.",
	}
	PathNotFound  = Code{"FGD_1022", NotFound, "PATH_NOT_FOUND", "See /docs for the paths of the API."}
	OriginRefused = Code{
		"FGD_1023", PermissionDenied, "ORIGIN_REFUSED",
		"Call the API from a server, or from a page of the same origin.",
	}
	UnreadableName = Code{
		"FGD_1026", Invalid, "UNREADABLE_NAME",
		"Rename the file or folder with git, or remove it; until then it is left as it is.",
	}
	HostRefused = Code{
		"FGD_1040", PermissionDenied, "HOST_REFUSED",
		"Ask by a loopback name or an address of the program, or add the name to public_hosts.",
	}
	NotAuthenticated = Code{
		"FGD_1050", Unauthenticated, "NOT_AUTHENTICATED",
		"Send a token that is valid as Authorization: Bearer; fgd token create makes one.",
	}
	NotAllowed = Code{
		"FGD_1051", PermissionDenied, "NOT_ALLOWED",
		"Ask an admin of all fabrics for a token with the named role or right.",
	}
	TokenNotFound    = Code{"FGD_1052", NotFound, "TOKEN_NOT_FOUND", "See the list of tokens."}
	FirstTokenExists = Code{
		"FGD_1053", Exists, "FIRST_TOKEN_EXISTS",
		"Use a token that is there; an admin of all fabrics can make more.",
	}
	TokenChanged    = Code{"FGD_1054", Conflict, "TOKEN_CHANGED", "See the token as it is now, and try again."}
	TooManyFailures = Code{
		"FGD_1055", Limited, "TOO_MANY_FAILURES",
		"Correct the token, and try again after the stated time.",
	}
	MediaTypeRefused = Code{
		"FGD_1041", Invalid, "MEDIA_TYPE_REFUSED",
		"Send JSON with Content-Type: application/json, as it is or with Content-Encoding: gzip.",
	}
	ForeignFile = Code{
		"FGD_1024", Invalid, "FOREIGN_FILE",
		"Nothing to do; to hear nothing of them list them in .fgdignore, to have them quarantined set foreign_files.",
	}
	IgnoredManaged = Code{
		"FGD_1028", Invalid, "IGNORED_MANAGED",
		"Take the line out of .fgdignore, or narrow it: files in managed/ are read in any case.",
	}
	ManagedUnreadable = Code{
		"FGD_1029", Invalid, "MANAGED_UNREADABLE",
		"Mend the file, put the resource into raw/ again, or delete the file when the resource is to go.",
	}
	UnknownQuarantined = Code{
		"FGD_1030", Invalid, "UNKNOWN_QUARANTINED",
		"Correct the file, and the next sync takes it; or remove it.",
	}
	ServerFields = Code{
		"FGD_1025", Invalid, "SERVER_FIELDS",
		"Remove the fields, or set server_fields: strip to have them removed: what applies the file can fail on them.",
	}
	FindingsCut = Code{
		"FGD_1027", Invalid, "FINDINGS_CUT",
		"Mend what is listed; the rest shows once that is done. Reasons of a quarantine are all in .hnp/unmanaged-log.yaml.",
	}
	NameWithDots = Code{
		"FGD_1031", Invalid, "NAME_WITH_DOTS",
		"Give the resource a name of lower-case letters, digits and \"-\" alone.",
	}
	ReaderDiffers = Code{
		"FGD_1032", Invalid, "READER_DIFFERS",
		"Write spaces in place of the tab: between values, before comments and at the ends of lines.",
	}
	ListRemainder = Code{
		"FGD_1042", Invalid, "LIST_REMAINDER",
		"Write what is needed of it into the resources, and remove the file.",
	}
	ConnectionUntyped = Code{
		"FGD_1033", Invalid, "CONNECTION_UNTYPED",
		"Say what it connects: one of the named fields below spec. A fabric refuses every other Connection because of it.",
	}
	IgnoreUnreadable = Code{
		"FGD_1046", Invalid, "IGNORE_UNREADABLE",
		"Mend .fgdignore: a plain file of UTF-8 text, with the patterns of gitignore.",
	}
	IgnoreTooCostly = Code{
		"FGD_1047", Invalid, "IGNORE_TOO_COSTLY",
		"Write the line with fewer wildcards, or name a folder in the place of many patterns.",
	}
	DirectoryEmptied = Code{
		"FGD_1048", Invalid, "DIRECTORY_EMPTIED",
		"Nothing to do when all of them are to go; else see what became of the branch, and restore the directory.",
	}
)

// Codes of the 2xxx family: the directory.
var (
	DirectoryNotFound = Code{
		"FGD_2001", Precondition, "DIRECTORY_NOT_FOUND",
		"Create the directory in the repository, or let it be initialised (auto_initialize: true).",
	}
	DirectoryPermissionDenied = Code{
		"FGD_2002", Precondition, "DIRECTORY_PERMISSION_DENIED",
		"Give the account write access to the directory.",
	}
	DirectoryInitializationFailed = Code{
		"FGD_2003", Precondition, "DIRECTORY_INITIALIZATION_FAILED",
		"See the cause and start the sync again.",
	}
	DirectoryRepairFailed = Code{
		"FGD_2004", Precondition, "DIRECTORY_REPAIR_FAILED",
		"See the cause and start the repair again.",
	}
	StructureIncomplete = Code{
		"FGD_2005", Precondition, "STRUCTURE_INCOMPLETE",
		"Run a repair; the next sync does it by itself.",
	}
	ManifestInvalid = Code{
		"FGD_2006", Precondition, "MANIFEST_INVALID",
		"Run a repair; the next sync does it by itself.",
	}
	DirectoryInvalid = Code{
		"FGD_2007", Invalid, "DIRECTORY_INVALID",
		"Name a directory inside the repository that every checkout can hold; docs/directory.md says which those are.",
	}
	DirectoryOverlap = Code{
		"FGD_2008", Exists, "DIRECTORY_OVERLAP",
		"Give every fabric a directory of its own, not inside that of another.",
	}
	StrayFile = Code{
		"FGD_2009", Precondition, "STRAY_FILE",
		"Move the file to raw/ to have it ingested, or list it in .fgdignore.",
	}
	DirectoryIsFile = Code{
		"FGD_2010", Precondition, "DIRECTORY_IS_FILE",
		"Name another directory, or move the file that has its name.",
	}
	DirectoryOwned = Code{
		"FGD_2011", Exists, "DIRECTORY_OWNED",
		"Use the owner's number and name, or another directory; or end what the owner does there and take it over: take_over: " +
			"true in a registration or in the options of a trigger, or --take-over.",
	}
)

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
		"Register the fabric first: POST /api/v1/fabrics.",
	}
	SyncNotFound = Code{
		"FGD_3007", NotFound, "SYNC_NOT_FOUND",
		"See the list of syncs of its fabric; ended ones are forgotten after history_retention.",
	}
	FabricExists = Code{
		"FGD_3008", Exists, "FABRIC_EXISTS",
		"Use another number and name, or update the registered fabric.",
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
)

// Codes of the 4xxx family: the Git host.
var (
	GitHubConnectionFailed = Code{
		"FGD_4001", Unavailable, "GITHUB_CONNECTION_FAILED",
		"Check the repository URL, the network and the state of the Git host.",
	}
	GitHubAuthenticationFailed = Code{
		"FGD_4002", Precondition, "GITHUB_AUTHENTICATION_FAILED",
		"Give credentials that may read and write the repository.",
	}
	GitHubRateLimited = Code{
		"FGD_4003", Limited, "GITHUB_RATE_LIMITED",
		"Wait; the system tries again when the host allows it.",
	}
	GitHubNotFound = Code{
		"FGD_4004", Precondition, "GITHUB_NOT_FOUND",
		"Check the repository URL, and that the credentials may see the repository.",
	}
	RepositoryEmpty = Code{"FGD_4005", Precondition, "REPOSITORY_EMPTY", "Push a first commit to the branch."}
	BranchNotFound  = Code{
		"FGD_4006", Precondition, "BRANCH_NOT_FOUND",
		"Create the branch, or name one that exists.",
	}
	BranchMoved = Code{
		"FGD_4007", Conflict, "BRANCH_MOVED",
		"Nothing to do; the sync runs again from the new head.",
	}
	SnapshotNotFound = Code{
		"FGD_4008", NotFound, "SNAPSHOT_NOT_FOUND",
		"Nothing to do; the sync starts over with a new snapshot.",
	}
	RemoteRefused = Code{
		"FGD_4009", Invalid, "REMOTE_REFUSED",
		"Use an https or ssh URL without credentials; allow_http and allowed_private_networks permit more.",
	}
	PushRejected = Code{
		"FGD_4010", Precondition, "PUSH_REJECTED",
		"Look at the host's message: branch protection or a hook refused the commit.",
	}
	CredentialsUnreadable = Code{
		"FGD_4011", Precondition, "CREDENTIALS_UNREADABLE",
		"Store the credentials again, or mend the reference they are read from.",
	}
	RepositoryUnsupported = Code{
		"FGD_4012", Precondition, "REPOSITORY_UNSUPPORTED",
		"Use a SHA-1 repository within the configured limits.",
	}
	CommitNotFound = Code{
		"FGD_4013", NotFound, "COMMIT_NOT_FOUND",
		"Name a commit of the branch: its id, its first digits, or HEAD~N.",
	}
	HostKeyUnknown = Code{
		"FGD_4014", Precondition, "HOST_KEY_UNKNOWN",
		"Compare the fingerprint with what the owner of the host publishes, and add the key to ssh_known_hosts_file.",
	}
	HostKeyChanged = Code{
		"FGD_4015", Precondition, "HOST_KEY_CHANGED",
		"Ask the owner of the host whether its key was replaced; only then change ssh_known_hosts_file.",
	}
	CredentialsUnsuitable = Code{
		"FGD_4016", Precondition, "CREDENTIALS_UNSUITABLE",
		"Give an SSH private key for an ssh URL; a token, or a username and a password, for an https one.",
	}
	GitHubRequired = Code{
		"FGD_4017", Precondition, "GITHUB_REQUIRED",
		"Use a repository on GitHub, or name the host of a GitHub Enterprise Server in github_hosts.",
	}
	PullRequestRefused = Code{"FGD_4018", Precondition, "PULL_REQUEST_REFUSED", "Look at the host's message."}
	SnapshotReadOnly   = Code{
		"FGD_4019", Precondition, "SNAPSHOT_READ_ONLY",
		"Publish on a snapshot of the branch head; an earlier state comes back by a restore.",
	}
	RestoreRefused = Code{
		"FGD_4020", Precondition, "RESTORE_REFUSED",
		"Look at what the directory held at that commit, and name files and folders that it had, outside of .hnp/.",
	}
	BranchProtected = Code{
		"FGD_4021", Precondition, "BRANCH_PROTECTED",
		"Let the fabric publish by pull requests (options.publish_mode: pull_request), or let the account bypass the " +
			"protection.",
	}
	ProposalClosed = Code{
		"FGD_4022", Precondition, "PROPOSAL_CLOSED",
		"Change what is ingested, or start the sync with force to propose it again.",
	}
	ProposalEdited = Code{
		"FGD_4023", Precondition, "PROPOSAL_EDITED",
		"Merge or close the pull request of that branch; the next sync proposes what is left.",
	}
	CertificateUntrusted = Code{
		"FGD_4024", Precondition, "CERTIFICATE_UNTRUSTED",
		"Compare the certificate with what the owner of the host publishes; name your own authority as remotes_ca_file.",
	}
	ProxyRefused = Code{
		"FGD_4025", Precondition, "PROXY_REFUSED",
		"Check the proxy and its credentials, or reach the Git host without it (remotes_proxy_url).",
	}
	GitHubRequestRefused      = Code{"FGD_4026", Precondition, "GITHUB_REQUEST_REFUSED", "Look at the host's message."}
	CredentialsForAnotherHost = Code{
		"FGD_4027", Invalid, "CREDENTIALS_FOR_ANOTHER_HOST",
		"Give the credentials for the new host, or the new fabric, too.",
	}
	PushUnconfirmed = Code{
		"FGD_4029", Precondition, "PUSH_UNCONFIRMED",
		"Look at the branch; make sure that the credentials are still good before the next sync.",
	}
	HostIncomplete = Code{
		"FGD_4030", Precondition, "HOST_INCOMPLETE",
		"Check the repository on its host (git fsck), and start the sync again.",
	}
	CommitterIsNobody = Code{
		"FGD_4031", Precondition, "COMMITTER_IS_NOBODY",
		"Set commit_committer, or options.commit_committer of the fabric, to an address of the account that has the key.",
	}
)

// Codes of the 5xxx family: the system.
var (
	InternalError = Code{
		"FGD_5001", Internal, "INTERNAL_ERROR",
		"Report it with the correlation id; the log has the details.",
	}
	DatabaseError = Code{
		"FGD_5002", Unavailable, "DATABASE_ERROR",
		"Check the ledger (ledger_file): its folder has to exist and be writable, and each orchestrator needs its own.",
	}
	RedisConnectionFailed = Code{
		"FGD_5003", Unavailable, "REDIS_CONNECTION_FAILED",
		"Check that Redis runs and that its URL is right (HEDGEHOG_FGD_REDIS_URL).",
	}
	WorkerPoolExhausted = Code{"FGD_5004", Limited, "WORKER_POOL_EXHAUSTED", "Try again after the stated time."}
	ServiceUnavailable  = Code{
		"FGD_5005", Unavailable, "SERVICE_UNAVAILABLE",
		"Check that all services run and find each other; GET /api/v1/health names those that do not answer.",
	}
	ListenFailed = Code{
		"FGD_5006", Precondition, "LISTEN_FAILED",
		"Stop what uses the address, or choose another.",
	}
	ConfigurationInvalid = Code{"FGD_5007", Precondition, "CONFIGURATION_INVALID", "Correct the named key or flag."}
	StorageFailed        = Code{
		"FGD_5008", Unavailable, "STORAGE_FAILED",
		"Check free space and permissions of the data folder.",
	}
	RedisUnsuitable = Code{
		"FGD_5009", Precondition, "REDIS_UNSUITABLE",
		"Set Redis up as docs/configuration.md says, or set redis_checks to warn.",
	}
	FolderUnusable = Code{
		"FGD_5010", Precondition, "FOLDER_UNUSABLE",
		"Choose a folder that can be made and written.",
	}
	LedgerUnusable = Code{
		"FGD_5011", Precondition, "LEDGER_UNUSABLE",
		"Check ledger_file: its folder has to be writable, and each orchestrator needs a ledger of its own.",
	}
	TooManyRequests = Code{
		"FGD_5015", Limited, "TOO_MANY_REQUESTS",
		"Wait for answers before asking again, or raise max_requests_per_client.",
	}
	FolderInUse = Code{
		"FGD_5020", Precondition, "FOLDER_IN_USE",
		"Stop the other process, or give another folder with --data, and other ports with --http and --grpc.",
	}
	IdentityUnavailable = Code{
		"FGD_5030", Unavailable, "IDENTITY_UNAVAILABLE",
		"Check that the orchestrator and its Redis run, and try again.",
	}
	TooManyListeners = Code{"FGD_5012", Limited, "TOO_MANY_LISTENERS", "Try again after the stated time."}
	LedgerDamaged    = Code{
		"FGD_5013", Precondition, "LEDGER_DAMAGED",
		"Bring the file back from a backup; or move it away to begin without any fabric, and register them again.",
	}
	RedisKeyForeign = Code{
		"FGD_5016", Unavailable, "REDIS_KEY_FOREIGN",
		"See which of the keys another program wrote (redis-cli TYPE, GET), delete that one alone (redis-cli DEL), and " +
			"have it write elsewhere; what FGD Sync had there comes back from the ledger and from Git.",
	}
)
