package errs

// A Code is one entry of the error catalogue: its stable identifier and name, and what to do about it when the
// place that raises it knows nothing better. Codes are never reused for another meaning.
type Code struct {
	ID     string
	Name   string
	Remedy string
}

// Codes of the 1xxx family: the input.
var (
	InvalidYAML         = Code{"FGD_1001", "INVALID_YAML", "Correct the YAML at the stated position."}
	UnsupportedResource = Code{"FGD_1002", "UNSUPPORTED_RESOURCE", "Only resources of the Hedgehog API groups that people write can be ingested; keep others elsewhere."}
	ValidationFailed    = Code{"FGD_1003", "VALIDATION_FAILED", "Correct the named field."}
	SchemaMismatch      = Code{"FGD_1004", "SCHEMA_MISMATCH", "Correct the field to what the schema of the kind allows."}
	DuplicateResource   = Code{"FGD_1005", "DUPLICATE_RESOURCE", "Keep one of the documents and put it into raw/ again."}
	FileTooLarge        = Code{"FGD_1006", "FILE_TOO_LARGE", "Split the file, or raise the limit max_file_bytes."}
	UnsupportedFile     = Code{"FGD_1007", "UNSUPPORTED_FILE", "Put YAML files of Hedgehog resources into raw/; keep others outside of it."}
	UnknownField        = Code{"FGD_1008", "UNKNOWN_FIELD", "Remove the field or correct its spelling; a cluster drops it."}
	OldAPIVersion       = Code{"FGD_1009", "OLD_API_VERSION", "Write the document in the served API version."}
	InvalidRequest      = Code{"FGD_1010", "INVALID_REQUEST", "Correct the named argument."}
	EmptyDocument       = Code{"FGD_1011", "EMPTY_DOCUMENT", "Remove the file, or write a resource into it."}
	TooManyDocuments    = Code{"FGD_1012", "TOO_MANY_DOCUMENTS", "Split the file."}
	ManagedMoved        = Code{"FGD_1013", "MANAGED_MOVED", "Nothing to do; the file took the place it belongs to."}
	KustomizationKept   = Code{"FGD_1014", "KUSTOMIZATION_KEPT", "Make sure that the resources it lists still exist; the system moves files to managed/."}
	ReferenceMissing    = Code{"FGD_1015", "REFERENCE_MISSING", "Add what is named, or correct the name."}
	PortConflict        = Code{"FGD_1016", "PORT_CONFLICT", "Give each cable ports of its own."}
	VLANOutOfRange      = Code{"FGD_1017", "VLAN_OUT_OF_RANGE", "Choose a VLAN of the namespace, or widen the namespace."}
	SubnetConflict      = Code{"FGD_1018", "SUBNET_CONFLICT", "Choose a subnet that is inside the namespace and that no other VPC has."}
	NotInQuarantine     = Code{"FGD_1019", "NOT_IN_QUARANTINE", "Name a file of unmanaged/ as the list of what is in quarantine has it."}
	ReleaseRefused      = Code{"FGD_1020", "RELEASE_REFUSED", "Make room at the place it came from, and release it again."}
	ReferenceOrphaned   = Code{"FGD_1021", "REFERENCE_ORPHANED", "Remove what names it, or bring the resource back."}
)

