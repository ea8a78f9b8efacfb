package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/testkit/netboxtest"
)

// netboxToken is where the token of a NetBox of a test is found.
const netboxToken = "HEDGEHOG_FGD_NETBOX_TEST"

// netboxEnv has a system reach a NetBox.
func netboxEnv(n *netboxserver.Server) []string {
	return []string{netboxToken + "=" + netboxserver.Token, netboxToken + "_HOSTS=" + strings.TrimPrefix(n.URL, "http://")}
}

// people are those who use a NetBox.
type people struct {
	*netboxserver.Server
	t testing.TB
}

// record is one of NetBox.
type record struct {
	ID          int
	Name        string
	Spec        map[string]any
	LastUpdated string `json:"last_updated"`
}

const recordFields = "?fields=id,fabric,name,namespace,spec,last_updated&ordering=id&limit=1000"

// vpc returns the record of a VPC.
func (p people) vpc(name string) record {
	p.t.Helper()
	var list struct{ Results []record }
	p.call(http.MethodGet, "vpcs/"+recordFields, nil, &list)
	at := slices.IndexFunc(list.Results, func(r record) bool { return r.Name == name })
	if at < 0 {
		p.t.Fatalf("there is no %s: %v", name, list)
	}
	return list.Results[at]
}

// setVLAN has somebody change a field of a VPC.
func (p people) setVLAN(user, name string, vlan any) {
	p.t.Helper()
	if err := p.SetVLAN(p.t.Context(), user, name, vlan); err != nil {
		p.t.Fatal(err)
	}
}

func (p people) call(method, path string, body, into any) {
	p.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.URL+"/api/plugins/hedgehog/"+path,
		strings.NewReader(string(raw)))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", netboxserver.Token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= http.StatusMultipleChoices {
		p.t.Fatalf("%s %s: %s %s %v", method, path, answer.Status, said, err)
	}
	if into != nil {
		if err := json.Unmarshal(said, into); err != nil {
			p.t.Fatal(err)
		}
	}
}

// standing is how the delivery of a fabric is.
type standing struct {
	Proven, Pending, Undeliverable, Held, Merging int
	ComparedAt                                    string `json:"compared_at"`
}

// paired is a fabric that is in Git and in a NetBox.
type paired struct {
	*editing
	people people
}

func newPaired(t *testing.T, env ...string) *paired {
	t.Helper()
	n := netboxtest.Start(t)
	e := newEditing(t, append(env, netboxEnv(n)...)...)
	e.Call(http.MethodPatch, "/api/v1/fabrics/1", map[string]any{"netbox": map[string]any{
		"url": n.URL, "fabric": n.AddFabric("fabric-1"), "token_ref": "env:" + netboxToken,
	}}, &struct{}{})
	p := &paired{e, people{n, t}}
	p.same(3)
	return p
}

// same waits until so many records are as their files say, and everything was compared.
func (p *paired) same(records int) {
	p.t.Helper()
	var now standing
	p.Await(fmt.Sprintf("%d records to be as their files say", records), func() bool {
		var answer struct{ Delivery standing }
		p.Call(http.MethodGet, "/api/v1/fabrics/1/receipts?limit=1", nil, &answer)
		now = answer.Delivery
		return now.Proven == records && now.Pending+now.Undeliverable+now.Held+now.Merging == 0 && now.ComparedAt != ""
	})
}

// commits waits until the branch has so many commits.
func (p *paired) commits(number int) {
	p.t.Helper()
	var last []byte
	p.t.Cleanup(func() {
		if p.t.Failed() {
			p.t.Logf("the records were %s", last)
		}
	})
	p.Await(fmt.Sprintf("%d commits", number), func() bool {
		_, last = p.Try(http.MethodGet, "/api/v1/fabrics/1/receipts", nil)
		return p.Commits(p.t, repository, branch) == number
	})
}

