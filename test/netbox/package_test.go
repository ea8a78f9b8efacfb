package netbox

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/test/netbox/lab"
	"fgdsync.dev/test/system"
)

// TestPackage: a NetBox runs with the plugin from a wheel that pip installs from a folder, its tables come and go, and
// that of Hedgehog is as it was when it is removed.
func TestPackage(t *testing.T) {
	t.Parallel()
	needLab(t)
	wheel, err := shared.Wheel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	complete(t, wheel)
	folder, err := shared.Install(t.Context(), wheel)
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, lab.Installed(folder))
	if a := n.ask("GET", feed+"probe/", nil); a.code != http.StatusOK {
		t.Errorf("%d %.300s", a.code, a.raw)
	}
	shell := n.console()
	shell.run(`
from django.core.management import call_command
call_command("makemigrations", "netbox_fgd_sync", check_changes=True, dry_run=True)
call_command("migrate", "netbox_fgd_sync", "zero")
call_command("migrate", "netbox_fgd_sync")
call_command("check", fail_level="WARNING")`)
	with := costs(shell, folder)
	fabric := n.linked(shell)
	if err := n.RemoveOwnPlugin(t.Context()); err != nil {
		t.Fatal(err)
	}
	shell = n.console()
	without := costs(shell, "")
	for kind, queries := range with {
		t.Logf("a save of a %s makes %v queries with the plugin, and %v without", kind, queries, without[kind])
		if queries > without[kind]+1 {
			t.Errorf("a save of a %s makes %v queries, and %v without the plugin", kind, queries, without[kind])
		}
	}
	n.unharmed(shell, fabric)
}

// complete checks that a wheel has all files of the plugin but its tests, and what it is shown with.
func complete(t *testing.T, wheel string) {
	t.Helper()
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	root, err := system.Root()
	if err != nil {
		t.Fatal(err)
	}
	const module = "netbox_fgd_sync"
	want := []string{module + "/LICENSE"}
	source := os.DirFS(filepath.Join(root, "integrations", "netbox-fgd-sync"))
	err = fs.WalkDir(source, module, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case entry.IsDir() && (entry.Name() == "tests" || entry.Name() == "__pycache__"):
			return fs.SkipDir
		case !entry.IsDir():
			want = append(want, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range archive.File {
		path := file.Name
		if _, license, found := strings.Cut(path, ".dist-info/licenses/"); found {
			path = module + "/" + license
		}
		if !strings.Contains(path, ".dist-info/") {
			got = append(got, path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the wheel has %q, not %q", got, want)
	}
}

// costs returns how many queries a save makes of what is changed, and checks where the plugin is.
func costs(shell *console, folder string) map[string]float64 {
	shell.t.Helper()
	said := shell.run(`
import sys
from django.test.utils import CaptureQueriesContext
def queries(record, field, value):
    record.save()
    setattr(record, field, value)
    with CaptureQueriesContext(connections["default"]) as captured:
        record.save()
    return len(captured)
fabric = HedgehogFabric.objects.create(name="costs-%s")
switch = Switch.objects.create(fabric=fabric, name="costs", spec={"a": 1})
result = {
    "fabric": queries(fabric, "description", "another"),
    "switch": queries(switch, "spec", {"a": 2}),
}
fabric.delete()
plugin = sys.modules.get("netbox_fgd_sync")
result["where"] = plugin.__file__ if plugin else ""`, filepath.Base(folder))
	all, _ := said.(map[string]any)
	if where, _ := all["where"].(string); !strings.HasPrefix(where, folder) || (folder == "" && where != "") {
		shell.t.Errorf("the plugin is at %q, not in %q", where, folder)
	}
	delete(all, "where")
	costs := map[string]float64{}
	for kind, queries := range all {
		costs[kind], _ = queries.(float64)
	}
	return costs
}

// linked makes a fabric with a record, a link and changes of it, and returns its number.
func (n *netbox) linked(shell *console) int {
	n.t.Helper()
	fabric := n.fabric("linked")
	n.must(http.StatusCreated, "POST", "switches/?"+fields, record(fabric, "linked", map[string]any{"a": 1}))
	shell.run(`
from netbox_fgd_sync.models import FabricLink
FabricLink.objects.create(record=HedgehogFabric.objects.get(pk=%d), repository_url="https://git.example.com/f.git",
                          gitops_directory="one", enabled=False)`, fabric)
	return fabric
}

// unharmed uses what the plugin was removed from: the API, a page and a deletion.
func (n *netbox) unharmed(shell *console, fabric int) {
	n.t.Helper()
	if status := n.ask("GET", "/api/status/", nil); strings.Contains(status.raw, "netbox_fgd_sync") {
		n.t.Error(status.raw)
	}
	list := n.must(http.StatusOK, "GET", "switches/?ordering=id&"+fields, nil)
	if list.fields["count"] != 1.0 {
		n.t.Error(list.raw)
	}
	made := n.must(http.StatusCreated, "POST", "vpcs/", record(fabric, "after", map[string]any{"a": 1}))
	at := fmt.Sprintf("vpcs/%d/", made.id())
	n.must(http.StatusOK, "PATCH", at, map[string]any{"spec": map[string]any{"a": 2}})
	n.must(http.StatusNoContent, "DELETE", at, nil)
	shown := shell.run(`
from django.test import Client
from users.models import User
client = Client(headers={"host": "localhost"})
client.force_login(User.objects.get(username="admin"))
result = [client.get(path).status_code for path in ("/plugins/hedgehog/fabrics/%[1]d/", "/core/changelog/", "/")]
HedgehogFabric.objects.get(pk=%[1]d).delete()`, fabric)
	if got := fmt.Sprint(shown); got != "[200 200 200]" {
		n.t.Errorf("pages are answered with %s", got)
	}
}
