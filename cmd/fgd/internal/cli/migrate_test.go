package cli_test

import (
	"maps"
	"os"
	"strings"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/migrate"
)

// managed returns the files that a directory has in managed/, by their paths.
func (d *delivering) managed(directory string) map[string]string {
	files := d.host.Files(d.t, "r.git", "main")
	maps.DeleteFunc(files, func(path, _ string) bool { return !strings.HasPrefix(path, directory+"/managed/") })
	return files
}

// same fails when a ref of the repository is another one than before.
func (d *delivering) same(when, before string) {
	d.t.Helper()
	if after := d.refs(); after != before {
		d.t.Fatalf("%s the refs were\n%s\nand are\n%s", when, before, after)
	}
}

// TestAMigration takes two directories over that are there already. No ref moves before somebody approves it, one that
// was changed meanwhile is left alone, and a restore brings every byte of managed/ back.
func TestAMigration(t *testing.T) {
	d := newDelivering(t)
	url, other := d.host.URL("r.git"), strings.Replace(document, "10.0.0.0", "10.1.0.0", 1)
	d.host.Commit(t, "r.git", "main", map[string]string{"g/raw/a.yaml": document})
	reach := []string{"--allow-http", "--allow-network=127.0.0.0/8"}
	code, stdout, stderr := run(t.Context(), t, append([]string{"sync", "--repo", url, "--dir", "f"}, reach...)...)
	if code != 0 {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	d.host.Commit(t, "r.git", "main", map[string]string{"f/raw/b.yaml": other})
	before, files := d.refs(), d.managed("f")

	const columns = "name,repository_url,gitops_directory,credentials_ref\n"
	d.write("fgd.yaml", "credentials_dir: "+d.folder+"\n")
	plan := append([]string{
		"migrate", "plan", "--csv", d.path("fabrics.csv"), "--out", d.path("plan.json"), "--config", d.path("fgd.yaml"),
	}, reach...)
	d.write("fabrics.csv", columns+"f,"+url+",f,file:git\ng,"+url+",g,file:git\nh,"+url+",nowhere,file:git\ni,,,\n")
	d.says(d.fgd(3, plan...), "f     ready", "1 updated", "g     ready", "1 created", "h     failed", "no such directory",
		"i     unknown", "nothing is registered")
	d.write("fabrics.csv", columns+"f,"+url+",f,file:git\ng,"+url+",g,file:git\n")
	d.says(d.fgd(0, plan...), "Next: fgd migrate apply "+d.path("plan.json"))
	if list := d.fgd(0, "fabric", "list"); strings.Contains(list, url) {
		t.Errorf("a plan has registered\n%s", list)
	}
	if info, err := os.Stat(d.path("plan.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the plan is %v, %v", info, err)
	}
	d.same("before a plan", before)

	d.says(d.fgd(2, "migrate", "apply", d.path("plan.json"), "--mode", "on", "ff"), `no fabric "ff"`)
	applied := d.fgd(0, "migrate", "apply", d.path("plan.json"))
	d.says(applied, "dry_run", "1 updated", "1 created", "before somebody approves it: fgd migrate apply")
	d.says(d.fgd(0, "fabric", "show", "f"), "dry_run: syncs run by themselves, and publish nothing")
	d.says(d.fgd(1, "sync", "start", "f"), "FGD_3030", "--mode on")
	d.says(d.fgd(0, "migrate", "apply", d.path("plan.json")), "dry_run")
	d.fgd(0, "fabric", "suspend", "g", "--reason", "it moves")
	d.says(d.fgd(3, "migrate", "apply", d.path("plan.json"), "--mode", "on", "g"), "refused", "it moves",
		"fgd fabric resume")
	d.fgd(0, "fabric", "resume", "g")
	d.fgd(0, "fabric", "update", "g", "--name", "other")
	d.says(d.fgd(3, "migrate", "apply", d.path("plan.json"), "--mode", "on", "g"), "refused", `"other"`)
	d.fgd(0, "fabric", "update", "other", "--name", "g")
	d.same("before approval", before)

	d.host.Commit(t, "r.git", "main", map[string]string{"g/raw/c.yaml": other})
	approved := d.fgd(3, "migrate", "apply", d.path("plan.json"), "--mode", "on")
	d.says(approved, "f     on", "g     moved", "to go back: fgd restore", "Make the plan anew")
	d.says(d.fgd(0, "fabric", "show", "g"), "dry_run")
	if now := d.managed("f"); maps.Equal(now, files) || len(d.managed("g")) != 0 {
		t.Errorf("approved, managed/ has %v, and of g %v", now, d.managed("g"))
	}

	seen, err := migrate.Read(d.path("plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	d.fgd(0, "restore", "f", "--commit", seen.Fabrics[0].Commit)
	if now := d.managed("f"); !maps.Equal(now, files) {
		t.Errorf("restored, managed/ has %v, not %v", now, files)
	}
	d.revertible(plan)
	d.says(d.fgd(0, "fabric", "update", "f", "--mode", "off"), "off: no sync runs by itself")
	settled := d.refs()
	d.says(d.fgd(1, "sync", "start", "f"), "FGD_3030")
	d.says(d.fgd(2, "migrate", "apply", d.path("fabrics.csv")), "no plan that can be read")
	d.says(d.fgd(2, "migrate", "plan"), "--csv or --netbox")
	d.says(d.fgd(2, "migrate", "apply", d.path("plan.json"), "--mode", "off"), "allowed is dry_run or on")
	d.same("in the mode off", settled)
}

// revertible approves the directory that had no managed/, and goes back as is said: every byte of it is there again.
func (d *delivering) revertible(plan []string) {
	d.t.Helper()
	before := d.host.Git(d.t, "r.git", "rev-parse", "main:g")
	d.write("fabrics.csv", "name,repository_url,gitops_directory,credentials_ref\ng,"+d.host.URL("r.git")+",g,file:git\n")
	d.fgd(0, plan...)
	approved := d.fgd(0, "migrate", "apply", d.path("plan.json"), "--mode", "on")
	_, commit, found := strings.Cut(approved, "--mode off, and git revert ")
	if !found || d.host.Git(d.t, "r.git", "rev-parse", "main:g") == before {
		d.t.Fatalf("approved:\n%s", approved)
	}
	d.fgd(0, "fabric", "update", "g", "--mode", "off")
	clone := d.path("clone")
	d.host.Git(d.t, "r.git", "clone", "-q", "-b", "main", d.host.Path("r.git"), clone)
	d.host.Git(d.t, "r.git", "-C", clone, "-c", "user.name=a", "-c", "user.email=a@example.com", "revert", "--no-edit",
		strings.TrimSpace(commit))
	d.host.Git(d.t, "r.git", "-C", clone, "push", "-q", "origin", "HEAD:main")
	if now := d.host.Git(d.t, "r.git", "rev-parse", "main:g"); now != before {
		d.t.Errorf("the tree of g was %s, and is %s", before, now)
	}
}

// TestAMigrationFromNetBox plans what a NetBox knows, and links what it registers.
func TestAMigrationFromNetBox(t *testing.T) {
	d := newDelivering(t)
	d.setUp()
	known, url := d.netbox.AddFabric("known"), d.host.URL("r.git")
	d.netbox.AddFabric("other")
	d.write("fgd.yaml", "credentials_dir: "+d.folder+"\n")
	d.write("fabrics.csv", "name,repository_url,gitops_directory,credentials_ref\nknown,"+url+",f,file:git\n")
	before := d.refs()
	plan := []string{
		"migrate", "plan", "--netbox", "--csv", d.path("fabrics.csv"), "--out", d.path("plan.json"), "--config",
		d.path("fgd.yaml"), "--allow-http", "--allow-network=127.0.0.0/8",
	}
	d.says(d.fgd(3, plan...), "known  ready", "other  unknown")
	d.says(d.fgd(0, "migrate", "apply", d.path("plan.json"), "known"), "known  dry_run")
	d.says(d.fgd(0, "fabric", "show", "known"), d.netbox.URL, "dry_run")
	d.says(d.fgd(3, plan...), "known  registered")
	d.same("before approval", before)
	if known == 0 {
		t.Error("the fabric has no number")
	}
}
