package errs

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
		"Use the owner's number and name (a registration without any gets them), or another directory; or end what the owner " +
			"does there and take it over: take_over: true in a registration or in the options of a trigger, or --take-over.",
	}
	NoSuchPath = Code{
		"FGD_2030", NotFound, "NO_SUCH_PATH",
		"Write the path as it is below the fabric's directory; the list of its files has those that are there.",
	}
)
