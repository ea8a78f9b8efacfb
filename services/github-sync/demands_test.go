package githubsync_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/sshserver"
)

// pkt is a line of the protocol.
func pkt(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }

// TestMultiACKDemanded: there are hosts that give nothing to clients which do not ask for multi_ack.
func TestMultiACKDemanded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	b.host.Break(gitserver.Fault{
		On: gitserver.Fetch, Status: http.StatusBadRequest, Text: "Clients must support multi-ack", Unless: "multi_ack",
	})
	for i := range 3 { // a first fetch, and later ones that build on it
		b.host.Commit(t, repository, branch, map[string]string{"f/a.yaml": fmt.Sprintf("a: %d\n", i)})
		s := b.open("f")
		if got := b.files(s, s.GetTree())["a.yaml"]; got != fmt.Sprintf("a: %d\n", i) {
			t.Errorf("fetch %d: %q", i, got)
		}
	}
	b.host.Mend()
	b.host.Break(gitserver.Fault{
		On: gitserver.Fetch, Status: http.StatusBadRequest, Text: "TF401041: nothing for you", Unless: "no client says this",
	})
	b.host.Commit(t, repository, branch, map[string]string{"f/a.yaml": "a: last\n"})
	response, err := b.repositories.CheckConnection(t.Context(), &gitv1.CheckConnectionRequest{Location: b.location("f")})
	problems := response.GetConnection().GetProblems()
	if err != nil || response.GetConnection().GetCanRead() || len(problems) != 1 ||
		!strings.Contains(problems[0].GetMessage(), "TF401041: nothing for you") {
		t.Errorf("a check: %v, %v", response, err)
	}
}

// TestMultiACKDemandedOverSSH: there the client says so too.
func TestMultiACKDemandedOverSSH(t *testing.T) {
	t.Parallel()
	b := setupSSH(t)
	b.host.Create(t, repository, branch, content)
	b.ssh.Break(sshserver.Fault{On: sshserver.Fetch, Says: "Clients must support multi-ack", Unless: "multi_ack"})
	for i := range 3 {
		b.host.Commit(t, repository, branch, map[string]string{"f/a.yaml": fmt.Sprintf("a: %d\n", i)})
		s := b.open("f")
		if got := b.files(s, s.GetTree())["a.yaml"]; got != fmt.Sprintf("a: %d\n", i) {
			t.Errorf("fetch %d: %q", i, got)
		}
	}
	b.ssh.Break(sshserver.Fault{On: sshserver.Fetch, Says: "TF401041: nothing for you", Unless: "no client says this"})
	b.host.Commit(t, repository, branch, map[string]string{"f/a.yaml": "a: last\n"})
	response, err := b.repositories.CheckConnection(t.Context(), &gitv1.CheckConnectionRequest{Location: b.location("f")})
	problems := response.GetConnection().GetProblems()
	if err != nil || response.GetConnection().GetCanRead() || len(problems) != 1 ||
		!strings.Contains(problems[0].GetMessage(), "TF401041: nothing for you") {
		t.Errorf("a check: %v, %v", response, err)
	}
}

// TestWordsOfTheHost: what a host says is told, and what it says for good is asked for once.
func TestWordsOfTheHost(t *testing.T) {
	t.Parallel()
	const archived = "This repository was archived so it is read-only."
	for name, test := range map[string]struct {
		fault    gitserver.Fault
		code     errs.Code
		words    string
		requests int
	}{
		"archived": {
			gitserver.Fault{On: gitserver.Receive, Status: http.StatusForbidden, Text: archived}, errs.PushRejected, archived, 1,
		},
		"rules": {
			gitserver.Fault{On: gitserver.Receive, Status: http.StatusUnprocessableEntity, Text: "declined due to rules"},
			errs.PushRejected, "declined due to rules", 1,
		},
		"an error line": {
			gitserver.Fault{On: gitserver.Receive, Status: http.StatusOK, Text: pkt("ERR Your account has been blocked.\n")},
			errs.PushRejected, "Your account has been blocked.", 1,
		},
		"a web page": {
			gitserver.Fault{On: gitserver.Receive, Status: http.StatusOK, Type: "text/html", Text: "<html>Sign in</html>"},
			errs.GitHubNotFound, "web page", 1,
		},
		"a report that is no race": {
			gitserver.Fault{
				On: gitserver.Receive, Status: http.StatusOK, Type: "application/x-git-receive-pack-result",
				Text: pkt("\x01"+pkt("unpack ok\n")+pkt("ng refs/heads/"+branch+" commit(s) already exists\n")+"0000") + "0000",
			},
			errs.PushRejected, "commit(s) already exists", 1,
		},
		"a lock that stays": {
			gitserver.Fault{
				On: gitserver.Receive, Status: http.StatusOK, Type: "application/x-git-receive-pack-result",
				Text: pkt("\x01"+pkt("unpack ok\n")+pkt("ng refs/heads/"+branch+" cannot lock ref\n")+"0000") + "0000",
			},
			errs.PushRejected, "cannot lock ref", 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			s := b.open("f")
			tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
			b.host.Break(test.fault)
			_, err := b.publish(s, tree)
			b.requireCode(err, test.code)
			if got := errs.From(err).Message; !strings.Contains(got, test.words) || strings.Contains(got, "credentials") {
				t.Errorf("%q, and not %q", got, test.words)
			}
			if got := b.host.Requests(gitserver.Receive); got != test.requests {
				t.Errorf("%d pushes", got)
			}
			b.host.Mend()
			b.requireCommits(1)
		})
	}
}

