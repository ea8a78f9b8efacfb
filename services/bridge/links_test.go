package bridge_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

const linkedFabric = `{"fabric_id":35,"name":"f","repository_url":"https://git.example/r.git","gitops_directory":"d",
	"netbox":{"url":" https://netbox.example.com/ ","token_ref":"file:netbox"}}`

// link is what the orchestrator keeps of a fabric's link.
func (b *bundle) link() *fabricv1.NetBoxLink {
	b.backend.mu.Lock()
	defer b.backend.mu.Unlock()
	return proto.CloneOf(b.backend.fabrics[35].GetNetbox())
}

// TestAFabricIsLinked: a link is stored in its one spelling, is shown, is changed by what a request names of it, and
// goes when that is wanted.
func TestAFabricIsLinked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	created := b.ok("POST", "/api/v1/fabrics", linkedFabric)["fabric"].(map[string]any)
	shown := "map[conflict_winner:hold direction:both fabric:0 token_ref:file:netbox url:https://netbox.example.com]"
	if got := fmt.Sprint(created["netbox"]); got != shown {
		t.Errorf("created %s", got)
	}
	if got := fmt.Sprint(b.ok("GET", "/api/v1/fabrics/35", "")["netbox"]); got != shown {
		t.Errorf("shown %s", got)
	}
	for _, c := range []struct{ body, want string }{
		{`{"netbox":{"conflict_winner":"git_wins"}}`, "https://netbox.example.com 0 file:netbox WINNER_GIT_WINS"},
		{`{"netbox":{"fabric":7}}`, "https://netbox.example.com 7 file:netbox WINNER_GIT_WINS"},
		{`{"name":"g"}`, "https://netbox.example.com 7 file:netbox WINNER_GIT_WINS"},
		{`{"netbox":{"url":"https://b/netbox/","token_ref":"env:X"}}`, "https://b/netbox 7 env:X WINNER_GIT_WINS"},
	} {
		b.ok("PATCH", "/api/v1/fabrics/35", c.body)
		l := b.link()
		got := fmt.Sprint(l.GetUrl(), " ", l.GetFabric(), " ", l.GetTokenRef(), " ", l.GetConflictWinner())
		if got != c.want {
			t.Errorf("%s: %s", c.body, got)
		}
	}
	b.problem("PATCH", "/api/v1/fabrics/35", `{"remove_netbox":true,"netbox":{}}`, 400, "FGD_1010")
	if got := b.ok("PATCH", "/api/v1/fabrics/35", `{"remove_netbox":true}`); got["netbox"] != nil || b.link() != nil {
		t.Errorf("the link is still %v", got["netbox"])
	}
	b.problem("PATCH", "/api/v1/fabrics/35", `{"netbox":{"conflict_winner":"hold"}}`, 400, "FGD_1010")
}

