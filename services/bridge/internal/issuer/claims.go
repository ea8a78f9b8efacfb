package issuer

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"fgdsync.dev/libs/printable"
)

const (
	// leeway is how far the clocks of the issuer and of this machine may be apart.
	leeway = 60 * time.Second
	// maxSubject is in bytes; the specification has it.
	maxSubject = 255
	// maxName is in characters; longer names are cut.
	maxName = 100
)

// claims are what a JWT says beside that which the verifier looks at.
type claims struct {
	NotBefore numericDate `json:"nbf"`
	Type      string      `json:"typ"` // Keycloak's: ID, Bearer, Refresh
	Nonce     *string     `json:"nonce"`
	OfAccess  *string     `json:"at_hash"`
	OfCode    *string     `json:"c_hash"`
	Verified  *bool       `json:"email_verified"`

	all map[string]json.RawMessage
}

// numericDate is in seconds since 1970, which may have a fraction.
type numericDate float64

func (d numericDate) time() time.Time { return time.Unix(int64(d), 0) }

func claimsOf(token *oidc.IDToken) (*claims, error) {
	c := &claims{}
	if err := token.Claims(c); err != nil {
		return nil, err
	}
	return c, token.Claims(&c.all)
}

// isAccessToken reports whether a header says outright that it is that of an access token (RFC 9068).
func isAccessToken(header jose.Header) bool {
	return slices.Contains([]string{"at+jwt", "application/at+jwt"}, mediaType(header))
}

// mediaType returns what a header says that the JWT is, in lower case.
func mediaType(header jose.Header) string {
	text, _ := header.ExtraHeaders[jose.HeaderType].(string)
	return strings.ToLower(text)
}

// isOther reports whether a header says that the JWT is none that proves who somebody is, such as an event.
func isOther(header jose.Header) bool {
	_, said := header.ExtraHeaders[jose.HeaderType]
	return said && !isAccessToken(header) && mediaType(header) != "jwt"
}

// isIDToken reports whether a JWT tells a client who has signed in, and is no proof for anybody else. An access token
// of RFC 9068 says in its header what it is; of others it is seen by what only ID tokens have.
func isIDToken(header jose.Header, c *claims) bool {
	if isAccessToken(header) {
		return false
	}
	return c.Nonce != nil || c.OfAccess != nil || c.OfCode != nil || strings.EqualFold(c.Type, "ID")
}

// text returns a claim that is a text; empty when it is none.
func (c *claims) text(claim string) string {
	var text string
	if json.Unmarshal(c.all[claim], &text) != nil {
		return ""
	}
	return text
}

// texts returns a claim that is a list of texts, or one text. One that is anything else says nothing.
func (c *claims) texts(claim string) []string {
	var list []string
	if json.Unmarshal(c.all[claim], &list) == nil {
		return list
	}
	if one := c.text(claim); one != "" {
		return []string{one}
	}
	return nil
}

// name returns what somebody is called, in one line: what a claim has, or where none is named the first of those that
// issuers have for it; the subject when there is nothing.
func (c *claims) name(claim, subject string) string {
	candidates := []string{claim}
	if claim == "" {
		candidates = []string{"preferred_username", "email"}
	}
	for _, candidate := range candidates {
		if candidate == "email" && c.Verified != nil && !*c.Verified {
			continue // anybody's
		}
		if name := printable.Truncate(printable.Line(c.text(candidate)), maxName); name != "" {
			return name
		}
	}
	return printable.Truncate(subject, maxName)
}

// isSubject reports whether a text is a subject that fits into records.
func isSubject(text string) bool {
	return text != "" && len(text) <= maxSubject && !strings.ContainsFunc(text, func(r rune) bool {
		return r == unicode.ReplacementChar || !unicode.IsPrint(r)
	})
}
