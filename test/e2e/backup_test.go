package e2e

import (
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// backupPage is docs/backup.md, whose commands are run.
type backupPage struct {
	t        *testing.T
	env      []string
	replaced *strings.Replacer // what is another here than on the page
}

// file is where the page is.
func (p backupPage) file() string {
	p.t.Helper()
	root, err := system.Root()
	if err != nil {
		p.t.Fatal(err)
	}
	return filepath.Join(root, "docs", "backup.md")
}

// command is that of a chapter: all its blocks in one shell, after those of the chapter "Names".
func (p backupPage) command(chapter string) *exec.Cmd {
	p.t.Helper()
	blocks := append(shellOf(p.t, p.file(), "Names"), shellOf(p.t, p.file(), chapter)...)
	script := p.replaced.Replace(strings.Join(blocks, ""))
	command := exec.CommandContext(p.t.Context(), "bash", "-euo", "pipefail", "-c", script)
	command.Env = append([]string{"PATH=" + string(programs) + ":" + os.Getenv("PATH"), "HOME=" + p.t.TempDir()}, p.env...)
	return command
}

// run runs a chapter, and returns what it said.
func (p backupPage) run(chapter string) string {
	p.t.Helper()
	said, err := p.command(chapter).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", chapter, err, said)
	}
	return string(said)
}

// TestBackupAndRestore follows docs/backup.md: a backup while everything works, then the machine is lost, and what the
// page says is there again on an empty one.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	d := newDisaster(t)
	revoked, stays := d.token("revoked later"), d.token("stays")
	arrived, letGo := d.hold()
	d.Commit(t, heldIn, branch, map[string]string{"pod/raw/more.yaml": fabric.VPC("second", 2)})
	held := d.trigger(heldPod)
	arrived()
	waits := d.trigger(heldPod)
	before := d.seen()
	backup, syncs := d.backUp()

	letGo()
	first := d.Ended(held)
	d.Ended(waits)
	d.revoke(revoked)
	late, unknown := d.token("made later"), d.meanwhile()
	was := d.published()
	d.wipe()

	began := time.Now()
	d.run("Restore")
	d.redis.Start()
	d.Restart("fgd")
	d.AwaitReady()
	ready := time.Since(began)
	said := d.run("Look")
	if again := d.Ended(held); again.State != "completed" || again.Result.CommitSHA != first.Result.CommitSHA {
		t.Errorf("what had published is %+v, and was %+v", again, first)
	}
	if again := d.Ended(waits); again.State != "completed" || again.Result.CommitSHA != "" {
		t.Errorf("what waited is %+v", again)
	}
	d.syncAll(before)
	synced := time.Since(began)
	d.requireKept(before, said)
	if now := d.published(); !maps.Equal(now, was) {
		t.Errorf("what is published is\n%v\nand was\n%v", now, was)
	}
	if !d.taken(stays) || !d.taken(revoked) || d.taken(late) {
		t.Errorf("tokens are taken: %v, %v, and not %v", d.taken(stays), d.taken(revoked), d.taken(late))
	}
	if code, raw := d.Try(http.MethodGet, "/api/v1/syncs/"+unknown, nil); !strings.Contains(string(raw), "FGD_3007") {
		t.Errorf("a sync after the backup is %d %s", code, raw)
	}
	d.register(latePod, lateIn, "pod")
	d.pushTo(1)
	t.Logf("backup %.1f s (%d syncs ended meanwhile), restore %.1f s, all %d fabrics synced after %.1f s",
		backup.Seconds(), syncs, ready.Seconds(), len(before.Fabrics), synced.Seconds())
}

// TestACopyIsMoved follows docs/backup.md for one process with a Redis of its own: it is stopped, copied, and goes on
// elsewhere, with its audit.
func TestACopyIsMoved(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	p := backupPage{
		t,
		[]string{"HEDGEHOG_FGD_SERVER=" + e.GRPC, "HEDGEHOG_FGD_TOKEN=" + e.Token()},
		strings.NewReplacer("/var/lib/fgd-sync", e.Data, "/var/backups/fgd-sync", t.TempDir()),
	}
	requireChapters(t, p.file(), "Names", "Take a backup", "Restore", "Look", "Copy one process", "Bring the copy back")
	var before, after struct{ Syncs []system.Status }
	e.Call(http.MethodGet, "/api/v1/syncs", nil, &before)
	commits := e.Commits(t, repository, branch)
	e.Processes["fgd"].Stop()
	p.run("Copy one process")
	empty(t, e.Data)
	p.run("Bring the copy back")
	e.Restart("fgd")
	e.AwaitReady()
	e.Call(http.MethodGet, "/api/v1/syncs", nil, &after)
	if len(before.Syncs) == 0 || !reflect.DeepEqual(after, before) {
		t.Errorf("the syncs are %+v, and were %+v", after, before)
	}
	var started system.Accepted
	e.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &started)
	if status := e.Ended(started.SyncID); status.State != "completed" || status.Result.CommitSHA != "" {
		t.Errorf("a sync is %+v", status)
	}
	e.requireCommits(commits)
	if verified := programs.Run(t, p.env, "audit", "verify"); verified.Code != 0 {
		t.Errorf("the audit: %s", verified.Output())
	}
}
