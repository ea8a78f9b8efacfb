package issuer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/issuer"
)

func valid() issuer.Config {
	cfg := issuer.DefaultConfig()
	cfg.Issuer, cfg.Audience, cfg.ClientID = "https://id.example.com/realms/x", "api", "cli"
	cfg.Grants = []map[string]any{{"group": "g", "role": "admin", "fabric_ids": []any{1}, "rights": []any{"force"}}}
	return cfg
}

// TestWrongValues: each is named before anything starts.
func TestWrongValues(t *testing.T) {
	t.Parallel()
	if cfg := valid(); cfg.Validate() != nil {
		t.Fatal(cfg.Validate())
	}
	if cfg := issuer.DefaultConfig(); cfg.Validate() != nil {
		t.Fatal(cfg.Validate())
	}
	for _, c := range []struct {
		key    string
		change func(*issuer.Config)
	}{
		{"oidc_issuer", func(c *issuer.Config) { c.Issuer = "" }},
		{"oidc_issuer", func(c *issuer.Config) { c.Issuer = "http://id.example.com" }},
		{"oidc_issuer", func(c *issuer.Config) { c.Issuer = "http://127.0.0.1.example.com" }},
		{"oidc_issuer", func(c *issuer.Config) { c.Issuer = "https://user:pass@id.example.com" }},
		{"oidc_issuer", func(c *issuer.Config) { c.Issuer = "https://id.example.com/?x" }},
		{"oidc_issuer", func(c *issuer.Config) { c.Issuer = "id.example.com" }},
		{"oidc_audience", func(c *issuer.Config) { c.Audience = "" }},
		{"oidc_audience", func(c *issuer.Config) { c.Audience = c.ClientID }},
		{"oidc_client_id", func(c *issuer.Config) { c.ClientID = "a\nb" }},
		{"oidc_scopes", func(c *issuer.Config) { c.Scopes = []string{"openid", "a b"} }},
		{"oidc_algorithms", func(c *issuer.Config) { c.Algorithms = nil }},
		{"oidc_algorithms", func(c *issuer.Config) { c.Algorithms = []string{"RS256", "HS256"} }},
		{"oidc_algorithms", func(c *issuer.Config) { c.Algorithms = []string{"none"} }},
		{"oidc_algorithms", func(c *issuer.Config) { c.Algorithms = []string{"rs256"} }},
		{"oidc_groups_claim", func(c *issuer.Config) { c.GroupsClaim = "" }},
		{"oidc_key_hosts", func(c *issuer.Config) { c.KeyHosts = []string{"https://x"} }},
	} {
		cfg := valid()
		c.change(&cfg)
		if err := cfg.Validate(); !errs.HasCode(err, errs.ConfigurationInvalid) || errs.From(err).Meta["key"] != c.key {
			t.Errorf("%s: %v", c.key, err)
		}
	}
}

// TestWrongGrants: each is named by its place, with what is wrong with it.
func TestWrongGrants(t *testing.T) {
	t.Parallel()
	for says, grant := range map[string]map[string]any{
		"a group or a subject":    {"role": "viewer", "all_fabrics": true},
		"and one of them":         {"group": "a", "subject": "b", "role": "viewer", "all_fabrics": true},
		`the role is "owner"`:     {"group": "a", "role": "owner", "all_fabrics": true},
		`the role is ""`:          {"group": "a", "all_fabrics": true},
		"and not both":            {"group": "a", "role": "viewer", "all_fabrics": true, "fabric_ids": []any{1}},
		"fabric_ids names":        {"group": "a", "role": "viewer"},
		"begin with 1":            {"group": "a", "role": "viewer", "fabric_ids": []any{0}},
		`unknown field "fabrics"`: {"group": "a", "role": "viewer", "fabrics": []any{1}},
		"fabric_ids":              {"group": "a", "role": "viewer", "fabric_ids": []any{"one"}},
		`no right "fly"`:          {"group": "a", "role": "admin", "all_fabrics": true, "rights": []any{"fly"}},
		`no right "unspecified"`:  {"group": "a", "role": "admin", "all_fabrics": true, "rights": []any{"unspecified"}},
		"role of an admin":        {"group": "a", "role": "viewer", "all_fabrics": true, "rights": []any{"force"}},
	} {
		cfg := valid()
		cfg.Grants = append(cfg.Grants, grant)
		err := cfg.Validate()
		if !errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(err.Error(), "entry 2") ||
			!strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", grant, err)
		}
	}
}

// TestCertificatesOfTheIssuer: a file that is not there or has none is named.
func TestCertificatesOfTheIssuer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ca.pem")
	for range 2 {
		cfg := valid()
		cfg.CAFile = file
		if _, err := issuer.New(cfg, nil, nil); !errs.HasCode(err, errs.ConfigurationInvalid) ||
			errs.From(err).Meta["key"] != "oidc_ca_file" {
			t.Error(err)
		}
		if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