// TestWordsToReaders: the same for those who only read. What an answer says of the host is that it can be reached.
func TestWordsToReaders(t *testing.T) {
	t.Parallel()
	const sso = "Visit https://host.example/sso to sign in"
	for name, test := range map[string]struct {
		fault gitserver.Fault
		code  errs.Code
		words string
	}{
		"sign in elsewhere": {gitserver.Fault{Status: http.StatusForbidden, Text: sso}, errs.GitHubAuthenticationFailed, sso},
		"an error line": {
			gitserver.Fault{Status: http.StatusOK, Text: pkt("ERR access denied or repository exceeds size limit")},
			errs.GitHubAuthenticationFailed, "access denied or repository exceeds size limit",
		},
		"an error line that passes": {
			gitserver.Fault{Status: http.StatusOK, Text: pkt("ERR The server is not available at this time.")},
			errs.GitHubConnectionFailed, "The server is not available at this time.",
		},
		"not for you": {
			gitserver.Fault{Status: http.StatusUnavailableForLegalReasons, Text: "by law"}, errs.GitHubRequestRefused, "by law",
		},
		"a web page": {
			gitserver.Fault{Status: http.StatusNonAuthoritativeInfo, Type: "text/html; charset=utf-8", Text: "<html></html>"},
			errs.GitHubNotFound, "web page",
		},
		"something else": {gitserver.Fault{Status: http.StatusOK, Text: "hello"}, errs.GitHubConnectionFailed, "broke off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			test.fault.On = gitserver.Refs
			b.host.Break(test.fault)
			err := b.tryOpen(b.location("f"))
			b.requireCode(err, test.code)
			if got := errs.From(err).Message; !strings.Contains(got, test.words) {
				t.Errorf("%q, and not %q", got, test.words)
			}
			request := &gitv1.CheckConnectionRequest{Location: b.location("f")}
			response, err := b.repositories.CheckConnection(t.Context(), request)
			if err != nil || !response.GetConnection().GetReachable() {
				t.Errorf("a check: %v, %v", response, err)
			}
		})
	}
}

// TestUnconfirmed: a host that took a push and then refuses to show the branch has taken it all the same.
func TestUnconfirmed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
	b.host.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Before: func() {
		b.host.Break(gitserver.Fault{On: gitserver.Refs, Status: http.StatusUnauthorized})
	}})
	response, err := b.publish(s, tree)
	if err != nil || !response.GetCommitted() || response.GetCommit() != b.host.Head(t, repository, branch) ||
		!strings.Contains(response.GetUnconfirmed(), "refuses the credentials") {
		t.Errorf("%v, %v", response, err)
	}
	b.host.Mend()
	b.requireCommits(2)
}