// TestWhoWinsAtALink: what a change leaves out is as it was, an empty list of policies clears them, and paths are
// stored in one spelling.
func TestWhoWinsAtALink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ok("POST", "/api/v1/fabrics", `{"fabric_id":35,"name":"f","repository_url":"https://git.example/r.git",
		"gitops_directory":"d","netbox":{"url":"https://b","token_ref":"env:X","direction":"git_to_netbox",
		"conflict_policies":{"policies":[{"kind":"VPC","path":"\"spec\".subnets","winner":"hnp_wins"}]}}}`)
	const policies = `"conflict_policies":{"policies":[`
	for _, c := range []struct{ change, want string }{
		{`{"name":"g"}`, "GIT_TO_NETBOX HOLD VPC spec.subnets HNP_WINS"},
		{`{"conflict_winner":"git_wins"}`, "GIT_TO_NETBOX GIT_WINS VPC spec.subnets HNP_WINS"},
		{`{"direction":"both"}`, "BOTH GIT_WINS VPC spec.subnets HNP_WINS"},
		{`{}`, "BOTH GIT_WINS VPC spec.subnets HNP_WINS"},
		{`{"url":"https://b","token_ref":"env:X","conflict_policies":null}`, "BOTH GIT_WINS VPC spec.subnets HNP_WINS"},
		{
			`{` + policies + `{"path":".","winner":"hold"},{"kind":"VPC","path":".","winner":"git_wins"}]}}`,
			"BOTH GIT_WINS  . HOLD VPC . GIT_WINS",
		},
		{`{"conflict_policies":{}}`, "BOTH GIT_WINS"},
	} {
		body := c.change
		if !strings.HasPrefix(body, `{"name`) {
			body = `{"netbox":` + body + `}`
		}
		if body == `{"netbox":{}}` {
			b.ok("PATCH", "/api/v1/netbox", `{"url":"https://b","token_ref":"env:X"}`)
		}
		b.ok("PATCH", "/api/v1/fabrics/35", body)
		l := b.link()
		got := fmt.Sprint(l.GetDirection(), " ", l.GetConflictWinner())
		for _, p := range l.GetConflictPolicies() {
			got += fmt.Sprint(" ", p.GetKind(), " ", p.GetPath(), " ", p.GetWinner())
		}
		if got = strings.NewReplacer("DIRECTION_", "", "WINNER_", "").Replace(got); got != c.want {
			t.Errorf("%s: %s", body, got)
		}
	}
	b.ok("PATCH", "/api/v1/fabrics/35", `{"netbox":{`+policies+`{"path":"spec","winner":"git_wins"}]}}}`)
	shown := fmt.Sprint(b.ok("GET", "/api/v1/fabrics/35", "")["netbox"].(map[string]any)["conflict_policies"])
	if shown != "map[policies:[map[path:spec winner:git_wins]]]" {
		t.Errorf("shown %s", shown)
	}
}

// TestAFabricIsRegisteredSuspended: the reason goes along with the registration.
func TestAFabricIsRegisteredSuspended(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ok("POST", "/api/v1/fabrics", `{"name":"f","repository_url":"https://git.example/r.git","gitops_directory":"d",
		"suspend_reason":"waits"}`)
	b.backend.mu.Lock()
	defer b.backend.mu.Unlock()
	if b.backend.suspendReason != "waits" {
		t.Errorf("the reason is %q", b.backend.suspendReason)
	}
}

// TestTheInstallationsNetBox: a link that names none takes it with its token; one that names another NetBox gets no
// token of it.
func TestTheInstallationsNetBox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if got := b.ok("GET", "/api/v1/netbox", ""); got["url"] != nil {
		t.Errorf("at first %v", got)
	}
	set := b.ok("PATCH", "/api/v1/netbox", `{"url":"https://netbox.example.com/","token_ref":"file:netbox"}`)
	if fmt.Sprint(set) != "map[token_ref:file:netbox url:https://netbox.example.com]" {
		t.Errorf("set %v", set)
	}
	if again := b.ok("PATCH", "/api/v1/netbox", `{"token_ref":"file:other"}`); again["url"] != set["url"] {
		t.Errorf("another reference: %v", again)
	}
	b.ok("POST", "/api/v1/fabrics", `{"fabric_id":35,"name":"f","repository_url":"https://git.example/r.git",
		"gitops_directory":"d","netbox":{"fabric":7}}`)
	l := b.link()
	if l.GetUrl() != "https://netbox.example.com" || l.GetTokenRef() != "file:other" || l.GetFabric() != 7 {
		t.Errorf("linked to %v", l)
	}
	b.ok("PATCH", "/api/v1/fabrics/35", `{"netbox":{"url":"https://b","token_ref":"env:X","conflict_winner":"git_wins"}}`)
	b.ok("PATCH", "/api/v1/fabrics/35", `{"netbox":{}}`)
	l = b.link()
	if l.GetUrl() != "https://netbox.example.com" || l.GetTokenRef() != "file:other" || l.GetFabric() != 0 ||
		l.GetConflictWinner() != fabricv1.Winner_WINNER_GIT_WINS {
		t.Errorf("linked to the installation's: %v", l)
	}
	b.problem("POST", "/api/v1/fabrics", `{"fabric_id":36,"name":"g","repository_url":"https://git.example/r.git",
		"gitops_directory":"e","netbox":{"url":"https://evil.example.com"}}`, 400, "FGD_1010")
}
