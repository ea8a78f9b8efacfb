package errs

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
	IssuerUnavailable = Code{
		"FGD_5032", Unavailable, "ISSUER_UNAVAILABLE",
		"Check that the issuer runs and that the bridge reaches it, and try again; own tokens are taken all the same.",
	}
	CertificateExpired = Code{
		"FGD_5033", Unavailable, "CERTIFICATE_EXPIRED",
		"Renew it: fgd certs renew writes new certificates, which count without a restart.",
	}
	ServiceUnproven = Code{
		"FGD_5034", Unavailable, "SERVICE_UNPROVEN",
		"Check that all services have certificates of one authority, each that of its own name; fgd certs show lists them.",
	}
	AuditUnwritable = Code{
		"FGD_5031", Unavailable, "AUDIT_UNWRITABLE",
		"Make room on the disk of audit_file, let the bridge write to its folder, and try again: nothing was changed.",
	}
	AuditAbsent = Code{
		"FGD_5035", Precondition, "AUDIT_ABSENT",
		"Set audit_file, and start the bridge again.",
	}
	TooManyListeners = Code{"FGD_5012", Limited, "TOO_MANY_LISTENERS", "Try again after the stated time."}
	LedgerDamaged    = Code{
		"FGD_5013", Precondition, "LEDGER_DAMAGED",
		"Bring Redis back from a backup; or move the file away to begin without any fabric, and register them again.",
	}
	RedisKeyForeign = Code{
		"FGD_5016", Unavailable, "REDIS_KEY_FOREIGN",
		"See which of the keys another program wrote (redis-cli TYPE, GET), delete that one alone (redis-cli DEL), and " +
			"have it write elsewhere; what FGD Sync had there comes back from the ledger and from Git.",
	}
	MessageTooLarge = Code{
		"FGD_5036", Invalid, "MESSAGE_TOO_LARGE",
		"Ask for less at once: fewer paths in a request, or a smaller page and no contents in an answer.",
	}
)
