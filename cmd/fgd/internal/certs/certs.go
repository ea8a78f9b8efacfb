// Package certs keeps the certificates of an installation in a folder: the authority (ca.crt, ca.key), a folder for
// each service with all that it needs (ca.crt, tls.crt, tls.key), and one with what callers are shown (https). A folder
// may be copied to where its service runs; ca.key belongs nowhere but here.
package certs

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fgdsync.dev/libs/authority"
	"fgdsync.dev/libs/errs"
)

// Names of files and folders.
const (
	caFile          = "ca.crt"
	caKey           = "ca.key"
	certificateFile = "tls.crt"
	keyFile         = "tls.key"
	// HTTPS has what callers are shown.
	HTTPS = "https"
)

// Lifetime is that of a certificate when nothing else is said.
const Lifetime = 365 * 24 * time.Hour

const shortest = time.Hour

// Folder is such a folder.
type Folder struct {
	Path     string
	Services []string // their names
	Now      func() time.Time
}

// Order is what is wanted of certificates.
type Order struct {
	Lifetime  time.Duration
	Names     []string // by which callers reach the bridge
	Addresses []net.IP
}

// Certificate is what a file holds.
type Certificate struct {
	File  string    `json:"file"` // in the folder
	Names []string  `json:"names"`
	Until time.Time `json:"until"`
	Days  int       `json:"days"` // that are left
}

// MakeIfAbsent does what is missing of Make, and nothing where all is there.
func (f Folder) MakeIfAbsent(order Order) error {
	if !f.has(caKey) {
		return f.Make(order)
	}
	for _, service := range f.Services {
		if !f.has(filepath.Join(service, certificateFile)) { // which is written last
			return f.Renew(order)
		}
	}
	return nil
}

func (f Folder) has(name string) bool {
	_, err := os.Lstat(f.in(name))
	return err == nil
}

// Make makes an authority, and a certificate for each service. It replaces nothing.
func (f Folder) Make(order Order) error {
	if err := order.check(); err != nil {
		return err
	}
	for _, name := range f.files() {
		if _, err := os.Lstat(f.in(name)); !errors.Is(err, fs.ErrNotExist) {
			return errs.New(errs.InvalidRequest, "%s is there already.", f.in(name)).
				WithRemedy("Name another folder; or have new certificates made of the authority in it with fgd certs renew.")
		}
	}
	ca, pair, err := authority.New(f.Now())
	if err == nil {
		err = order.within(ca, f.Now())
	}
	if err != nil {
		return err
	}
	if err := f.write(caFile, pair.Certificate); err != nil {
		return err
	}
	if err := f.write(caKey, pair.Key); err != nil {
		return err
	}
	return f.issue(ca, pair.Certificate, order)
}

// Renew makes new certificates of the authority that is there. Those of callers keep their names. ca.crt may have the
// certificates of two authorities, which then all services take.
func (f Folder) Renew(order Order) error {
	if err := order.check(); err != nil {
		return err
	}
	var pair authority.Pair
	var err error
	if pair.Certificate, err = f.read(caFile); err != nil {
		return err
	}
	if pair.Key, err = f.read(caKey); err != nil {
		return err
	}
	ca, err := authority.Open(pair)
	if err != nil {
		return errs.New(errs.InvalidRequest, "The authority in %s can't be used: %v.", f.Path, err)
	}
	if err := order.within(ca, f.Now()); err != nil {
		return err
	}
	if shown, err := f.look(filepath.Join(HTTPS, certificateFile)); err == nil {
		order.Names, order.Addresses = shown.DNSNames, shown.IPAddresses
	}
	return f.issue(ca, pair.Certificate, order)
}

