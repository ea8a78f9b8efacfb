// Package issuer knows who somebody is that shows a JWT of the one OIDC issuer which the installation trusts, and what
// the configuration lets them do. The issuer may be away: keys that are known stay good, and what is verified is
// remembered for a minute at most.
package issuer

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/openid"
	"fgdsync.dev/libs/printable"
	"fgdsync.dev/libs/recent"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

const (
	// maxJWT is in bytes; a longer one is not looked at.
	maxJWT = 16 << 10
	// rememberedFor is how long what was verified is not verified again, and so late a change of keys is seen.
	rememberedFor = time.Minute
	// rememberedTokens bounds how many are remembered.
	rememberedTokens = 10_000
	// refreshPeriod is how often the issuer is asked for its keys, so that one it has withdrawn is not taken for long.
	refreshPeriod = 5 * time.Minute
)

// Person is somebody who shows a JWT.
type Person struct {
	Name    string // one line of at most 100 characters
	Subject string // the issuer, a blank and its subject: the same for as long as the issuer knows them
	Grants  []*accessv1.Grant
	Expires time.Time
}

// Issuer verifies JWTs. A nil one takes none.
type Issuer struct {
	config     *Config
	algorithms []jose.SignatureAlgorithm
	rules      []rule
	keys       *keys
	now        func() time.Time
	journal    *health.Journal
	verified   *recent.Cache[[sha256.Size]byte, remembered]
}

// remembered is what was verified, and until when it is not verified again.
type remembered struct {
	person *Person
	until  time.Time
}

// New returns what verifies the JWTs of a configured issuer. It asks it nothing yet.
func New(cfg Config, log *slog.Logger, now func() time.Time) (*Issuer, error) {
	return newIssuer(cfg, log, now, openid.Patience)
}

func newIssuer(cfg Config, log *slog.Logger, now func() time.Time, patience time.Duration) (*Issuer, error) {
	rules, err := parseGrants(cfg.Grants)
	if err != nil {
		return nil, err
	}
	roots, err := cfg.roots()
	if err != nil {
		return nil, err
	}
	verified, err := recent.New[[sha256.Size]byte, remembered](rememberedTokens)
	if err != nil {
		return nil, err
	}
	i := &Issuer{
		config: &cfg, algorithms: cfg.algorithms(), rules: rules, now: now, journal: health.NewJournal(log, now),
		verified: verified,
	}
	i.keys = &keys{config: &cfg, client: openid.NewClient(roots, patience), now: now, noted: i.note}
	return i, nil
}

