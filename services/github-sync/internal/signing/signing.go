// Package signing signs commits with a key of this system, in the two forms that Git and its hosts know: SSH and
// OpenPGP (gpg.format in git-config(1)). Signatures are the same for the same commit wherever the algorithm allows it:
// a commit that is made again after a crash has the same id.
package signing

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"fgdsync.dev/libs/errs"
)

const (
	longestKey = 64 << 10
	// namespace is what Git signs in (PROTOCOL.sshsig of OpenSSH).
	namespace = "git"
	// header is the one that a signature stands in, in repositories with SHA-1 object ids.
	header = "gpgsig"
)

// Key signs commits.
type Key struct {
	sign func(w io.Writer, commit []byte, at time.Time) error
}

// Load reads a private key without a passphrase: one of SSH, or an armoured one of OpenPGP. Its errors quote nothing of
// it.
func Load(file string) (*Key, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, refused("The file %s can't be read.", file).WithCause(err)
	}
	if !info.Mode().IsRegular() || info.Size() > longestKey {
		return nil, refused("%s is no file of a key.", file)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, refused("The file %s can't be read.", file).WithCause(err)
	}
	if bytes.Contains(raw, []byte("BEGIN PGP PRIVATE KEY BLOCK")) {
		return loadOpenPGP(file, raw)
	}
	return loadSSH(file, raw)
}

func refused(format string, args ...any) *errs.Error {
	return errs.New(errs.ConfigurationInvalid, "signing_key_file: "+format, args...).
		WithRemedy("Give a private key without a passphrase, of SSH (ssh-keygen -t ed25519) or OpenPGP (gpg --armor " +
			"--export-secret-keys).")
}

func loadSSH(file string, raw []byte) (*Key, error) {
	signer, err := ssh.ParsePrivateKey(raw)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return nil, refused("The key in %s has a passphrase.", file)
	}
	if err != nil { // the parser's message may quote the file
		return nil, refused("%s holds no private key.", file)
	}
	return &Key{func(w io.Writer, commit []byte, _ time.Time) error {
		signature, err := sshsig.SignWithRand(bytes.NewReader(commit), rand.Reader, signer, sshsig.HashSHA512, namespace)
		if err != nil {
			return err
		}
		_, err = w.Write(sshsig.Armor(signature))
		return err
	}}, nil
}

func loadOpenPGP(file string, raw []byte) (*Key, error) {
	entities, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(raw))
	if err != nil || len(entities) != 1 {
		return nil, refused("%s holds no single OpenPGP key.", file)
	}
	entity := entities[0]
	if entity.PrivateKey == nil || entity.PrivateKey.Encrypted {
		return nil, refused("The key in %s has a passphrase, or is no private one.", file)
	}
	if _, can := entity.SigningKey(time.Now()); !can {
		return nil, refused("The key in %s can't sign, or has expired.", file)
	}
	born := entity.PrimaryKey.CreationTime
	for _, sub := range entity.Subkeys {
		born = later(born, sub.PublicKey.CreationTime)
	}
	random := false // the salt of a signature would make each one another
	return &Key{func(w io.Writer, commit []byte, at time.Time) error {
		at = later(at, born) // a sync may have been accepted before the key was made
		return openpgp.ArmoredDetachSign(w, entity, bytes.NewReader(commit), &packet.Config{
			Time: func() time.Time { return at }, NonDeterministicSignaturesViaNotation: &random,
		})
	}}, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Sign returns the commit with its signature. Without a key it stays as it is.
func (k *Key) Sign(commit []byte, at time.Time) ([]byte, error) {
	if k == nil {
		return commit, nil
	}
	var signature strings.Builder
	if err := k.sign(&signature, commit, at); err != nil {
		return nil, fmt.Errorf("sign a commit: %w", err)
	}
	head, message, _ := bytes.Cut(commit, []byte("\n\n"))
	folded := strings.ReplaceAll(strings.TrimRight(signature.String(), "\n"), "\n", "\n ")
	return fmt.Appendf(nil, "%s\n%s %s\n\n%s", head, header, folded, message), nil
}
