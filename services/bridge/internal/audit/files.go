package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
)

// rotate puts the file aside under the number of its first line, with its checkpoints, and begins another one.
func (l *Log) rotate() error {
	if err := l.sign(chain.Rotation); err != nil {
		return err
	}
	archive := chain.ArchiveOf(l.cfg.File, l.first)
	if l.lines != nil {
		if err := l.lines.Close(); err != nil {
			return fmt.Errorf("close the audit: %w", err)
		}
		l.lines = nil
	}
	if err := os.Rename(l.cfg.File, archive); err != nil {
		return fmt.Errorf("put the audit aside: %w", err)
	}
	failpoint.Hit(failpoint.AuditRotated)
	l.first, l.size, l.known, l.archive = 0, 0, nil, archive
	return nil
}

// finishRotation gives a file that was put aside its checkpoints, and the new one a checkpoint that says where the old
// one ended. It may be called again when it did not come to its end.
func (l *Log) finishRotation(archive string) error {
	old, kept := chain.CheckpointsOf(l.cfg.File), chain.CheckpointsOf(archive)
	if _, err := os.Stat(kept); errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(old, kept); err != nil {
			return fmt.Errorf("put the checkpoints of the audit aside: %w", err)
		}
	}
	failpoint.Hit(failpoint.AuditPutAside)
	if info, err := os.Stat(old); err != nil || info.Size() == 0 {
		if err := l.sign(chain.Beginning); err != nil {
			return err
		}
	}
	return syncFolder(filepath.Dir(l.cfg.File))
}

// syncFolder makes names durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// loadKey reads the key of checkpoints, and makes one where there is none. Beside it is what others verify with.
func loadKey(path string) (signer note.Signer, verifier note.Verifier, public string, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = makeKey(path)
	}
	if err != nil {
		return nil, nil, "", errs.New(errs.ConfigurationInvalid, "audit_key_file: %s can't be read or made.", path).
			WithCause(err).WithRemedy("Name a file in a folder that the bridge can write to.")
	}
	secret := strings.TrimSpace(string(raw))
	if signer, err = note.NewSigner(secret); err == nil {
		public, err = publicKey(secret)
	}
	if err == nil {
		verifier, err = note.NewVerifier(public)
	}
	if err != nil {
		return nil, nil, "", errs.New(errs.ConfigurationInvalid, "audit_key_file: %s has no key of checkpoints.", path).
			WithRemedy("Bring the file back from a backup, or remove it: then another key is made, and what was signed " +
				"with the old one can't be verified any more.")
	}
	if err := writePrivately(path+".pub", public+"\n"); err != nil {
		return nil, nil, "", errs.New(errs.ConfigurationInvalid, "audit_key_file: %s.pub can't be written.", path).
			WithCause(err)
	}
	return signer, verifier, public, nil
}

func makeKey(path string) ([]byte, error) {
	secret, _, err := note.GenerateKey(rand.Reader, chain.KeyName)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return []byte(secret), writePrivately(path, secret+"\n")
}

// publicKey returns the verifier's key that belongs to a signer's.
func publicKey(secret string) (string, error) {
	parts := strings.SplitN(secret, "+", 5) // what is last may have one
	raw, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", errors.New("it is no Ed25519 key")
	}
	public, _ := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(chain.KeyName, public)
}

// writePrivately writes a file as a whole, for its owner alone.
func writePrivately(path, text string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".audit-*") // 0600
	if err != nil {
		return err
	}
	_, err = temp.WriteString(text)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return syncFolder(filepath.Dir(path))
}
