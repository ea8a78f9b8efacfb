package remote

import (
	"net"
	"path"
	"regexp"
	"strings"

	"fgdsync.dev/libs/remotehost"
)

// Account is where a repository is reached over SSH.
type Account struct {
	User    string
	Address string // host:port that is connected to
	Path    string // as the host is told; without a leading slash it begins at the account's home
}

const (
	sshUser = "git"
	sshPort = "22"
)

var (
	// short is the form user@host:path, in which a slash before the colon would make it a path.
	short = regexp.MustCompile(`^(?:([^@/:]+)@)?(\[[0-9A-Fa-f:.]+\]|[^@/:\[\]]+):(.+)$`)
	// What can begin with a dash could become an option of a program at the other end.
	accountName = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.+~-]*$`)
)

// shortSSH reads the form user@host:path.
func (p Policy) shortSSH(raw string) (Location, error) {
	part := short.FindStringSubmatch(raw)
	if part == nil || strings.HasPrefix(part[3], ":") {
		return Location{}, refused("The repository URL has no scheme such as https:// or ssh://, and is not of the form " +
			"user@host:path.")
	}
	return p.ssh(part[1], strings.Trim(part[2], "[]"), "", part[3])
}

func (p Policy) ssh(user, host, port, at string) (Location, error) {
	if user == "" {
		user = sshUser
	}
	server, ok := remotehost.New("ssh", host, port)
	if !ok {
		return Location{}, refused("The repository URL has a host or a port that can't be one.")
	}
	if err := checkAccount(user, at); err != nil {
		return Location{}, err
	}
	if p.KnownHosts == "" {
		return Location{}, refused("No host keys are known here, so that SSH remotes are not permitted.").WithRemedy(
			"Set ssh_known_hosts_file to a file with the keys of the host (%s prints them), once they are compared with what "+
				"its owner publishes; "+
				"or use the repository's https URL.", keyscan(server.Address()))
	}
	spoken := path.Clean(at)
	if strings.HasPrefix(spoken, "/~") { // as Git writes a home in a URL
		spoken = spoken[1:]
	}
	absolute := path.Clean("/" + spoken)
	return Location{
		Key: account(user, spoken) + key(server, absolute), URL: "ssh://" + server.String() + absolute,
		Server: server, Host: server.String(),
		SSH: &Account{User: user, Address: server.Address(), Path: spoken},
	}, nil
}

// account tells the homes of users apart: a path that begins there is another repository for another user.
func account(user, spoken string) string {
	if user == sshUser || strings.HasPrefix(spoken, "/") || strings.HasPrefix(spoken, "~") {
		return ""
	}
	return user + "@"
}

func checkAccount(user, at string) error {
	clean := path.Clean(at)
	switch {
	case !accountName.MatchString(user):
		return refused("The repository URL has a user that can't be one.")
	case strings.Trim(clean, "/.") == "" || strings.HasPrefix(strings.TrimPrefix(clean, "/"), "-") ||
		strings.HasPrefix(clean, "../"):
		return refused("The repository URL has a path that can't be one.")
	case strings.ContainsFunc(at, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return refused("The repository URL has a path with control characters.")
	}
	return nil
}

// keyscan is the command that prints the keys of a host.
func keyscan(address string) string {
	host, port, _ := net.SplitHostPort(address) // of our own making
	if port == sshPort {
		return "ssh-keyscan " + host
	}
	return "ssh-keyscan -p " + port + " " + host
}
