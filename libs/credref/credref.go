// Package credref finds secrets that stand outside of the suite and are referred to by name: env:NAME is a variable,
// file:NAME a file of one folder. Beside each stands the list of the servers that it may be sent to. Whoever may name a
// server could name a reference too, and nothing of a secret leaves for a server that its list does not have.
package credref

import (
	"os"
	"path/filepath"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/remotehost"
)

// What the names of a secret end with that name the list of the servers that it may be sent to.
const (
	envHosts  = "_HOSTS"
	fileHosts = ".hosts"
)

// Finder finds secrets of one purpose.
type Finder struct {
	// Prefix is what the names of variables begin with that can be referred to, so that nobody has the rest of the
	// environment sent to a server, not even the settings of this system: the URL of Redis may hold a password.
	Prefix string
	// Dir is the folder of files; empty when none can be referred to.
	Dir       string
	LookupEnv func(string) (string, bool)

	Service string // where the variables are set, as people call it
	Host    string // what the secrets are sent to, as people call it: "Git host"
	Field   string // what a request calls the reference
}

// Reference is a secret, and the list of the servers that it may be sent to. Nothing is read yet.
type Reference struct {
	finder *Finder
	name   string // as it was given
	list   string // what holds the list, as people call it
	hosts  func() (text string, set bool)
	read   func() (string, error)
}

// Find returns what a reference leads to. Its error says that it can't lead anywhere.
func (f *Finder) Find(text string) (Reference, error) {
	kind, name, _ := strings.Cut(text, ":")
	switch {
	case kind == "env" && strings.HasPrefix(name, f.Prefix):
		return Reference{
			finder: f, name: text, list: "the variable " + name + envHosts,
			hosts: func() (string, bool) { return f.LookupEnv(name + envHosts) },
			read: func() (string, error) {
				value, set := f.LookupEnv(name)
				if !set {
					return "", unreadable("The variable %s is not set where %s runs.", name, f.Service)
				}
				return value, nil
			},
		}, nil
	case kind == "env":
		return Reference{}, unreadable("Only variables that begin with %s can be referred to.", f.Prefix)
	case kind == "file":
		return f.file(text, name)
	}
	return Reference{}, unreadable("A reference is env:NAME or file:NAME.")
}

const longestFile = 64 << 10

func (f *Finder) file(text, name string) (Reference, error) {
	if f.Dir == "" {
		return Reference{}, unreadable("References to files need credentials_dir to be set.").
			WithRemedy("Set credentials_dir (HEDGEHOG_FGD_CREDENTIALS_DIR) where %s runs to the folder of the file, and start it "+
				"again.", f.Service)
	}
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`) {
		return Reference{}, unreadable("The reference file:NAME takes the name of a file in credentials_dir.")
	}
	return Reference{
		finder: f, name: text, list: "the file " + name + fileHosts + " in credentials_dir",
		hosts: func() (string, bool) {
			content, err := readFile(f.Dir, name+fileHosts)
			return content, err == nil
		},
		read: func() (string, error) { return readFile(f.Dir, name) },
	}, nil
}

func readFile(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > longestFile {
		return "", unreadable("There is no readable file %q in credentials_dir.", name).WithCause(err).
			WithRemedy("Put the file into the folder that credentials_dir (HEDGEHOG_FGD_CREDENTIALS_DIR) names.")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", unreadable("There is no readable file %q in credentials_dir.", name).WithCause(err).
			WithRemedy("Put the file into the folder that credentials_dir (HEDGEHOG_FGD_CREDENTIALS_DIR) names.")
	}
	return string(raw), nil
}

// Admit returns an error unless the secret may be sent to a server. Without a list it may be sent nowhere. Nothing of
// the secret is read for it, and nothing of the list is quoted.
func (r Reference) Admit(server remotehost.Host) error {
	text, set := r.hosts()
	list, ok := remotehost.ParseList(text)
	host, service := r.finder.Host, r.finder.Service
	switch {
	case !set || ok && len(list) == 0:
		return r.refusal("The reference %s has no list of the %ss that it may be used for.", r.name, host).
			WithRemedy("Set %s where %s runs, to %s and any other host that the credentials are for.", r.list, service, server)
	case !ok:
		return r.refusal("The list of the %ss that the reference %s may be used for can't be read.", host, r.name).
			WithRemedy("Write hosts as HOST or HOST:PORT, separated by commas or blanks, into %s.", r.list)
	case !list.Allows(server):
		return r.refusal("The reference %s may not be used for the %s %s.", r.name, host, server).
			WithRemedy("If the credentials are for this host too, add %s to %s where %s runs.", server, r.list, service)
	}
	return nil
}

// Read returns the secret as it stands there. It is read anew each time.
func (r Reference) Read() (string, error) { return r.read() }

func (r Reference) refusal(format string, args ...any) *errs.Error {
	return errs.New(errs.CredentialsForAnotherHost, format, args...).WithMeta(errs.FieldKey, r.finder.Field)
}

func unreadable(format string, args ...any) *errs.Error {
	return errs.New(errs.CredentialsUnreadable, format, args...)
}
