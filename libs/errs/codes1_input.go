package errs

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
		"Send a token that is valid as Authorization: Bearer, or give fgd one with --token-file or HEDGEHOG_FGD_TOKEN; fgd " +
			"token create makes one.",
	}
	AuditBroken = Code{
		"FGD_1060", Precondition, "AUDIT_BROKEN",
		"Compare the files with a backup, and see who could write to their folder.",
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
	LoginNotOffered = Code{
		"FGD_1057", NotFound, "LOGIN_NOT_OFFERED",
		"Use a token of the suite's own (fgd token create), or have the bridge run with oidc_issuer and oidc_client_id.",
	}
	LoginFailed   = Code{"FGD_1058", Precondition, "LOGIN_FAILED", "Call fgd login again."}
	CallerLimited = Code{
		"FGD_1061", Limited, "CALLER_LIMITED",
		"Ask again after the stated time, and less often; or raise the limit: caller_requests_per_second, " +
			"caller_triggers_per_minute or caller_listeners.",
	}
	WebhookNotSigned = Code{
		"FGD_1062", Unauthenticated, "WEBHOOK_NOT_SIGNED",
		"Enter the secret of this system at the Git host; fgd and the host have to have the same.",
	}
	WebhooksOff = Code{
		"FGD_1063", NotFound, "WEBHOOKS_OFF",
		"Ask for the webhook of a fabric at /api/v1/fabrics/{fabric_id}/webhook, or configure a secret for the kind of host.",
	}
	WebhooksBusy = Code{
		"FGD_1064", Unavailable, "WEBHOOKS_BUSY",
		"Have the Git host deliver it again later; a sync that is due comes in any case.",
	}
	WebhookUnreadable = Code{
		"FGD_1065", Invalid, "WEBHOOK_UNREADABLE",
		"Have the Git host send push events as application/json.",
	}
	ServiceRefused = Code{
		"FGD_1059", PermissionDenied, "SERVICE_REFUSED",
		"Give each service its own certificate; the contract of the method names the services that may call it.",
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
	ResourceNotFound = Code{
		"FGD_1067", NotFound, "RESOURCE_NOT_FOUND",
		"See which resources there are (fgd resource list); a new one is put whole.",
	}
	ResourceExists  = Code{"FGD_1068", Exists, "RESOURCE_EXISTS", "Change the one that is there, or choose another name."}
	ResourceChanged = Code{
		"FGD_1069", Precondition, "RESOURCE_CHANGED",
		"Read the resource again, and make the change on what it says now.",
	}
	EditRefused = Code{
		"FGD_1070", Precondition, "EDIT_REFUSED",
		"Edit the file itself, in Git: fgd never writes one anew whose author has put more into it than values.",
	}
	ConflictNotFound = Code{
		"FGD_1071", NotFound, "CONFLICT_NOT_FOUND", "See which conflicts there are: fgd conflicts list.",
	}
	ConflictMoved = Code{
		"FGD_1072", Conflict, "CONFLICT_MOVED", "Look at the conflict again (fgd conflicts show), and settle what it is now.",
	}
	NamesCollide = Code{
		"FGD_1066", Invalid, "NAMES_COLLIDE",
		"Rename one of the two with git: on Windows and macOS a checkout has only one of them.",
	}
	ConfigurationKeyUnknown = Code{
		"FGD_1090", Invalid, "CONFIGURATION_KEY_UNKNOWN", "See which keys there are: fgd config print.",
	}
	ConfigurationFileUnreadable = Code{
		"FGD_1091", Invalid, "CONFIGURATION_FILE_UNREADABLE",
		"Name what is there, and let the user that the service runs as read it.",
	}
	ConfigurationVariableUnread = Code{
		"FGD_1092", Invalid, "CONFIGURATION_VARIABLE_UNREAD",
		"Take the variable away, or name the one that is meant: fgd config print lists every key.",
	}
	ConflictUnsettled = Code{
		"FGD_1073", Invalid, "CONFLICT_UNSETTLED",
		"Say for each of these paths what is taken, or with take what is taken at all that are not named.",
	}
)