// TestAnEditInNetBoxIsOneLine: what somebody changes in NetBox becomes a commit of one line, under their name, which
// says which request of NetBox it was, and NetBox is not written for it.
func TestAnEditInNetBoxIsOneLine(t *testing.T) {
	t.Parallel()
	p := newPaired(t)
	before := p.Commits(t, repository, branch)
	p.people.setVLAN("alice", "vpc-2", 77)
	saved := p.people.vpc("vpc-2")
	p.commits(before + 1)
	p.same(3)
	if lines := p.changedLines(); len(lines) != 2 || !strings.Contains(lines[1], "77") {
		t.Errorf("the commit changes %q", lines)
	}
	said := p.Git(t, repository, "log", "-1", "--format=%an|%ae|%cn|%s%n%b", branch)
	if !strings.HasPrefix(said, "alice|alice@") || !strings.Contains(said, "update VPC vpc-2") ||
		!strings.Contains(said, "HNP-Request-Id: emulated-") {
		t.Errorf("it says %s", said)
	}
	if now := p.people.vpc("vpc-2"); now.LastUpdated != saved.LastUpdated {
		t.Errorf("it was written at %s, after alice had at %s", now.LastUpdated, saved.LastUpdated)
	}
}

// TestBothSidesMeet: what was changed in other fields is on both sides.
func TestBothSidesMeet(t *testing.T) {
	t.Parallel()
	p := newPaired(t)
	before := p.Commits(t, repository, branch)
	p.people.setVLAN("alice", "vpc-1", 501)
	p.do(http.MethodPatch, vpcs+"vpc-1", map[string]any{"patch": map[string]any{"labels": map[string]any{"by": "git"}}})
	p.commits(before + 2)
	p.same(3)
	text := p.Files(t, repository, branch)[directory+"/managed/vpcs/vpc-1.yaml"]
	if !strings.Contains(text, "vlan: 501") || !strings.Contains(text, "by: git") {
		t.Errorf("the file is\n%s", text)
	}
}

// TestAResolutionIsPreviewed: a dry run says which lines of the file and which fields of the record change, and changes
// none; what is not valid is refused with its words. The resolution makes the very commit.
func TestAResolutionIsPreviewed(t *testing.T) {
	t.Parallel()
	p := newPaired(t)
	p.people.setVLAN("alice", "vpc-2", "many") // which Git does not take
	var listed struct {
		Conflicts []struct {
			ConflictID string `json:"conflict_id"`
			Version    string
		}
	}
	p.Await("a conflict", func() bool {
		p.Call(http.MethodGet, "/api/v1/fabrics/1/conflicts", nil, &listed)
		return len(listed.Conflicts) == 1
	})
	c := listed.Conflicts[0]
	resolve := "/api/v1/fabrics/1/conflicts/" + c.ConflictID + ":resolve"
	request := map[string]any{"version": c.Version, "take": "netbox", "validate_only": true}
	if status, said := p.Try(http.MethodPost, resolve, request); status < http.StatusBadRequest ||
		!strings.Contains(string(said), "vlan") {
		t.Errorf("what is not valid: %d %s", status, said)
	}
	spec := p.people.vpc("vpc-2").Spec
	spec["subnets"].(map[string]any)["default"].(map[string]any)["vlan"] = 88
	delete(request, "take")
	request["choices"] = []any{map[string]any{"path": "spec", "take": "value", "value": spec}}
	type answer struct {
		Conflict     struct{ State string }
		Diff         string
		RecordFields []string `json:"record_fields"`
	}
	var preview, settled answer
	before := p.Commits(t, repository, branch)
	p.Call(http.MethodPost, resolve, request, &preview)
	if preview.Conflict.State != "open" || !slices.Equal(preview.RecordFields, []string{"spec.subnets.default.vlan"}) ||
		p.Commits(t, repository, branch) != before {
		t.Errorf("the preview is %+v, and there are %d commits", preview, p.Commits(t, repository, branch))
	}
	delete(request, "validate_only")
	p.Call(http.MethodPost, resolve, request, &settled)
	p.commits(before + 1)
	p.same(3)
	if settled.Conflict.State != "resolved" || settled.Diff != "" {
		t.Errorf("settled as %+v", settled)
	}
	lines := p.changedLines()
	if len(lines) != 2 || !strings.Contains(lines[1], "vlan: 88") {
		t.Errorf("the commit changes %q", lines)
	}
	for _, line := range lines {
		if !strings.Contains(preview.Diff, "\n"+line+"\n") {
			t.Errorf("no line %q in the preview\n%s", line, preview.Diff)
		}
	}
	if files := strings.Count(preview.Diff, "diff --git "); files != 1 {
		t.Errorf("the preview is of %d files:\n%s", files, preview.Diff)
	}
}