// TestIncompletePack: a host whose pack lacks what was asked for is to blame, and is not asked again and again; be it
// the commit, or something below it that is missed only when it is read.
func TestIncompletePack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lacking string // of the commit
		fetches int    // until it is known
	}{
		"the commit": {"", 1}, "its tree": {":", 1}, "the directory": {":f", 2}, "a folder": {":f/sub", 2},
		"a file": {":f/a.yaml", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			lacking := strings.TrimSpace(b.host.Git(t, repository, "rev-parse", branch+test.lacking))
			b.host.Break(b.incomplete(lacking))
			for range 2 { // the second time it is known at once
				var err error
				for range 3 { // as often as a sync tries
					if err = b.tryRead("f"); errs.KindOf(err) != errs.Unavailable {
						break
					}
				}
				b.requireCode(err, errs.HostIncomplete)
				if got := b.host.Requests(gitserver.Fetch); !strings.Contains(errs.From(err).Message, lacking) ||
					got != test.fetches {
					t.Errorf("%v after %d fetches, not %d", err, got, test.fetches)
				}
				test.fetches++
			}
			b.host.Mend()
			if err := b.tryRead("f"); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// incomplete is a host that sends all but one object of the branch, and some other in place of nothing.
func (b *bench) incomplete(lacking string) gitserver.Fault {
	b.t.Helper()
	head := b.host.Head(b.t, repository, branch)
	objects := b.host.Object(b.t, repository, "blob", strings.NewReader("something else")) + "\n"
	for line := range strings.Lines(b.host.Git(b.t, repository, "rev-list", "--objects", branch)) {
		if id := strings.Fields(line)[0]; id != lacking {
			objects += id + "\n"
		}
	}
	pack := b.host.GitWith(b.t, repository, objects, "pack-objects", "-q", "--stdout")
	return gitserver.Fault{
		On: gitserver.Fetch, Status: http.StatusOK, Type: "application/x-git-upload-pack-result",
		Text: pkt("shallow "+head) + "0000" + pkt("NAK\n") + pkt("\x01"+pack) + "0000",
	}
}

// TestTooManyObjects: a pack that is too large is refused for good, with what bounds it.
func TestTooManyObjects(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *githubsync.Config) { cfg.MaxPackObjects = 2 })
	b.host.Create(t, repository, branch, content)
	err := b.tryOpen(b.location("f"))
	b.requireCode(err, errs.RepositoryUnsupported)
	if !strings.Contains(err.Error(), "the limit is 2") || b.host.Requests(gitserver.Fetch) != 1 {
		t.Errorf("%v after %d fetches", err, b.host.Requests(gitserver.Fetch))
	}
}

// TestUnreadableNames: names that no file of ours may have are listed apart, and stay as they are.
func TestUnreadableNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	b.host.Import(t, repository, branch, "M 100644 inline \"f/docs/Icon\\r\"\ndata 1\nx\n"+
		"M 100644 inline \"f/docs/caf\\351.yaml\"\ndata 1\nx\nM 100644 inline \"f/back\\\\slash/in.yaml\"\ndata 1\nx\n"+
		"M 100644 inline f/docs/ok.yaml\ndata 1\nx\n")
	s := b.open("f")
	stream, err := b.trees.ListTree(t.Context(), &gitv1.ListTreeRequest{SnapshotId: s.GetSnapshotId(), Tree: s.GetTree()})
	if err != nil {
		t.Fatal(err)
	}
	page, err := stream.Recv()
	want := &gitv1.ListTreeResponse{Unreadable: []string{`back\\slash`, `docs/Icon\r`, `docs/caf\xe9.yaml`}}
	if err != nil || !proto.Equal(page, want) {
		t.Errorf("%v, %v", page, err)
	}
	if files := b.files(s, s.GetTree()); files["docs/ok.yaml"] != "x" || len(files) != 3 {
		t.Errorf("files: %v", files)
	}
	before := b.host.Git(t, repository, "ls-tree", "-r", branch+":f/docs")
	if _, err := b.publish(s, b.mustWrite(s, map[string]string{"docs/ok.yaml": "", "new.yaml": "n"})); err != nil {
		t.Fatal(err)
	}
	after := b.host.Git(t, repository, "ls-tree", "-r", branch+":f/docs")
	if strings.Count(after, "\n") != 2 || !strings.Contains(before, strings.SplitAfter(after, "\n")[0]) {
		t.Errorf("before:\n%safter:\n%s", before, after)
	}
	b.requireCommits(3)
}

// TestWhoCommits: a host that wants a committer of its own gets one.
func TestWhoCommits(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *githubsync.Config) {
		cfg.CommitCommitter, cfg.CommitEmails = "Bot <bot@corp.example>", []string{"Ada=ada@corp.example"}
	})
	b.host.Create(t, repository, branch, content)
	for i, test := range []struct{ author, committer, want string }{
		{"", "", "Ada <ada@corp.example> Bot <bot@corp.example>"},
		{"committer", "", "Bot <bot@corp.example> Bot <bot@corp.example>"},
		{"Team <team@corp.example>", "Fab <fab@corp.example>", "Team <team@corp.example> Fab <fab@corp.example>"},
	} {
		s := b.open("f")
		request := publishing(s, b.mustWrite(s, map[string]string{"a.yaml": fmt.Sprint("n: ", i)}))
		request.CommitAuthor, request.CommitCommitter = test.author, test.committer
		if _, err := b.repositories.Publish(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSpace(b.host.Git(t, repository, "log", "-1", "--format=%an <%ae> %cn <%ce>", branch))
		if got != test.want {
			t.Errorf("%s, and not %s", got, test.want)
		}
	}
}
