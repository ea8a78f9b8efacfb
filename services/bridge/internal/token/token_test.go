package token_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/token"
)

func generate(t testing.TB) token.Token {
	t.Helper()
	made, err := token.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestForm(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^fgd_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$`)
	seen := map[string]bool{}
	for range 1000 {
		made := generate(t)
		text := made.Text().Reveal()
		if !form.MatchString(text) {
			t.Fatalf("%q has another form", text)
		}
		if seen[text] || seen[made.ID] {
			t.Fatal("the same again")
		}
		seen[text], seen[made.ID] = true, true
		back, err := token.Parse(text)
		if err != nil || back != made {
			t.Fatalf("read back %v, %v", back, err)
		}
	}
}

// TestKnownToken holds the form to what it was: a change makes every token that is out useless.
func TestKnownToken(t *testing.T) {
	t.Parallel()
	const text = "fgd_000000000000_00000000000000000000000000000000"
	for sum := range 100 {
		if _, err := token.Parse(text + fmt.Sprintf("%06d", sum)); err == nil {
			t.Fatalf("checksum %06d is taken", sum)
		}
	}
	if _, err := token.Parse(text + "43BxNh"); err != nil {
		t.Errorf("the known token: %v", err)
	}
}

// TestMistypedTokensAreToldOffline: no digit can be another one, and no two neighbours can change places.
func TestMistypedTokensAreToldOffline(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		made, err := token.Generate()
		if err != nil {
			t.Fatal(err)
		}
		text := []byte(made.Text().Reveal())
		wrong := slices.Clone(text)
		at := rapid.IntRange(len("fgd_"), len(text)-2).Draw(t, "at")
		if rapid.Bool().Draw(t, "swapped") {
			wrong[at], wrong[at+1] = wrong[at+1], wrong[at]
		} else {
			wrong[at] = rapid.SampledFrom([]byte("09AZaz")).Draw(t, "digit")
		}
		if _, err := token.Parse(string(wrong)); (err == nil) != (string(wrong) == string(text)) {
			t.Fatalf("%s for %s: %v", wrong, text, err)
		}
	})
}

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	made := generate(t)
	peppers, err := token.NewPeppers()
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.TrimPrefix(made.Text().Reveal(), "fgd_"+made.ID+"_")[:32]
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if out := fmt.Sprintf(verb+verb, made, peppers); strings.Contains(out, secret) || !strings.Contains(out, "redacted") {
			t.Errorf("%s prints %s", verb, out)
		}
	}
}

func TestPeppers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "peppers")
	first, err := token.PepperFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file: %v, %v", info, err)
	}
	made := generate(t)
	id, digest := first.Digest(made)
	other, err := token.Renew(made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Matches(made, id, digest) || first.Matches(other, id, digest) || first.Matches(made, "other", digest) ||
		first.Matches(made, id, nil) {
		t.Error("a digest is taken for another one")
	}
	// Another pepper in front: what was made before is taken still, and known to be old.
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append([]byte(strings.Repeat("A", 43)+"=\n"), raw...), 0o600); err != nil {
		t.Fatal(err)
	}
	both, err := token.PepperFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !both.Matches(made, id, digest) || both.IsCurrent(id) {
		t.Error("after a rotation the old digest is not taken, or is current")
	}
	if newID, newDigest := both.Digest(made); newID == id || !both.Matches(made, newID, newDigest) ||
		first.Matches(made, newID, newDigest) {
		t.Error("the new pepper is not used")
	}
	again, err := token.PepperFile(path)
	if err != nil || !again.Matches(made, id, digest) {
		t.Errorf("read again: %v", err)
	}
}

func TestBadPepperFiles(t *testing.T) {
	t.Parallel()
	for content, says := range map[string]string{
		"":                                 "no pepper",
		"# nothing\n":                      "no pepper",
		"c2hvcnQ=\n":                       "32 bytes",
		strings.Repeat("A", 43) + "=\n?\n": "32 bytes",
	} {
		path := filepath.Join(t.TempDir(), "peppers")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := token.PepperFile(path)
		if !errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(err.Error(), says) ||
			content != "" && strings.Contains(err.Error(), strings.TrimSpace(content)) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(generate(f).Text().Reveal())
	f.Add("fgd_000000000000_00000000000000000000000000000000000000")
	f.Add("fgd__")
	f.Add("Bearer fgd_")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := token.Parse(text)
		if err == nil && parsed.Text().Reveal() != text {
			t.Errorf("%q is read as %q", text, parsed.Text().Reveal())
		}
	})
}