// Run keeps the keys up to date until ctx ends.
func (i *Issuer) Run(ctx context.Context) error {
	for {
		i.keys.refresh()
		pause := refreshPeriod
		if _, away := i.keys.state(); away != nil {
			pause = refetchPause
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// Identify returns who shows a JWT: UNAUTHENTICATED (FGD_1050) when it proves nothing, UNAVAILABLE (FGD_5032) when that
// can't be found out, PERMISSION_DENIED (FGD_1051) when it proves who somebody is that no grant is for.
func (i *Issuer) Identify(text string) (*Person, error) {
	if i == nil {
		return nil, refused("It is a JWT, and no issuer is configured whose JWTs are taken.")
	}
	if len(text) > maxJWT {
		return nil, refused("The JWT has more than %d bytes.", maxJWT)
	}
	digest := sha256.Sum256([]byte(text))
	now := i.now()
	if known, found := i.verified.Get(digest); found && now.Before(known.until) {
		return known.person, nil
	}
	person, err := i.verify(text, now)
	if err != nil {
		return nil, err
	}
	until := now.Add(rememberedFor)
	if person.Expires.Before(until) {
		until = person.Expires
	}
	i.verified.Add(digest, remembered{person, until}, 1)
	return person, nil
}

// verify looks at everything that a JWT has to be.
func (i *Issuer) verify(text string, now time.Time) (*Person, error) {
	parsed, err := jose.ParseSignedCompact(text, i.algorithms)
	if err != nil {
		return nil, refused("The JWT is not taken: it can't be read, or has another signature than %s.",
			listOf(i.algorithms)).WithCause(err)
	}
	header := parsed.Signatures[0].Header
	if isOther(header) {
		return nil, refused("The JWT is no access token: its type is another one.")
	}
	found, err := i.keysOf(header)
	if err != nil {
		return nil, err
	}
	token, err := oidc.NewVerifier(i.config.Issuer, found, &oidc.Config{
		ClientID: i.config.Audience, SupportedSigningAlgs: i.config.Algorithms,
		SkipExpiryCheck: true, // its leeway is none for exp and five minutes for nbf; period has another
	}).Verify(context.Background(), text)
	if err != nil {
		return nil, refused("The JWT is not taken: %s.", because(err))
	}
	return i.person(header, token, now)
}

// keysOf returns the keys that may have signed a JWT.
func (i *Issuer) keysOf(header jose.Header) (*oidc.StaticKeySet, error) {
	found := i.keys.find(header.KeyID)
	if len(found) > 0 {
		return &oidc.StaticKeySet{PublicKeys: found}, nil
	}
	known, away := i.keys.state()
	if known && away == nil {
		return nil, refused("The JWT is signed with a key that the issuer does not have.")
	}
	err := errs.New(errs.IssuerUnavailable, "The issuer of JWTs, %s, can't be asked for its keys.", i.config.Issuer).
		WithRetryAfter(refetchPause)
	if away != nil {
		err = err.WithCause(away)
	}
	return nil, err
}

// person returns whom a JWT with the right signature is of.
func (i *Issuer) person(header jose.Header, token *oidc.IDToken, now time.Time) (*Person, error) {
	c, err := claimsOf(token)
	if err != nil {
		return nil, refused("The JWT is not taken: its claims can't be read.").WithCause(err)
	}
	switch {
	case isIDToken(header, c):
		return nil, refused("The JWT is an ID token, which is for the program that somebody signs in with alone.").
			WithRemedy("Send the access token.")
	case !now.Before(token.Expiry.Add(leeway)):
		return nil, refused("The JWT has expired.").WithRemedy("Sign in again, with fgd login.")
	case now.Add(leeway).Before(c.NotBefore.time()):
		return nil, refused("The JWT is not valid yet.").WithRemedy("See whether the clocks are right.")
	case !isSubject(token.Subject):
		return nil, refused("The JWT does not say whose it is.")
	}
	p := &Person{
		Name: c.name(i.config.NameClaim, token.Subject), Subject: i.config.Issuer + " " + token.Subject,
		Grants: grantsOf(i.rules, token.Subject, c.texts(i.config.GroupsClaim)), Expires: token.Expiry,
	}
	if len(p.Grants) == 0 {
		return nil, errs.New(errs.NotAllowed, "Nothing is granted to %s, whose subject is %q.", p.Name, token.Subject).
			WithRemedy("Ask whoever runs the bridge to list one of your groups, or the subject, in oidc_grants.")
	}
	return p, nil
}

func refused(format string, args ...any) *errs.Error {
	return errs.New(errs.NotAuthenticated, format, args...)
}

// because returns why the verifier refuses a JWT, in one line.
func because(err error) string {
	return printable.Truncate(printable.Line(strings.TrimPrefix(err.Error(), "oidc: ")), 300)
}

// note logs when the issuer goes away and comes back.
func (i *Issuer) note(error) { i.Health(context.Background()) }

// Health returns how the issuer is. It asks nobody.
func (i *Issuer) Health(ctx context.Context) health.State {
	state := health.State{Name: health.Issuer}
	known, away := i.keys.state()
	switch {
	case away == nil && !known:
		state.Status, state.Reason = health.Unknown, "The issuer of JWTs is being asked for its keys."
	case away != nil && known:
		state.Status, state.Reason = health.Degraded, "The issuer of JWTs is away: "+openid.Reason(away)+
			". Its JWTs are taken as long as its keys stay the same."
	case away != nil:
		state.Status, state.Reason = health.Unhealthy, "The issuer of JWTs is away, and none of them is taken: "+
			openid.Reason(away)+"."
	}
	if state.Status != health.Healthy {
		state.Remedy = "Check that oidc_issuer is right and can be reached from here; it is asked again within seconds. " +
			"Callers with tokens of the suite's own are not affected."
	}
	return i.journal.Note(ctx, state)
}

// Check returns what is the trouble with the issuer, if there is any. It asks nobody.
func (i *Issuer) Check(ctx context.Context) error {
	state := i.Health(ctx)
	if state.Status == health.Healthy {
		return nil
	}
	return &health.Trouble{Status: state.Status, Reason: state.Reason, Remedy: state.Remedy}
}

// Login is what a program has to know to have somebody sign in at the issuer.
type Login struct {
	Issuer, ClientID, Audience string
	Scopes                     []string
}

// Login returns it: NOT_FOUND (FGD_1057) where nobody can sign in.
func (i *Issuer) Login() (Login, error) {
	if i == nil || i.config.ClientID == "" {
		return Login{}, errs.New(errs.LoginNotOffered, "Nobody can sign in here.")
	}
	return Login{i.config.Issuer, i.config.ClientID, i.config.Audience, i.config.Scopes}, nil
}
