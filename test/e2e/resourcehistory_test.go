package e2e

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// pastChange is a change of a resource as the API shows it.
type pastChange struct {
	CommitSHA string `json:"commit_sha"`
	Author    string `json:"author_name"`
	Effect    string
	Origin    string
	Confirmed bool     `json:"origin_confirmed"`
	SyncID    string   `json:"sync_id"`
	Before    string   `json:"path_before"`
	After     string   `json:"path_after"`
	Audit     []string `json:"audit_heads"`
	Fields    []map[string]any
}

type pastChanges struct {
	Changes       []pastChange
	NextPageToken string `json:"next_page_token"`
}

// TestTheHistoryOfAResource: the API says of each change who made it, where, and what became of the fields.
func TestTheHistoryOfAResource(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	out := e.do(http.MethodPatch, vpcs+"vpc-1", map[string]any{"patch": spec(1001)})
	path := directory + "/managed/vpcs/vpc-1.yaml"
	file := e.Files(t, repository, branch)[path]
	e.Commit(t, repository, branch, map[string]string{path: strings.Replace(file, "metadata:\n", "metadata:\n  labels:\n"+
		"    a: b\n", 1)})
	var got pastChanges
	e.Call(http.MethodGet, vpcs+"vpc-1/history", nil, &got)
	if len(got.Changes) != 4 || got.NextPageToken != "" {
		t.Fatalf("the history is %+v", got)
	}
	person, edit, ingested, first := got.Changes[0], got.Changes[1], got.Changes[2], got.Changes[3]
	const managed = "managed/vpcs/vpc-1.yaml"
	for what, c := range map[string]struct{ got, want any }{
		"what a person did": {
			[]any{person.Effect, person.Origin, person.SyncID, person.Before, person.Fields, person.CommitSHA},
			[]any{
				"updated", "git", "", managed,
				[]map[string]any{{"path": "labels.a", "to": "b", "from_left_out": false, "to_left_out": false}},
				e.Head(t, repository, branch),
			},
		},
		"an edit": {
			[]any{edit.Effect, edit.Origin, edit.Confirmed, edit.SyncID, edit.Author, edit.Fields, len(edit.Audit)},
			[]any{
				"updated", "api", true, out.SyncID, "bootstrap",
				[]map[string]any{{
					"path": "spec.subnets.default.vlan", "from": 2.0, "to": 1001.0, "from_left_out": false, "to_left_out": false,
				}},
				1,
			},
		},
		"an ingestion": {
			[]any{ingested.Effect, ingested.Origin, ingested.Before, ingested.After, len(ingested.Fields)},
			[]any{"moved", "git", "raw/all.yaml", managed, 0},
		},
		"the beginning": {
			[]any{first.Effect, first.Origin, first.After, first.Fields[0]["path"]},
			[]any{"created", "git", "raw/all.yaml", "spec.ipv4Namespace"},
		},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s is %v, not %v", what, c.got, c.want)
		}
	}
	var paged []pastChange
	for token := ""; ; {
		var page pastChanges
		e.Call(http.MethodGet, fmt.Sprintf("%svpc-1/history?limit=3&page_token=%s", vpcs, token), nil, &page)
		paged = append(paged, page.Changes...)
		if token = page.NextPageToken; token == "" {
			break
		}
	}
	if !reflect.DeepEqual(paged, got.Changes) {
		t.Errorf("in pages it is %+v", paged)
	}
	e.refused(http.StatusNotFound, "FGD_1067", http.MethodGet, vpcs+"none/history", nil)
	e.refused(http.StatusBadRequest, "FGD_1010", http.MethodGet, vpcs+"vpc-1/history?page_token=x", nil)
}
