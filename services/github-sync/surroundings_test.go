package githubsync_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
)

// TestSurroundings: a snapshot knows the fabric directory above its own, by its manifest alone, and the folder that a
// checkout without the case of letters takes for its own.
func TestSurroundings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, map[string]string{
		"gitops/fab1/.hnp/manifest.yaml": "a: 1\n", "gitops/fab1/managed/vpcs/a.yaml": "a: 1\n",
		"gitops/new/raw/a.yaml": "a: 1\n", "other/.hnp/archive-log.yaml": "a: 1\n", "other/x/a.yaml": "a: 1\n",
		"Both/raw/a.yaml": "a: 1\n", "both/raw/a.yaml": "a: 1\n", "case/Own/.hnp/manifest.yaml": "a: 1\n",
		"accents/\u00e9te\u0301/raw/a.yaml": "a: 1\n",
		"case/own/raw/a.yaml":               "a: 1\n", "case/own.yaml": "a: 1\n",
	})
	for directory, want := range map[string]*gitv1.Surroundings{
		"gitops":                     {},
		"gitops/fab1":                {},
		"gitops/new":                 {},
		"gitops/fab1/managed":        {Above: "gitops/fab1"},
		"gitops/fab1/managed/vpcs/x": {Above: "gitops/fab1"},
		"gitops/fab1/.hnp":           {Above: "gitops/fab1"},
		"gitops/fab10":               {},
		"other/x":                    {},
		"gitops/FAB1":                {Twin: "gitops/fab1"},
		"GitOps/fab9":                {Twin: "gitops"},
		"accents/e\u0301t\u00e9":     {Twin: "accents/\u00e9te\u0301"},
		"both":                       {},
		"case/own":                   {Twin: "case/Own"},
		"case/Own":                   {},
		"":                           {},
	} {
		want.Directory = directory
		if got := b.open(directory).GetSurroundings(); !proto.Equal(got, want) {
			t.Errorf("%q: %v, not %v", directory, got, want)
		}
	}
	b.host.Commit(t, repository, branch, map[string]string{".hnp/manifest.yaml": "a: 1\n"})
	if got := b.open("gitops/new").GetSurroundings().GetAbove(); got != "/" {
		t.Errorf("below the root: %q", got)
	}
}

// TestDirectoriesThatNoCheckoutHolds are refused before anything is asked or written.
func TestDirectoriesThatNoCheckoutHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	check := func(directory string) (*gitv1.CheckLocationResponse, error) {
		return b.repositories.CheckLocation(t.Context(), &gitv1.CheckLocationRequest{Location: &gitv1.Location{
			RepositoryUrl: "https://example.com/o/r", Branch: branch, Directory: directory,
		}})
	}
	for _, directory := range []string{
		"GIT~1", "a/git~22", "aux", "AUX.txt", "con/nul", "a/Com1", "lpt³.x", "prn .x", " ", " a", "a ", "a/ b", "a\u00a0",
		"a.", "a/...", "a:b", "a?b", `a"b`, "a<b", "a|b", "a*", ".git", ".GIT", ".g\u200cit", "..", "a/../b", "a//b", "./a",
		`a\b`, "a\nb", "a\u2028",
	} {
		if _, err := check(directory); !errs.HasCode(err, errs.DirectoryInvalid) ||
			errs.From(err).Meta[errs.FieldKey] != "location.directory" {
			t.Errorf("%q: %v", directory, err)
		}
	}
	for directory, want := range map[string]string{
		"/gitops/fabric-1/": "gitops/fabric-1", "console": "console", "com10": "com10", "git~x": "git~x", "a.b": "a.b",
		"größe": "größe", "com": "com", ".fabric": ".fabric", "a b": "a b", "/": "", ".": "", "": "",
	} {
		if got, err := check(directory); err != nil || got.GetDirectory() != want {
			t.Errorf("%q: %v, %v", directory, got, err)
		}
	}
}

// TestSpellingsOfABranch: a branch has one name, and other refs are none.
func TestSpellingsOfABranch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	at := b.location("d")
	at.Branch = "refs/heads/" + branch
	checked, err := b.repositories.CheckLocation(t.Context(), &gitv1.CheckLocationRequest{Location: at})
	if err != nil || checked.GetBranch() != branch {
		t.Errorf("%v, %v", checked, err)
	}
	if _, err := b.tryHold(at); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"refs/tags/v1", "refs/heads/", "refs/heads/-x", "refs/heads/refs/heads/main", "refs/x"} {
		at.Branch = name
		_, err := b.repositories.CheckLocation(t.Context(), &gitv1.CheckLocationRequest{Location: at})
		if !errs.HasCode(err, errs.InvalidRequest) || errs.From(err).Meta[errs.FieldKey] != "location.branch" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPullRequestsNeedAHostThatHasThem: who wants them is told at once, and not by the first change.
func TestPullRequestsNeedAHostThatHasThem(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *githubsync.Config) { c.GitHubHosts = []string{"github.example=https://api.github.example"} })
	for url, known := range map[string]bool{"https://github.example/o/r.git": true, "https://git.example/o/r.git": false} {
		_, err := b.repositories.CheckLocation(t.Context(), &gitv1.CheckLocationRequest{
			Location: &gitv1.Location{RepositoryUrl: url, Branch: branch, Directory: "d"}, PullRequests: true,
		})
		if known && err != nil || !known && !errs.HasCode(err, errs.GitHubRequired) {
			t.Errorf("%s: %v", url, err)
		}
		if !known && !strings.Contains(errs.From(err).RemedyText(), "github_hosts") {
			t.Errorf("remedy: %s", errs.From(err).RemedyText())
		}
	}
}
