package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/cmd/fgd/internal/login"
	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// NewToken prints a token with what its holder shows: alone on its line, so that it can be taken over.
func NewToken(w io.Writer, t *bridgev1.Token, text, out string) {
	if out != "" {
		fmt.Fprintf(w, "%s is in %s, until %s.\n", tokenName(t), printable.Line(out), when(t.GetExpiresAt()))
		return
	}
	fmt.Fprintln(w, text)
	fmt.Fprintf(w, "# %s, until %s. It is not shown again; keep it where only its holder can read it.\n", tokenName(t),
		when(t.GetExpiresAt()))
}

// Tokens prints tokens, without their secrets. A table of all columns has times in place of the day and of how long
// ago.
func Tokens(s *Screen, tokens []*bridgev1.Token) {
	t := newTable(s, 0, 3, 4, 5)
	t.cells("ID", "NAME", "MAY", "STATE", "UNTIL", "LAST USED")
	for _, one := range tokens {
		until, used := one.GetExpiresAt().AsTime().Format(time.DateOnly), age(one.GetLastUsedAt())
		if s.all {
			until, used = when(one.GetExpiresAt()), when(one.GetLastUsedAt())
		}
		t.cells(one.GetTokenId(), printable.Line(one.GetName()), grantsText(one), one.GetState(), until, used)
	}
	t.end()
}

// Revoked prints that a token is not taken any more.
func Revoked(w io.Writer, t *bridgev1.Token) {
	fmt.Fprintf(w, "%s is not taken since %s.\n", tokenName(t), when(t.GetRevokedAt()))
}

// SignIn prints what a person has to do to sign in.
func SignIn(w io.Writer, p login.Prompt) {
	fmt.Fprintf(w, "Sign in at %s and enter the code %s there (the issuer is %s).\n", p.URL, p.Code, p.Issuer)
	if p.Complete != "" {
		fmt.Fprintf(w, "Or open %s and see whether it shows that code.\n", p.Complete)
	}
}

// Caller prints who somebody is at an address, and what they may do there.
func Caller(w io.Writer, address string, c *bridgev1.GetCallerResponse) {
	fmt.Fprintf(w, "You are %s at %s (%s), until %s.\n", printable.Line(c.GetName()), address,
		strings.Join(grantTexts(c.GetGrants()), "; "), when(c.GetExpiresAt()))
}

func tokenName(t *bridgev1.Token) string {
	return fmt.Sprintf("token %s of %s (%s)", t.GetTokenId(), printable.Line(t.GetName()), grantsText(t))
}

// grantsText says what the holder of a token may do.
func grantsText(t *bridgev1.Token) string {
	grants := grantTexts(t.GetGrants())
	if t.GetSpeaksForPeople() {
		grants = append(grants, "speaks for people")
	}
	return strings.Join(grants, "; ")
}

func grantTexts(granted []*bridgev1.Grant) []string {
	var grants []string
	for _, g := range granted {
		text := g.GetRole() + " of all fabrics"
		if !g.GetAllFabrics() {
			text = g.GetRole() + " of " + strings.Trim(strings.ReplaceAll(fmt.Sprint(g.GetFabricIds()), " ", ", "), "[]")
		}
		if len(g.GetRights()) > 0 {
			text += " with " + strings.Join(g.GetRights(), ", ")
		}
		grants = append(grants, text)
	}
	return grants
}

func when(at *timestamppb.Timestamp) string {
	if at == nil {
		return "never"
	}
	return at.AsTime().Format(time.RFC3339)
}
