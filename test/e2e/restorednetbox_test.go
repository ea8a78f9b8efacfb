package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/netboxtest"
)

// tokenOfNetBox is the variable with the token of the NetBox that a fabric is shown in.
const tokenOfNetBox = "HEDGEHOG_FGD_NETBOX_RESTORED"

// logged is an entry of the change log of a NetBox.
type logged struct {
	Action  struct{ Value string }
	Message string
	After   struct{ Name string } `json:"postchange_data"`
}

// loggedIn are the newest entries of a change log, newest first.
func loggedIn(t *testing.T, n *netboxserver.Server, limit int) []logged {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		fmt.Sprintf("%s/api/core/object-changes/?ordering=-id&limit=%d", n.URL, limit), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", netboxserver.Token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var page struct{ Results []logged }
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	return page.Results
}

// TestARestoreComesToNetBox: what somebody brings back in Git, a resource that was deleted and one that was changed, is
// delivered as the change of who brought it back.
func TestARestoreComesToNetBox(t *testing.T) {
	t.Parallel()
	n := netboxtest.Start(t)
	number := n.AddFabric("fabric-1")
	h := newHost(t, map[string]string{directory + "/raw/all.yaml": fabric.File([]string{
		fabric.VPC("vpc-1", 1), fabric.VPC("vpc-2", 2), fabric.VPC("vpc-3", 3),
	})})
	s := programs.Up(t, []string{
		tokenOfNetBox + "=" + netboxserver.Token, tokenOfNetBox + "_HOSTS=" + strings.TrimPrefix(n.URL, "http://"),
	})
	definition := h.fabric()
	definition["netbox"] = map[string]any{"url": n.URL, "fabric": number, "token_ref": "env:" + tokenOfNetBox}
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", definition, &registered)
	first := s.Ended(registered.SyncID)
	proven := func(records int) {
		t.Helper()
		s.Await("the records to be proven", func() bool {
			var answer struct {
				Delivery struct{ Proven, Pending, Undeliverable, Held int }
			}
			s.Call(http.MethodGet, "/api/v1/fabrics/1/receipts?limit=1", nil, &answer)
			return answer.Delivery == struct{ Proven, Pending, Undeliverable, Held int }{Proven: records}
		})
	}
	proven(3)
	one := directory + "/managed/vpcs/vpc-1.yaml"
	h.Commit(t, repository, branch, map[string]string{
		one:                                    strings.Replace(h.Files(t, repository, branch)[one], "vlan: 2", "vlan: 9", 1),
		directory + "/managed/vpcs/vpc-2.yaml": gitserver.Removed,
	})
	var triggered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &triggered)
	s.Ended(triggered.SyncID)
	proven(2)
	var token struct{ Text string }
	s.Call(http.MethodPost, "/api/v1/tokens", map[string]any{
		"name": "Jo Restorer", "grants": []any{map[string]any{"role": "operator", "all_fabrics": true}},
	}, &token)
	code, _, raw := s.TryWith(http.MethodPost, "/api/v1/fabrics/1/directory:restore", "Authorization",
		"Bearer "+token.Text, map[string]any{"commit": first.Result.CommitSHA})
	if code != http.StatusOK {
		t.Fatalf("the restore is %d %s", code, raw)
	}
	restored := s.Ended(system.Read[system.Accepted](t, string(raw)).SyncID)
	if restored.State != "completed" {
		t.Fatalf("the restore is %+v", restored)
	}
	proven(3)
	var got []string
	for _, entry := range loggedIn(t, n, 10) {
		if strings.Contains(entry.Message, restored.Result.CommitSHA[:7]) && strings.Contains(entry.Message, "Jo Restorer") {
			got = append(got, entry.Action.Value+" "+entry.After.Name)
		}
	}
	slices.Sort(got)
	if want := []string{"create vpc-2", "update vpc-1"}; !slices.Equal(got, want) {
		t.Errorf("the change log names who restored for %q and not %q:\n%+v", got, want, loggedIn(t, n, 10))
	}
}
