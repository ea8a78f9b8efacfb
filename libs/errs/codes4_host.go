package errs

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
		"Check the repository URL, and that the credentials may see the repository on its Git host.",
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
	NetBoxUnavailable = Code{
		"FGD_4032", Unavailable, "NETBOX_UNAVAILABLE",
		"Look whether NetBox runs and can be reached from the bridge; then ask again.",
	}
	NetBoxRefused = Code{
		"FGD_4033", Precondition, "NETBOX_REFUSED",
		"Look at what NetBox says; fgd netbox check says what a token may do.",
	}
	NetBoxNotOurs = Code{
		"FGD_4034", Precondition, "NETBOX_NOT_OURS",
		"Rename or delete in NetBox what has the name, or use another NetBox.",
	}
)
