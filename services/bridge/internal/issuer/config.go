package issuer

import (
	"crypto/x509"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/openid"
)

// Config is what can be set of the issuer.
type Config struct {
	// Issuer is the URL of the issuer; without it no JWT is taken.
	Issuer string `koanf:"oidc_issuer" allowed:"an https URL without user, query and fragment; http on this machine alone"`
	// Audience has to be one of those that a JWT is for. It is another one than the client: an ID token is for the client.
	Audience string `koanf:"oidc_audience" allowed:"another one than oidc_client_id"`
	// ClientID is the public client that fgd login is at the issuer; without it nobody can sign in there.
	ClientID string `koanf:"oidc_client_id" allowed:"at most 255 printable ASCII characters"`
	// Scopes are those that fgd login asks for.
	Scopes []string `koanf:"oidc_scopes" allowed:"words without blanks"`
	// Algorithms are the signatures that are taken.
	Algorithms []string `koanf:"oidc_algorithms" allowed:"RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"`
	// NameClaim has what a caller is called; preferred_username, else email, else sub when it is empty.
	NameClaim string `koanf:"oidc_name_claim"`
	// GroupsClaim has the groups that a caller is in.
	GroupsClaim string `koanf:"oidc_groups_claim" needs:"the name of a claim"`
	// CAFile has the certificates that vouch for the issuer, in PEM; those of the system when it is empty.
	CAFile string `koanf:"oidc_ca_file" reads:"file"`
	// KeyHosts are hosts beside the issuer's own that its keys may be at, each with its port unless that is 443.
	KeyHosts []string `koanf:"oidc_key_hosts" allowed:"host or host:port, without a scheme or a path"`
	// Grants say who may do what.
	Grants []map[string]any `koanf:"oidc_grants"`
}

// DefaultConfig takes no JWT.
func DefaultConfig() Config {
	return Config{
		Scopes: []string{"openid", "profile", "email", "offline_access"}, Algorithms: []string{"RS256", "ES256", "EdDSA"},
		GroupsClaim: "groups", KeyHosts: []string{}, Grants: []map[string]any{},
	}
}

// asymmetric are the signatures that can be made with a key which nobody but the issuer has. "none" is none of them,
// and those with a shared key are not: what verifies them could make them.
var asymmetric = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

var (
	scope    = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`) // RFC 6749, 3.3
	clientID = regexp.MustCompile(`^[\x20-\x7e]{0,255}$`)
)

// Validate names the first key whose value is not allowed.
func (c *Config) Validate() error {
	if err := c.validateIssuer(); err != nil {
		return err
	}
	if len(c.Algorithms) == 0 {
		return config.Invalid("oidc_algorithms", "empty", listOf(asymmetric))
	}
	for _, algorithm := range c.Algorithms {
		if !slices.Contains(asymmetric, jose.SignatureAlgorithm(algorithm)) {
			return config.Invalid("oidc_algorithms", algorithm, listOf(asymmetric))
		}
	}
	for _, s := range c.Scopes {
		if !scope.MatchString(s) {
			return config.Invalid("oidc_scopes", s, "words without blanks")
		}
	}
	if c.GroupsClaim == "" {
		return config.Invalid("oidc_groups_claim", "empty", "the name of a claim")
	}
	for _, host := range c.KeyHosts {
		if strings.ContainsAny(host, "/@ ") {
			return config.Invalid("oidc_key_hosts", host, "host or host:port, without a scheme or a path")
		}
	}
	_, err := parseGrants(c.Grants)
	return err
}

// validateIssuer judges the keys that say whose JWTs are taken.
func (c *Config) validateIssuer() error {
	if c.Issuer == "" {
		if c.Audience != "" || c.ClientID != "" || len(c.Grants) > 0 {
			return config.Invalid("oidc_issuer", "empty",
				"the URL of the issuer where oidc_audience, oidc_client_id or oidc_grants is set")
		}
		return nil
	}
	if openid.CheckIssuer(c.Issuer) != nil {
		return config.Invalid("oidc_issuer", c.Issuer, "an https URL without user, query and fragment; http on this machine alone")
	}
	switch {
	case c.Audience == "":
		return config.Invalid("oidc_audience", "empty", "what the issuer writes into aud of access tokens for this installation")
	case c.Audience == c.ClientID:
		return config.Invalid("oidc_audience", c.Audience,
			"another one than oidc_client_id, since ID tokens, which prove nothing here, are for the client")
	case !clientID.MatchString(c.ClientID):
		return config.Invalid("oidc_client_id", c.ClientID, "at most 255 printable ASCII characters")
	}
	return nil
}

func listOf(algorithms []jose.SignatureAlgorithm) string {
	words := make([]string, len(algorithms))
	for i, algorithm := range algorithms {
		words[i] = string(algorithm)
	}
	return strings.Join(words, ", ")
}

// algorithms returns the signatures that are taken.
func (c *Config) algorithms() []jose.SignatureAlgorithm {
	taken := make([]jose.SignatureAlgorithm, len(c.Algorithms))
	for i, algorithm := range c.Algorithms {
		taken[i] = jose.SignatureAlgorithm(algorithm)
	}
	return taken
}

// roots returns what vouches for the issuer; nil for what the system trusts.
func (c *Config) roots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, config.Invalid("oidc_ca_file", c.CAFile, "a file with certificates that can be read")
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(raw) {
		return nil, config.Invalid("oidc_ca_file", c.CAFile, "a file with certificates in PEM")
	}
	return roots, nil
}

// mayHaveKeys reports whether the keys of the issuer may be at a host, which has its port unless that is its scheme's.
func (c *Config) mayHaveKeys(own, host string) bool {
	sameHost := func(listed string) bool { return strings.EqualFold(withPort(listed), withPort(host)) }
	return strings.EqualFold(own, host) || slices.ContainsFunc(c.KeyHosts, sameHost)
}

func withPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return host + ":443"
}