// Codes of the 2xxx family: the directory.
var (
	DirectoryNotFound             = Code{"FGD_2001", "DIRECTORY_NOT_FOUND", "Create the directory in the repository, or let it be initialised (auto_initialize: true)."}
	DirectoryPermissionDenied     = Code{"FGD_2002", "DIRECTORY_PERMISSION_DENIED", "Give the account write access to the directory."}
	DirectoryInitializationFailed = Code{"FGD_2003", "DIRECTORY_INITIALIZATION_FAILED", "See the cause and start the sync again."}
	DirectoryRepairFailed         = Code{"FGD_2004", "DIRECTORY_REPAIR_FAILED", "See the cause and start the repair again."}
	StructureIncomplete           = Code{"FGD_2005", "STRUCTURE_INCOMPLETE", "Run a repair; the next sync does it by itself."}
	ManifestInvalid               = Code{"FGD_2006", "MANIFEST_INVALID", "Run a repair; the next sync does it by itself."}
	DirectoryInvalid              = Code{"FGD_2007", "DIRECTORY_INVALID", "Name a directory inside the repository, without \"..\", \".git\", backslashes or control characters."}
	DirectoryOverlap              = Code{"FGD_2008", "DIRECTORY_OVERLAP", "Give every fabric a directory of its own, not inside that of another."}
	StrayFile                     = Code{"FGD_2009", "STRAY_FILE", "Move the file to raw/ to have it ingested, or list it in .fgdignore."}
)

// Codes of the 3xxx family: the sync.
var (
	SyncAlreadyInProgress = Code{"FGD_3001", "SYNC_ALREADY_IN_PROGRESS", "Wait for the active sync to end, or trigger without if_running: refuse."}
	SyncTimeout           = Code{"FGD_3002", "SYNC_TIMEOUT", "Start the sync again; raise sync_timeout if the repository is large."}
	SyncCancelled         = Code{"FGD_3003", "SYNC_CANCELLED", "Start the sync again when it is wanted."}
	SyncFailed            = Code{"FGD_3004", "SYNC_FAILED", "See the errors of the sync."}
	MassDeleteRefused     = Code{"FGD_3005", "MASS_DELETE_REFUSED", "Look through the list and start the sync with force if the deletions are wanted."}
	FabricNotFound        = Code{"FGD_3006", "FABRIC_NOT_FOUND", "Register the fabric first: POST /api/v1/fabrics."}
	SyncNotFound          = Code{"FGD_3007", "SYNC_NOT_FOUND", "Look the sync up in the history of its fabric; old ones are forgotten after the retention time."}
	FabricExists          = Code{"FGD_3008", "FABRIC_EXISTS", "Use another number and name, or update the registered fabric."}
	IllegalTransition     = Code{"FGD_3009", "ILLEGAL_TRANSITION", "The sync has moved on; read its status again."}
	LockLost              = Code{"FGD_3010", "LOCK_LOST", "Nothing to do; another worker carries on with the sync."}
	FabricSuspended       = Code{"FGD_3011", "FABRIC_SUSPENDED", "Resume the fabric when its syncs are wanted again: POST /api/v1/fabrics/{fabric_id}:resume."}
	FabricChanged         = Code{"FGD_3012", "FABRIC_CHANGED", "Read the fabric again and repeat the change."}
)