// List returns what certificates there are.
func (f Folder) List() ([]Certificate, error) {
	out := []Certificate{}
	for _, name := range f.files() {
		if filepath.Ext(name) != ".crt" || strings.HasSuffix(name, "/"+caFile) {
			continue
		}
		content, err := os.ReadFile(f.in(name))
		if errors.Is(err, fs.ErrNotExist) && name != caFile {
			continue
		}
		if err != nil {
			return nil, f.unreadable(name, err)
		}
		for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
			one, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, f.unreadable(name, err)
			}
			out = append(out, Certificate{
				File: name, Names: namesOf(one), Until: one.NotAfter, Days: int(one.NotAfter.Sub(f.Now()).Hours() / 24),
			})
		}
	}
	return out, nil
}

// namesOf returns what a certificate is for.
func namesOf(one *x509.Certificate) []string {
	if one.IsCA {
		return []string{one.Subject.CommonName}
	}
	names := slices.Clone(one.DNSNames)
	for _, uri := range one.URIs {
		names = append(names, uri.String())
	}
	for _, address := range one.IPAddresses {
		names = append(names, address.String())
	}
	return names
}

func (o Order) check() error {
	if o.Lifetime < shortest {
		return errs.New(errs.InvalidRequest, "--lifetime is %s; allowed is 1h or more.", o.Lifetime)
	}
	return nil
}

// within makes sure that certificates end before their authority.
func (o Order) within(ca *authority.Authority, now time.Time) error {
	if !now.Add(o.Lifetime).After(ca.Until()) {
		return nil
	}
	return errs.New(errs.InvalidRequest, "The authority ends at %s, before the new certificates would.",
		ca.Until().UTC().Format(time.RFC3339)).WithRemedy("Give a shorter --lifetime, or make another authority.")
}

// issue writes certificates of an authority. Each is replaced as a whole.
func (f Folder) issue(ca *authority.Authority, authorities []byte, order Order) error {
	for _, service := range f.Services {
		pair, err := ca.Service(service, f.Now(), order.Lifetime)
		if err == nil {
			err = f.put(service, authorities, pair)
		}
		if err != nil {
			return err
		}
	}
	if len(order.Names)+len(order.Addresses) == 0 {
		return nil
	}
	pair, err := ca.Host(order.Names, order.Addresses, f.Now(), order.Lifetime)
	if err != nil {
		return err
	}
	return f.put(HTTPS, authorities, pair)
}

// put writes what one service needs. The authorities come first: whoever has them takes the certificates of before too.
func (f Folder) put(name string, authorities []byte, pair authority.Pair) error {
	if err := f.write(filepath.Join(name, caFile), authorities); err != nil {
		return err
	}
	if err := f.write(filepath.Join(name, keyFile), pair.Key); err != nil {
		return err
	}
	return f.write(filepath.Join(name, certificateFile), pair.Certificate)
}

// write puts a file into the place of another one at once.
func (f Folder) write(name string, content []byte) (err error) {
	path := f.in(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return f.unwritable(name, err)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // which nobody else may read
	if err != nil {
		return f.unwritable(name, err)
	}
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return f.unwritable(name, errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

func (f Folder) read(name string) ([]byte, error) {
	content, err := os.ReadFile(f.in(name))
	if err != nil {
		return nil, f.unreadable(name, err)
	}
	return content, nil
}

// look returns the first certificate of a file.
func (f Folder) look(name string) (*x509.Certificate, error) {
	content, err := f.read(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, f.unreadable(name, errors.New("no PEM"))
	}
	one, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, f.unreadable(name, err)
	}
	return one, nil
}

// files are all that a folder may have.
func (f Folder) files() []string {
	files := []string{caFile, caKey}
	for _, name := range append(slices.Clone(f.Services), HTTPS) {
		files = append(files, filepath.Join(name, caFile), filepath.Join(name, certificateFile), filepath.Join(name, keyFile))
	}
	return files
}

func (f Folder) in(name string) string { return filepath.Join(f.Path, name) }

func (f Folder) unreadable(name string, err error) error {
	return errs.New(errs.InvalidRequest, "%s can't be read.", f.in(name)).WithCause(err).
		WithRemedy("Name a folder that fgd certs init has made.")
}

func (f Folder) unwritable(name string, err error) error {
	return errs.New(errs.FolderUnusable, "%s can't be written.", f.in(name)).WithCause(err)
}
