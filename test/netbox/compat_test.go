package netbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/test/netbox/lab"
)

// asItIs has the plugin leave that of Hedgehog with its defects.
func asItIs() lab.Option { return lab.WithPluginConfig(map[string]any{"hnp_compat": "off"}) }

// TestCompat: with the names that the plugin gives to pages, NetBox does with records of all kinds what it does with
// others (Q2). TestQuirks shows that without them it does not.
func TestCompat(t *testing.T) {
	t.Parallel()
	takesLong(t)
	n := start(t)
	fabric := n.must(http.StatusCreated, "POST", "fabrics/", map[string]any{"name": "compat"})
	sent := n.hooked("s", lab.ObjectTypes())
	for _, kind := range append(whole(), misnamed()...) {
		t.Run(kind, func(t *testing.T) {
			on := &netbox{n.NetBox, t}
			made := on.must(http.StatusCreated, "POST", kind+"/", record(fabric.id(), "whole", map[string]any{"a": 1}))
			on.expect(sent, "whole created map[a:1]")
			on.read(kind, made)
			on.must(http.StatusOK, "PATCH", fmt.Sprintf("%s/%d/", kind, made.id()), map[string]any{
				"spec": map[string]any{"a": 2},
			})
			on.expect(sent, "whole updated map[a:2]")
			on.gone(kind, made.id())
			on.expect(sent, "whole deleted map[a:2]")
		})
	}
	n.read("fabrics", fabric)
	n.gone("fabrics", fabric.id())
	changes := n.ask("GET", "/api/core/object-changes/?limit=1000", nil)
	if count, _ := changes.fields["count"].(float64); changes.code != http.StatusOK || count < 38 {
		t.Errorf("the change log: %d %.300s", changes.code, changes.raw)
	}
}

// read reads an object alone and in a list, and its page.
func (n *netbox) read(kind string, object answer) {
	n.t.Helper()
	n.must(http.StatusOK, "GET", kind+"/?ordering=id", nil)
	n.must(http.StatusOK, "GET", fmt.Sprintf("%s/%d/", kind, object.id()), nil)
	page, _ := object.fields["display_url"].(string)
	path, found := strings.CutPrefix(page, n.URL)
	if shown := n.ask("GET", path, nil); !found || shown.code != http.StatusFound {
		n.t.Errorf("the page %s: %d %.300s", page, shown.code, shown.raw)
	}
}

// gone deletes an object.
func (n *netbox) gone(kind string, id int) {
	n.t.Helper()
	at := fmt.Sprintf("%s/%d/", kind, id)
	n.must(http.StatusNoContent, "DELETE", at, nil)
	n.must(http.StatusNotFound, "GET", at, nil)
}
