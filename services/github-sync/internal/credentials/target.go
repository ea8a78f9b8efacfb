package credentials

import (
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/remotehost"
)

// Target is what credentials are for.
type Target struct {
	Server remotehost.Host // none for a repository on this machine, which takes no credentials
	Fabric int32           // 0 before the fabric has a number
}

// Field is the name of the field that credentials come in.
const Field = "credentials"

func forAnotherHost(server remotehost.Host) error {
	if server.None() {
		return refusal("A repository on this machine takes no credentials.").
			WithRemedy("Leave the credentials away, or give the repository's https or ssh URL.")
	}
	return refusal("The credentials were given for another Git host than %s, and are not sent there.", server)
}

func refusal(format string, args ...any) *errs.Error {
	return errs.New(errs.CredentialsForAnotherHost, format, args...).WithMeta(errs.FieldKey, Field)
}
