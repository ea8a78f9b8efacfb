package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/netboxtest"
	"fgdsync.dev/testkit/redistest"
)

// delivering is a running system beside a Git host and a NetBox.
type delivering struct {
	started
	t      *testing.T
	host   *gitserver.Server
	netbox *netboxserver.Server
	folder string // of references
	log    *watched
}

func newDelivering(t *testing.T) *delivering {
	t.Helper()
	d := &delivering{
		t: t, host: gitserver.Start(t, gitserver.Options{User: "u", Password: "p"}), netbox: netboxtest.Start(t),
		folder: t.TempDir(),
	}
	d.host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	d.write("git", "u:p")
	d.write("git.hosts", strings.Trim(d.host.Address(), "/"))
	d.write("admin", netboxserver.Token+"\n")
	d.write("netbox.hosts", strings.TrimPrefix(d.netbox.URL, "http://"))
	d.started, d.log = up(t, []string{"HEDGEHOG_FGD_CREDENTIALS_DIR=" + d.folder}, "--redis", redistest.Start(t).URL(),
		"--allow-http", "--allow-network=127.0.0.0/8")
	return d
}

func (d *delivering) path(name string) string { return filepath.Join(d.folder, name) }

func (d *delivering) write(name, content string) {
	d.t.Helper()
	if err := os.WriteFile(d.path(name), []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// fgd runs a command that has to end with a code, and returns what it says.
func (d *delivering) fgd(want int, args ...string) string {
	d.t.Helper()
	code, stdout, stderr := run(d.t.Context(), d.t, append(args, "--server", d.GRPC, "--token-file", d.tokenFile)...)
	if code != want {
		d.t.Fatalf("%v: exit %d, not %d\n%s%s", args, code, want, stdout, stderr)
	}
	return stdout + stderr
}

// documented runs a command for what it prints as JSON, which has to be as the OpenAPI document says.
func (d *delivering) documented(definition string, args ...string) {
	d.t.Helper()
	newDocumented(d.t).check(strings.Join(args, " "), d.fgd(0, append(args, "-o=json")...), definition)
}

// says fails unless a text has all of some parts.
func (d *delivering) says(text string, parts ...string) {
	d.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			d.t.Errorf("no %q in\n%s", part, text)
		}
	}
}

// setUp makes the NetBox that of the installation.
func (d *delivering) setUp() string {
	d.t.Helper()
	said := d.fgd(0, "netbox", "setup", "--url", d.netbox.URL, "--admin-token-file", d.path("admin"), "--out",
		d.path("netbox"), "--webhook-address", "https://fgd.example.com")
	d.fgd(0, "netbox", "set", "--url", d.netbox.URL, "--token-ref", "file:netbox")
	return said
}

// refs are the branches of the repository.
func (d *delivering) refs() string { return d.host.Git(d.t, "r.git", "for-each-ref") }

// TestANetBoxIsSetUpFromTheCommandLine: made, looked at and removed, and no token is said or written down.
func TestANetBoxIsSetUpFromTheCommandLine(t *testing.T) {
	d := newDelivering(t)
	planned := d.fgd(0, "netbox", "setup", "--url", d.netbox.URL, "--admin-token-file", d.path("admin"), "--dry-run")
	d.says(planned, "WOULD BE", "permission  FGD Sync: records  created")
	if made := d.netbox.Administered(); len(made) > 0 {
		t.Errorf("a dry run made %v", made)
	}
	d.says(d.fgd(1, "netbox", "setup", "--url", d.netbox.URL, "--admin-token-file", d.path("admin"), "--out",
		d.path("git/netbox")), "nothing was made", "--out")
	if made := d.netbox.Administered(); len(made) > 0 {
		t.Errorf("made %v, and the token could not be written", made)
	}
	said := d.setUp()
	d.says(said, "token       FGD Sync", "created", "is in "+d.path("netbox"), "netbox_webhook_secret")
	d.says(d.setUp(), "No token was made; --new-token")
	token, err := os.ReadFile(d.path("netbox"))
	if info, statErr := os.Stat(d.path("netbox")); err != nil || statErr != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the token: %v, %v, %v", info, err, statErr)
	}
	d.says(d.fgd(0, "netbox", "show"), d.netbox.URL, "file:netbox", "No fabric is linked")
	d.says(d.fgd(0, "netbox", "check"), "Records can be delivered.")
	d.documented("GetNetBoxResponse", "netbox", "show")
	d.documented("CheckNetBoxResponse", "netbox", "check")
	d.documented("UpdateNetBoxResponse", "netbox", "set", "--url", d.netbox.URL)
	d.documented("SetUpNetBoxResponse", "netbox", "setup", "--admin-token-file", d.path("admin"))
	d.documented("RemoveNetBoxResponse", "netbox", "remove", "--yes", "--dry-run", "--admin-token-file", d.path("admin"))
	d.says(d.fgd(1, "netbox", "check", "--token-ref", "file:admin"), "FGD_4027", "admin.hosts")
	d.netbox.Amend("users/permissions", "FGD Sync: records", map[string]any{"enabled": false})
	d.says(d.fgd(3, "netbox", "check"), "permissions  failed", "netbox_hedgehog.vpc", "fgd netbox setup")
	d.says(d.fgd(0, "netbox", "setup", "--admin-token-file", d.path("admin")), "unchanged", "updated")
	d.says(d.fgd(2, "netbox", "setup"), "--admin-token-file")
	d.says(d.fgd(0, "netbox", "setup", "--admin-token-file", d.path("admin"), "--new-token", "--out",
		d.path("made/here/netbox")), "is in "+d.path("made/here/netbox"))
	if info, err := os.Stat(d.path("made/here")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the token: %v, %v", info, err)
	}
	d.says(d.fgd(1, "netbox", "set", "--token-ref", "file:nothing"), "FGD_4027", "nothing.hosts")
	d.says(d.fgd(1, "netbox", "set", "--token-ref", "env:OTHER"), "FGD_4011", "--token-ref")
	d.says(d.fgd(0, "netbox", "remove", "--yes", "--admin-token-file", d.path("admin")), "user", "removed")
	if left := d.netbox.Administered(); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	secrets := []string{strings.TrimPrefix(netboxserver.Token, "Bearer "), strings.TrimSpace(string(token))}
	for _, secret := range secrets {
		if strings.Contains(d.log.String()+said, secret) {
			t.Error("a token is in the log, or was printed")
		}
	}
}

