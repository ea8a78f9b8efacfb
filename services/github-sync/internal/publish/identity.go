package publish

import (
	"fmt"
	"net/mail"
	"strings"

	"fgdsync.dev/services/github-sync/internal/object"
)

// The words for a commit's author that are no name and address.
const (
	Requester = "requester" // who asked for the sync
	Committer = "committer" // the same as the committer
)

// Identity is what commits say of who has made them.
type Identity struct {
	Author    string // Requester, Committer, or "NAME <ADDRESS>"
	Committer string // "NAME <ADDRESS>"
	// Emails are the addresses of requesters that are known by name only, as Git hosts know them.
	Emails map[string]string
}

// ParsePerson reads "NAME <ADDRESS>".
func ParsePerson(text string) (object.Signature, error) {
	address, err := mail.ParseAddress(text)
	if err != nil || address.Name == "" || strings.ContainsAny(text, "\r\n") {
		return object.Signature{}, fmt.Errorf("%q is no NAME <ADDRESS>", text)
	}
	return object.Signature{Name: address.Name, Email: address.Address}, nil
}

// IsAuthor reports whether a text says who the author of a commit is.
func IsAuthor(text string) bool {
	_, err := ParsePerson(text)
	return err == nil || text == Requester || text == Committer
}

// ParseEmail reads REQUESTER=ADDRESS.
func ParseEmail(text string) (requester, address string, ok bool) {
	at := strings.LastIndexByte(text, '=')
	if at < 0 {
		return "", "", false
	}
	parsed, err := mail.ParseAddress(strings.TrimSpace(text[at+1:]))
	requester = strings.TrimSpace(text[:at])
	return requester, addressOf(parsed), err == nil && requester != "" && parsed.Name == ""
}

func addressOf(a *mail.Address) string {
	if a == nil {
		return ""
	}
	return a.Address
}

// IsNobodys reports whether an address can belong to nobody: there is no host below .invalid (RFC 2606).
func IsNobodys(address string) bool { return strings.HasSuffix(strings.ToLower(address), ".invalid") }

// People returns the author and the committer of a commit that somebody asked for. What is not empty of the author and
// the committer here counts more than what is configured.
func (i Identity) People(requester object.Signature, author, committer string) (by, made object.Signature, err error) {
	if committer == "" {
		committer = i.Committer
	}
	if author == "" {
		author = i.Author
	}
	if made, err = ParsePerson(committer); err != nil {
		return by, made, err
	}
	switch author {
	case Requester:
		if address, known := i.Emails[requester.Name]; known {
			requester.Email = address
		}
		return requester, made, nil
	case Committer:
		return made, made, nil
	}
	by, err = ParsePerson(author)
	return by, made, err
}