// Codes of the 4xxx family: the Git host.
var (
	GitHubConnectionFailed     = Code{"FGD_4001", "GITHUB_CONNECTION_FAILED", "Check the repository URL, the network and the state of the Git host."}
	GitHubAuthenticationFailed = Code{"FGD_4002", "GITHUB_AUTHENTICATION_FAILED", "Give credentials that may read and write the repository."}
	GitHubRateLimited          = Code{"FGD_4003", "GITHUB_RATE_LIMITED", "Wait; the system tries again when the host allows it."}
	GitHubNotFound             = Code{"FGD_4004", "GITHUB_NOT_FOUND", "Check the repository URL, and that the credentials may see the repository."}
	RepositoryEmpty            = Code{"FGD_4005", "REPOSITORY_EMPTY", "Push a first commit to the branch."}
	BranchNotFound             = Code{"FGD_4006", "BRANCH_NOT_FOUND", "Create the branch, or name one that exists."}
	BranchMoved                = Code{"FGD_4007", "BRANCH_MOVED", "Nothing to do; the sync runs again from the new head."}
	SnapshotNotFound           = Code{"FGD_4008", "SNAPSHOT_NOT_FOUND", "Nothing to do; the sync starts over with a new snapshot."}
	RemoteRefused              = Code{"FGD_4009", "REMOTE_REFUSED", "Use an https or ssh URL without credentials; --allow-insecure-remotes permits http and private addresses."}
	PushRejected               = Code{"FGD_4010", "PUSH_REJECTED", "Look at the host's message: branch protection or a hook refused the commit."}
	CredentialsUnreadable      = Code{"FGD_4011", "CREDENTIALS_UNREADABLE", "Store the credentials again, or mend the reference they are read from."}
	RepositoryUnsupported      = Code{"FGD_4012", "REPOSITORY_UNSUPPORTED", "Use a SHA-1 repository within the configured limits."}
	CommitNotFound             = Code{"FGD_4013", "COMMIT_NOT_FOUND", "Name a commit of the branch, with all its 40 digits."}
	HostKeyUnknown             = Code{"FGD_4014", "HOST_KEY_UNKNOWN", "Compare the fingerprint with what the owner of the host publishes, and add the key to ssh_known_hosts_file."}
	HostKeyChanged             = Code{"FGD_4015", "HOST_KEY_CHANGED", "Ask the owner of the host whether its key was replaced; only then change ssh_known_hosts_file."}
	CredentialsUnsuitable      = Code{"FGD_4016", "CREDENTIALS_UNSUITABLE", "Give an SSH private key for an ssh URL; a token, or a username and a password, for an https one."}
	GitHubRequired             = Code{"FGD_4017", "GITHUB_REQUIRED", "Use a repository on GitHub, or name the host of a GitHub Enterprise Server in github_hosts."}
	PullRequestRefused         = Code{"FGD_4018", "PULL_REQUEST_REFUSED", "Look at the host's message."}
	SnapshotReadOnly           = Code{"FGD_4019", "SNAPSHOT_READ_ONLY", "Publish on a snapshot of the branch head; an earlier state comes back by a restore."}
	RestoreRefused             = Code{"FGD_4020", "RESTORE_REFUSED", "Look at what the directory held at that commit, and name files and folders that it had, outside of .hnp/."}
	BranchProtected            = Code{"FGD_4021", "BRANCH_PROTECTED", "Let the fabric publish by pull requests (options.publish_mode: pull_request), or let the account bypass the protection."}
	ProposalClosed             = Code{"FGD_4022", "PROPOSAL_CLOSED", "Change what is ingested, or start the sync with force to propose it again."}
	ProposalEdited             = Code{"FGD_4023", "PROPOSAL_EDITED", "Merge or close the pull request of that branch; the next sync proposes what is left."}
)

// Codes of the 5xxx family: the system.
var (
	InternalError         = Code{"FGD_5001", "INTERNAL_ERROR", "Report it with the correlation id; the log has the details."}
	DatabaseError         = Code{"FGD_5002", "DATABASE_ERROR", "Check the ledger (ledger_file): its folder has to exist and be writable, and each orchestrator needs its own."}
	RedisConnectionFailed = Code{"FGD_5003", "REDIS_CONNECTION_FAILED", "Check that Redis runs and that its URL is right (HEDGEHOG_FGD_REDIS_URL)."}
	WorkerPoolExhausted   = Code{"FGD_5004", "WORKER_POOL_EXHAUSTED", "Try again after the stated time."}
	ServiceUnavailable    = Code{"FGD_5005", "SERVICE_UNAVAILABLE", "Check that the named service runs and that its address is right."}
	ListenFailed          = Code{"FGD_5006", "LISTEN_FAILED", "Stop what uses the address, or choose another."}
	ConfigurationInvalid  = Code{"FGD_5007", "CONFIGURATION_INVALID", "Correct the named key."}
	RedisUnsuitable       = Code{"FGD_5009", "REDIS_UNSUITABLE", "Set Redis up as docs/configuration.md says, or set redis_checks to warn."}
	StorageFailed         = Code{"FGD_5008", "STORAGE_FAILED", "Check free space and permissions of the data folder."}
)