// TestFabricsAreImported: suspended, with a dry run, and not a byte of the repository changes before somebody approves.
func TestFabricsAreImported(t *testing.T) {
	d := newDelivering(t)
	d.setUp()
	known, other := d.netbox.AddFabric("known"), d.netbox.AddFabric("other")
	d.write("fabrics.csv", fmt.Sprintf("fabric,repository_url,gitops_directory,credentials_ref\n%d,%s,f,file:git\n", known,
		d.host.URL("r.git")))
	before := d.refs()
	d.says(d.fgd(3, "netbox", "import", "--csv", d.path("fabrics.csv"), "--dry-run"), "would be registered",
		"not enough known")
	d.planned(known, other)
	d.says(d.fgd(0, "fabric", "list"), "NAME")
	imported := d.fgd(3, "netbox", "import", "--csv", d.path("fabrics.csv"))
	d.says(imported, "registered", "1 created", fmt.Sprint("fgd fabric resume ", known), "not enough known")
	d.says(d.fgd(0, "fabric", "show", fmt.Sprint(known)), "suspended", "Imported from NetBox", d.netbox.URL)
	d.says(d.fgd(3, "netbox", "import", "--csv", d.path("fabrics.csv")), "linked", "1 created", "/plan",
		fmt.Sprint("fgd fabric resume ", known))
	if after := d.refs(); after != before {
		t.Fatalf("before approval the refs were\n%s\nand are\n%s", before, after)
	}
	d.says(d.fgd(1, "fabric", "show", fmt.Sprint(other)), "FGD_3006")
	d.fgd(0, "fabric", "resume", fmt.Sprint(known))
	id := fmt.Sprint(known)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !strings.Contains(d.fgd(0, "netbox", "receipts", id), "1 proven") {
		select {
		case <-ticker.C:
		case <-t.Context().Done():
			t.Fatal("the record is not proven")
		}
	}
	d.says(d.fgd(0, "netbox", "receipts", id, "--state", "proven"), "IPv4Namespace default/default", "proven")
	d.documented("Receipt[]", "netbox", "receipts", id)
	d.documented("Delivery", "netbox", "deliver", id)
	d.says(d.fgd(0, "netbox", "deliver", id), "Asked for; look again with fgd netbox receipts "+id)
	d.says(d.fgd(0, "netbox", "deliver", id, "--overwrite"), "No record is held", "Asked for")
	d.says(d.fgd(2, "netbox", "receipts", "-1"), "-1 is no number that fgd netbox receipts takes")
	d.says(d.fgd(0, "netbox", "check"), "Records can be delivered.")
	d.says(d.fgd(0, "netbox", "show"), "reachable", netboxserver.Version)
	d.says(d.fgd(0, "fabric", "update", id, "--netbox-conflicts", "git_wins"), "Git wins")
	d.judged(id)
	d.relinked(id)
	d.says(d.fgd(0, "fabric", "update", id, "--no-netbox"), "NetBox       -")
	d.says(d.fgd(1, "netbox", "receipts", id), "FGD_3018")
	d.says(d.fgd(0, "fabric", "delete", id, "--yes"), "is forgotten")
}

