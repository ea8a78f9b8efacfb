// Package netboxdial connects to NetBoxes that callers have named: to permitted addresses only, and with a token that
// stands outside of the suite and has the NetBox's host in its list.
package netboxdial

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"

	"fgdsync.dev/libs/credref"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/reach"
	"fgdsync.dev/libs/remotehost"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
)

const (
	// envPrefix bounds which variables can be referred to.
	envPrefix = "HEDGEHOG_FGD_NETBOX_"
	// called is what people call those that are connected to.
	called = "NetBox host"

	dialTimeout = 10 * time.Second
	idleTimeout = 60 * time.Second
	idlePerHost = 8
)

// The names of the fields that a NetBox and its token come in.
const (
	URLField      = "netbox.url"
	TokenRefField = "netbox.token_ref" //nolint:gosec // the name of a field
)

// Config is what can be set of it. Other services have the same keys for what they connect to.
type Config struct {
	// CredentialsDir is the folder of tokens that are referred to as "file:NAME". The hosts that they may be used for
	// stand in NAME.hosts beside them.
	CredentialsDir string `koanf:"credentials_dir" reads:"folder"`
	// AllowHTTP permits http, over which tokens go in clear.
	AllowHTTP bool `koanf:"allow_http"`
	// AllowedPrivateNetworks are those whose hosts may be spoken to, as 10.0.0.0/8; of others only public addresses are.
	AllowedPrivateNetworks []string `koanf:"allowed_private_networks" allowed:"networks, as 10.0.0.0/8"`
	// RemotesCAFile holds certificates of authorities that are trusted besides those of the system.
	RemotesCAFile string `koanf:"remotes_ca_file" reads:"file"`
}

// Validate names the first key whose value is not allowed.
func (c *Config) Validate() error {
	_, err := reach.ParseNetworks(c.AllowedPrivateNetworks)
	return err
}

// Dialer makes clients of NetBoxes.
type Dialer struct {
	allowHTTP bool
	finder    *credref.Finder
	transport *http.Transport
}

// New returns a dialer. Nothing is connected to.
func New(c Config, lookupEnv func(string) (string, bool)) (*Dialer, error) {
	transport, err := NewTransport(c, called)
	if err != nil {
		return nil, err
	}
	return &Dialer{
		allowHTTP: c.AllowHTTP, transport: transport, finder: &credref.Finder{
			Prefix: envPrefix, Dir: c.CredentialsDir, LookupEnv: lookupEnv, Service: "the bridge", Host: called,
			Field: TokenRefField,
		},
	}, nil
}

// NewTransport returns what leads to permitted addresses alone, for servers that people call so.
func NewTransport(c Config, called string) (*http.Transport, error) {
	networks, err := reach.ParseNetworks(c.AllowedPrivateNetworks)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: networks.Control(called)}
	transport := &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: idleTimeout,
		MaxIdleConnsPerHost: idlePerHost, ForceAttemptHTTP2: true,
	}
	if c.RemotesCAFile != "" {
		trusted, err := reach.Authorities(c.RemotesCAFile)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	}
	return transport, nil
}

// Close lets go of idle connections.
func (d *Dialer) Close() error {
	d.transport.CloseIdleConnections()
	return nil
}

// Transport returns what leads to permitted addresses alone, with whatever is sent.
func (d *Dialer) Transport() http.RoundTripper { return d.transport }

// Bare wraps nothing, for Connect.
func Bare(transport http.RoundTripper) http.RoundTripper { return transport }

// Check refuses what is not the address of a NetBox that may be spoken to. Nothing is connected to.
func (d *Dialer) Check(address string) error {
	_, err := d.permitted(address)
	return err
}

// Connect returns a client of a NetBox with the token that a reference leads to now. Its requests go through a wrapped
// transport.
func (d *Dialer) Connect(
	address, tokenRef string, wrap func(http.RoundTripper) http.RoundTripper,
) (*hnp.Client, error) {
	server, err := d.permitted(address)
	if err != nil {
		return nil, err
	}
	if tokenRef == "" {
		return nil, errs.New(errs.CredentialsUnreadable, "Nothing says where the token of NetBox is found.").
			WithRemedy("Give a reference to it, env:NAME or file:NAME, with --token-ref, or --netbox-token-ref of a fabric; fgd netbox "+
				"set --token-ref gives that of the installation's own NetBox, which no other NetBox gets.").
			WithMeta(errs.FieldKey, TokenRefField)
	}
	found, err := d.finder.Find(tokenRef)
	if err != nil {
		return nil, err
	}
	if err := found.Admit(server); err != nil {
		return nil, err
	}
	token, err := found.Read()
	if err != nil {
		return nil, err
	}
	client, err := hnp.New(address, secret.New(token), wrap(hnp.Timed(d.transport)))
	if err != nil {
		return nil, errs.New(errs.CredentialsUnreadable, "The token of NetBox that %s leads to can't be used.", tokenRef).
			WithRemedy("Put there the token alone, as NetBox shows it: nbt_… or 40 characters.").WithCause(err)
	}
	return client, nil
}

// ConnectWith returns a client of a NetBox with a token that a caller has given.
func (d *Dialer) ConnectWith(address string, token secret.String) (*hnp.Client, error) {
	if _, err := d.permitted(address); err != nil {
		return nil, err
	}
	client, err := hnp.New(address, token, hnp.Timed(d.transport))
	if err != nil {
		return nil, errs.Field("admin_token", "admin_token is no token as NetBox shows it: nbt_… or 40 characters.").
			WithCause(err)
	}
	return client, nil
}

// permitted returns the server of an address, and refuses what is not the address of a NetBox that may be spoken to.
func (d *Dialer) permitted(address string) (remotehost.Host, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return remotehost.Host{}, errs.Field(URLField, "%s has to be an address like https://netbox.example.com, before its "+
			"/api and without user and query.", URLField)
	}
	server, ok := remotehost.New(u.Scheme, u.Hostname(), u.Port())
	switch {
	case !ok || server.Scheme != "https" && server.Scheme != "http":
		return remotehost.Host{}, errs.Field(URLField, "%s has to begin with https://, and have a host.", URLField)
	case server.Scheme == "http" && !d.allowHTTP:
		return remotehost.Host{}, errs.New(errs.RemoteRefused, "Over http the token would go in clear.").
			WithRemedy("Give NetBox's https address; allow_http (--allow-http) permits http.").
			WithMeta(errs.FieldKey, URLField)
	}
	return server, nil
}
