package remote

import (
	"errors"
	"net"
	"slices"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

// signer reads the private key of a login.
func signer(login credentials.Login) (ssh.Signer, error) {
	if login.SSHKey.IsZero() {
		return nil, errs.New(errs.CredentialsUnsuitable, "An ssh URL needs an SSH private key to sign in with.").
			WithRemedy("Give the private key of a deploy key as the credentials, or use the repository's https URL.")
	}
	key, err := ssh.ParsePrivateKey([]byte(login.SSHKey.Reveal()))
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, errs.New(errs.CredentialsUnreadable, "The SSH private key has a passphrase.").
			WithRemedy("Give a key without one, made for this repository alone: ssh-keygen -t ed25519 -N '' -f FILE.")
	case err != nil: // the parser's message may quote
		return nil, errs.New(errs.CredentialsUnreadable, "The SSH private key is neither in PEM nor in OpenSSH form.")
	}
	return key, nil
}

// hostKeys judges the key that one host shows in one handshake.
type hostKeys struct {
	host    string
	known   *knownhosts.HostKeyDB
	address string
	verdict error // why the key was refused
}

// newHostKeys reads the file anew, so that a change of it counts at once.
func newHostKeys(file, host, address string) (*hostKeys, error) {
	known, err := knownhosts.NewDB(file)
	if err != nil {
		return nil, errs.New(errs.ConfigurationInvalid, "The file of known host keys can't be read.").
			WithRemedy("Make ssh_known_hosts_file a file in the format of OpenSSH that github-sync may read.").WithCause(err)
	}
	return &hostKeys{host: host, known: known, address: address}, nil
}

// algorithms puts those of the known keys first, as OpenSSH does: a host with several keys then shows the one that is
// known.
func (k *hostKeys) algorithms() []string {
	known := k.known.HostKeyAlgorithms(k.address)
	for _, other := range ssh.SupportedAlgorithms().HostKeys {
		if !slices.Contains(known, other) {
			known = append(known, other)
		}
	}
	return known
}

// check refuses a key that is not known for the host.
func (k *hostKeys) check(hostname string, remote net.Addr, key ssh.PublicKey) error {
	err := k.known.HostKeyCallback()(hostname, remote, key)
	var mismatch *xknownhosts.KeyError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mismatch) && len(mismatch.Want) == 0:
		k.verdict = errs.New(errs.HostKeyUnknown, "The Git host %s shows the host key %s, which is not known.", k.host,
			fingerprint(key)).
			WithRemedy("Compare the fingerprint %s with what the owner of the host publishes, and add the key to "+
				"ssh_known_hosts_file (%s prints it).",
				fingerprint(key), keyscan(k.address)).WithCause(err)
	default:
		k.verdict = errs.New(errs.HostKeyChanged, "The Git host %s shows the host key %s, which is not the known one.",
			k.host, fingerprint(key)).
			WithRemedy("Somebody may be between this system and the host. Only if the owner of the host has announced the "+
				"fingerprint %s, "+
				"put its key in place of the old one in ssh_known_hosts_file (%s prints "+
				"it).", fingerprint(key), keyscan(k.address)).WithCause(err)
	}
	return k.verdict
}

func fingerprint(key ssh.PublicKey) string { return key.Type() + " " + ssh.FingerprintSHA256(key) }