// planned looks at plans that have something in the way: each says what import would say.
func (d *delivering) planned(known, other int) {
	d.t.Helper()
	const columns = "fabric,repository_url,gitops_directory,credentials_ref\n"
	repository := d.host.URL("r.git")
	for says, c := range map[string]struct {
		code int
		rows string
	}{
		"line 3 names the fabric 999": {2, fmt.Sprintf("%d,%s,f,file:git\n999,x,f,\n", known, repository)},
		"lines 2 and 3": {
			2, fmt.Sprintf("%d,%s,f,file:git\n%d,%s,g,file:git\n", known, repository, known, repository),
		},
		"refused":                    {3, fmt.Sprintf("%d,https://169.254.1.1/r.git,f,\n", known)},
		"There is no such directory": {3, fmt.Sprintf("%d,%s,nowhere,file:git\n", other, repository)},
	} {
		d.write("bad.csv", columns+c.rows)
		d.says(d.fgd(c.code, "netbox", "import", "--csv", d.path("bad.csv"), "--dry-run"), says)
	}
}

// relinked links a fabric elsewhere, and back to the NetBox of the installation.
func (d *delivering) relinked(id string) {
	d.t.Helper()
	d.fgd(0, "fabric", "update", id, "--netbox-url", d.netbox.URL+"/elsewhere", "--netbox-fabric", "77",
		"--netbox-token-ref", "file:netbox")
	d.says(d.fgd(0, "fabric", "show", id), d.netbox.URL+"/elsewhere", "77")
	back := d.fgd(0, "fabric", "update", id, "--netbox")
	d.says(back, d.netbox.URL)
	if strings.Contains(back, "elsewhere") || strings.Contains(back, "fabric 77") {
		d.t.Errorf("it is linked still elsewhere:\n%s", back)
	}
	for _, flags := range [][]string{nil, {"--netbox=false"}, {"--netbox-fabric", "0"}} {
		d.fgd(2, append([]string{"fabric", "update", id}, flags...)...)
	}
}

// judged says at a link who wins where, and looks for conflicts, of which there are none.
func (d *delivering) judged(id string) {
	d.t.Helper()
	d.says(d.fgd(0, "fabric", "update", id, "--netbox-direction", "git_to_netbox"), "from Git to NetBox alone")
	d.says(d.fgd(0, "fabric", "update", id, "--netbox-conflict-policy", "VPC:spec.subnets=hnp_wins",
		"--netbox-conflict-policy", `annotations."a:b=c"=hold`), "from Git to NetBox alone")
	d.says(d.fgd(0, "fabric", "show", id), "VPC at spec.subnets: NetBox wins",
		"all kinds at annotations.a:b=c: somebody has to decide")
	d.says(d.fgd(2, "fabric", "update", id, "--netbox-conflict-policy", "spec"), "[KIND:]PATH=WINNER")
	d.says(d.fgd(1, "fabric", "update", id, "--netbox-conflict-policy", "spec[=hold"),
		"netbox.conflict_policies.policies[0].path is no path")
	d.says(d.fgd(0, "fabric", "update", id, "--netbox-direction", "both"), "NetBox wins", "both ways")
	if said := d.fgd(0, "fabric", "update", id, "--netbox-conflict-policy", "none"); strings.Contains(said, "policies") {
		d.t.Errorf("there are policies still:\n%s", said)
	}
	d.says(d.fgd(0, "conflicts", "list", id, "--state", "all"), "There is no such conflict.")
	d.says(d.fgd(1, "conflicts", "show", id, "c-1"), "FGD_1071", "fgd conflicts list")
	d.says(d.fgd(0, "netbox", "deliver", id, "--calm"), "Asked for")
}

// TestAFileOfFabricsThatSaysNothing is refused, and nothing is asked.
func TestAFileOfFabricsThatSaysNothing(t *testing.T) {
	t.Parallel()
	for says, content := range map[string]string{
		"no line that names columns":           "",
		`the column "repo" is none`:            "fabric,repo\n1,x\n",
		`"one" is no number of a fabric`:       "fabric\none\n",
		"line 2 names neither fabric nor name": "fabric,repository_url\n,x\n",
		"line 2 can't be read":                 "fabric,name\n1\n",
	} {
		file := filepath.Join(t.TempDir(), "fabrics.csv")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := run(t.Context(), t, "netbox", "import", "--csv", file)
		if code != 2 || !strings.Contains(stderr, says) {
			t.Errorf("%q: exit %d, and no %q in\n%s", content, code, says, stderr)
		}
	}
}
