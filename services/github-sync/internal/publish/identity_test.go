package publish_test

import (
	"testing"

	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/publish"
)

// TestPeople: who a commit is by follows the fabric, then the configuration.
func TestPeople(t *testing.T) {
	t.Parallel()
	configured := publish.Identity{
		Author: publish.Requester, Committer: "Bot <bot@corp.example>", Emails: map[string]string{"ada": "ada@corp.example"},
	}
	known := object.Signature{Name: "ada", Email: "ada@corp.example"}
	bot := object.Signature{Name: "Bot", Email: "bot@corp.example"}
	fab := object.Signature{Name: "Fab", Email: "f@x.example"}
	team := object.Signature{Name: "Team", Email: "team@corp.example"}
	for name, test := range map[string]struct {
		author, committer string
		by, made          object.Signature
	}{
		"as configured":  {"", "", known, bot},
		"committer":      {publish.Committer, "", bot, bot},
		"somebody":       {"Team <team@corp.example>", "", team, bot},
		"of the fabric":  {publish.Committer, "Fab <f@x.example>", fab, fab},
		"requester asks": {publish.Requester, "Fab <f@x.example>", known, fab},
	} {
		by, made, err := configured.People(object.Signature{Name: "ada"}, test.author, test.committer)
		if err != nil || by != test.by || made != test.made {
			t.Errorf("%s: by %v, made %v, %v", name, by, made, err)
		}
	}
	for _, bad := range []string{"nobody", "<x@y.example>", "x@y.example", "A <b>", "A <a@b.example>\nparent x"} {
		if _, _, err := configured.People(known, bad, ""); err == nil {
			t.Errorf("%q is somebody", bad)
		}
	}
}

func TestParseEmail(t *testing.T) {
	t.Parallel()
	who, address, ok := publish.ParseEmail("ada=l = ada@corp.example")
	if !ok || who != "ada=l" || address != "ada@corp.example" {
		t.Errorf("%q, %q, %t", who, address, ok)
	}
	for _, bad := range []string{"", "ada", "=a@b.example", "ada=", "ada=b", "ada=A <a@b.example>"} {
		if _, _, ok := publish.ParseEmail(bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}
